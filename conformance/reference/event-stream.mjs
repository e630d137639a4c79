// text/event-stream: UTF-8, BOM, line ends, fields, dispatch.

import { Failure } from './failure.mjs'

/** `strays` are the block's lines that are no field of ours: ignored, but worth a look when the data makes no sense. */
export const eventOf = (data, name = 'message', strays = []) => ({ data, name, strays })

/** text/event-stream, byte by byte if need be: WHATWG HTML §9.2.5 and §9.2.6. The decoder strips the one leading BOM. */
export class EventStream {
  static MOST = 64 * 1024 * 1024 // characters of one event

  constructor() {
    Object.assign(this, { decoder: new TextDecoder(), afterCr: false, partial: [], size: 0, data: [], strays: [], name: '' })
  }

  /** The events these bytes complete. */
  *feed(bytes) {
    for (const line of this.lines(this.decoder.decode(bytes, { stream: true }))) {
      if (line) this.take(line)
      else yield* this.dispatch()
    }
  }

  /** Whole lines. A CR ends its line at once; the LF that may follow it, even in the next piece, belongs to it. */
  *lines(text) {
    if (!text) return
    if (this.afterCr && text[0] === '\n') text = text.slice(1)
    this.afterCr = text.endsWith('\r')
    const whole = text.split(/\r\n|\r|\n/)
    const rest = whole.pop()
    for (const line of whole) {
      this.partial.push(line)
      const joined = this.partial.join('')
      this.partial = []
      yield joined
    }
    if (rest) {
      this.partial.push(rest)
      this.grow(rest.length)
    }
  }

  grow(count) {
    this.size += count
    if (this.size > EventStream.MOST) throw new Failure('parse', `an event of more than ${EventStream.MOST} characters`)
  }

  take(line) {
    if (line.startsWith(':')) return
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))
    if (name === 'data') {
      this.grow(value.length)
      this.data.push(value)
    } else if (name === 'event') this.name = value
    else if (name !== 'id' && name !== 'retry') this.strays.push(line)
  }

  *dispatch() {
    if (this.data.length) yield eventOf(this.data.join('\n'), this.name || 'message', this.strays)
    Object.assign(this, { data: [], strays: [], name: '', size: 0 })
  }
}
