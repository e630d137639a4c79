// HTTP/1.1 (RFC 9112): the head of a request; a response's head, framing and content coding.

import { pipeline } from 'node:stream'
import zlib from 'node:zlib'
import { Cancelled, Failure } from './failure.mjs'
import { READ } from './wire.mjs'

export const AGENT = 'streamproof-reference/1.0 node' // what the client calls itself

export const head = (method, url, fields) =>
  [`${method} ${url.pathname}${url.search} HTTP/1.1`, ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')

/** One HTTP/1.1 response, read off a wire as it is asked for (RFC 9112). */
export class Response {
  begun = false // a byte of the body has come
  whole = false // the body has ended as it is framed

  static async on(wire) {
    const response = new Response()
    response.wire = wire
    do await response.readHead()
    while (response.status >= 100 && response.status < 200 && response.status !== 101)
    response.body = response.pieces()
    return response
  }

  async readHead() {
    let line
    try {
      line = await this.wire.line()
      this.headers = await this.fields()
    } catch (error) {
      if (error.kind === 'truncated') throw new Failure('closed', 'the connection was closed before an answer', { stale: this.wire.answers > 0 })
      if (error.kind === 'reset') error.stale = this.wire.answers > 0
      throw error
    }
    const match = /^HTTP\/(1\.[01]) +([1-9]\d\d)(?: (.*))?$/.exec(line)
    if (!match) throw new Failure('parse', `not an HTTP/1.1 status line: ${line.slice(0, 80)}`)
    Object.assign(this, { version: match[1], status: Number(match[2]), reason: match[3] ?? '' })
  }

  /** Header fields by lower-case name, repeated ones joined by a comma; folded lines are unfolded (§5.2). */
  async fields() {
    const fields = {}
    let name = ''
    let size = 0
    for (let line; (line = await this.wire.line()); ) {
      size += line.length
      if (size > 16 * READ) throw new Failure('parse', "the response's head is too long")
      if (/^[ \t]/.test(line) && name) {
        fields[name] += ` ${line.trim()}`
        continue
      }
      const match = /^([^\s:]+):(.*)$/.exec(line)
      if (!match) throw new Failure('parse', `not a header field: ${line.slice(0, 80)}`)
      name = match[1].toLowerCase()
      fields[name] = name in fields ? `${fields[name]}, ${match[2].trim()}` : match[2].trim()
    }
    return fields
  }

  /** The body as it is framed (§6.3), each piece as it comes. */
  async *pieces() {
    for await (const piece of this.framed()) {
      this.begun = true
      yield piece
    }
    this.whole = true
  }

  framed() {
    if (this.status < 200 || [204, 205, 304].includes(this.status)) return []
    if ('transfer-encoding' in this.headers) return this.chunks()
    if ('content-length' in this.headers) return this.counted(this.declared())
    return this.untilClose()
  }

  async *chunks() {
    const coding = this.headers['transfer-encoding']
    if (coding.toLowerCase() !== 'chunked') throw new Failure('parse', `transfer coding '${coding}' was not asked for`)
    for (let size; (size = await this.chunkSize()); ) {
      yield* this.counted(size)
      if (await this.wire.line()) throw new Failure('parse', 'a chunk is longer than its size says')
    }
    while (await this.wire.line()); // trailer fields say nothing an answer needs
  }

  async chunkSize() {
    const line = await this.wire.line()
    const size = line.split(';')[0].trim()
    if (!/^[0-9a-fA-F]{1,12}$/.test(size)) throw new Failure('parse', `not a chunk size: ${line.slice(0, 40)}`)
    return parseInt(size, 16)
  }

  declared() {
    const lengths = new Set(this.headers['content-length'].split(',').map((length) => length.trim()))
    const [length] = lengths
    if (lengths.size > 1 || !/^\d{1,15}$/.test(length)) throw new Failure('parse', `not a Content-Length: ${this.headers['content-length']}`)
    return Number(length)
  }

  async *counted(left) {
    while (left) {
      const piece = await this.wire.read(left)
      if (!piece) throw new Failure('truncated', `the body ended ${left} bytes early`)
      left -= piece.length
      yield piece
    }
  }

  async *untilClose() {
    for (let piece; (piece = await this.wire.read()); ) yield piece
  }

  /** The body without its content codings: the last one listed lies outermost (RFC 9110 §8.4). Reading may be left off and gone
   * on with by `rest`, but for a coded body. */
  content() {
    const listed = (this.headers['content-encoding'] ?? '').split(',').map((coding) => coding.trim().toLowerCase())
    const codings = listed.filter((coding) => coding !== '' && coding !== 'identity').reverse()
    const unknown = codings.find((coding) => !['gzip', 'x-gzip', 'deflate'].includes(coding))
    if (unknown) throw new Failure('parse', `content coding '${unknown}' was not asked for`)
    if (!codings.length) return { [Symbol.asyncIterator]: () => ({ next: () => this.body.next() }) }
    return codings.reduce(inflate, this.body)
  }

  get mediaType() {
    return (this.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase()
  }

  /** The beginning of a body that is for people to read; never an error, however it ends. */
  async text() {
    const parts = []
    let size = 0
    try {
      for await (const piece of this.content()) {
        parts.push(piece)
        size += piece.length
        if (size > READ) break
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    }
    return Buffer.concat(parts).toString('utf8', 0, READ)
  }

  /** Read to the body's end and drop it. */
  async rest() {
    while (!(await this.body.next()).done);
  }

  /** May another request go out on this connection (§9.3)? */
  get reusable() {
    const close = /close/i.test(this.headers.connection ?? '')
    const framed = 'transfer-encoding' in this.headers || 'content-length' in this.headers || [204, 205].includes(this.status)
    const { buffer, arrivals, ended } = this.wire
    return this.whole && framed && !close && this.version === '1.1' && !buffer.length && !arrivals.length && !ended
  }
}

/** gzip or deflate; all that a piece yields is handed on before the next is needed. */
async function* inflate(pieces, coding) {
  const { value: first, done } = await pieces.next()
  if (done) return
  const unzipped = pipeline(joined(first, pieces), decoder(coding, first[0]), () => {})
  try {
    yield* unzipped
  } catch (error) {
    if (error instanceof Failure || error instanceof Cancelled) throw error
    const cut = error.code === 'Z_BUF_ERROR'
    throw new Failure(cut ? 'truncated' : 'parse', cut ? 'the compressed body ended early' : `the compressed body is broken: ${error.message}`)
  }
}

async function* joined(first, rest) {
  yield first
  yield* rest
}

/** Some servers leave out the zlib format that deflate should be in; the first byte tells. */
const decoder = (coding, first) => {
  if (coding !== 'deflate') return zlib.createGunzip()
  return (first & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw()
}
