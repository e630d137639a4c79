// RFC 6455: handshake, frames, fragments, ping, close.

import { createHash, randomBytes } from 'node:crypto'
import { Failure } from './failure.mjs'
import { AGENT, head, Response } from './http1.mjs'
import { Limits } from './limits.mjs'

const CONTINUATION = 0
export const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

/** The client's side of RFC 6455, without extensions. */
export class WebSocket {
  static MOST = 64 * 1024 * 1024 // bytes of one message
  static FAREWELL = 200 // milliseconds to wait for the other side's close
  parting = false
  answers = 0

  /** `place` is where it leads and who speaks on it: those who would say the same may use it again. */
  constructor(wire, place) {
    Object.assign(this, { wire, place })
  }

  /** Ask for the upgrade; the response is for the caller to judge (§4.1). */
  async handshake(url, key) {
    const nonce = randomBytes(16).toString('base64')
    this.wire.write(
      head('GET', url, {
        Host: url.host,
        Authorization: `Bearer ${key}`,
        Upgrade: 'websocket',
        Connection: 'Upgrade',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': nonce,
        'User-Agent': AGENT,
      }),
    )
    const response = await Response.on(this.wire)
    const proof = createHash('sha1').update(`${nonce}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    const { headers } = response
    const right =
      (headers.upgrade ?? '').toLowerCase() === 'websocket' &&
      /upgrade/i.test(headers.connection ?? '') &&
      headers['sec-websocket-accept'] === proof &&
      !('sec-websocket-extensions' in headers) &&
      !('sec-websocket-protocol' in headers)
    if (response.status === 101 && !right) throw new Failure('parse', "the WebSocket handshake's 101 is not an answer to ours", { final: true })
    return response
  }

  /** One data message; control frames are dealt with as they come, also between its fragments. */
  async message() {
    const parts = []
    let size = 0
    let kind = null
    const decoder = new TextDecoder('utf-8', { fatal: true })
    for (;;) {
      const { final, opcode, payload } = await this.frame()
      if (opcode >= CLOSE) {
        await this.control(opcode, payload)
        continue
      }
      if ((opcode === CONTINUATION) === (kind === null)) await this.broken(kind === null ? 'a continuation of nothing' : 'a message inside another')
      kind ??= opcode
      parts.push(payload)
      size += payload.length
      if (size > WebSocket.MOST) await this.broken(`a message of more than ${WebSocket.MOST} bytes`, 1009)
      if (kind === TEXT) await this.valid(decoder, payload, !final)
      if (final) return Buffer.concat(parts)
    }
  }

  async frame() {
    const [first, second] = await this.wire.exactly(2)
    await this.checkFrame(first, second)
    let size = second & 0x7f
    if (size === 126) size = (await this.wire.exactly(2)).readUInt16BE()
    else if (size === 127) size = Number((await this.wire.exactly(8)).readBigUInt64BE())
    if (size > WebSocket.MOST) await this.broken(`a frame of ${size} bytes`, 1009)
    return { final: Boolean(first & 0x80), opcode: first & 0x0f, payload: await this.wire.exactly(size) }
  }

  async checkFrame(first, second) {
    const opcode = first & 0x0f
    if (first & 0x70) await this.broken('reserved bits are set and no extension was agreed on')
    if (second & 0x80) await this.broken('a server must not mask its frames')
    if (![CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG].includes(opcode)) await this.broken(`opcode ${opcode} is reserved`)
    if (opcode >= CLOSE && (!(first & 0x80) || (second & 0x7f) > 125)) await this.broken('a control frame may neither be fragmented nor longer than 125 bytes')
  }

  async valid(decoder, payload, stream = false) {
    try {
      return decoder.decode(payload, { stream })
    } catch {
      return this.broken('text that is not UTF-8', 1007)
    }
  }

  async control(opcode, payload) {
    if (opcode === PING) this.send(PONG, payload)
    else if (opcode === CLOSE) await this.closed(payload)
  }

  /** Their close frame: echo it, and tell the caller. */
  async closed(payload) {
    if (payload.length === 1) await this.broken('a close frame with half a code')
    const code = payload.length ? payload.readUInt16BE() : 1005
    const sendable = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)
    if (payload.length && !sendable) await this.broken(`close code ${code} must not be sent`)
    const reason = await this.valid(new TextDecoder('utf-8', { fatal: true }), payload.subarray(2))
    await this.leave(payload.length ? code : null)
    throw new Failure('closed', `the server closed the WebSocket with ${code}${reason ? `: ${reason}` : ''}`, { code })
  }

  /** They broke the protocol: say so and leave (§7.1.7). */
  async broken(what, code = 1002) {
    await this.leave(code)
    throw new Failure('parse', what, { final: true, code })
  }

  /** One frame under a fresh mask (§5.3). */
  send(opcode, payload) {
    const size = payload.length
    const length = size < 126 ? [0x80 | size] : size < 65536 ? [0xfe, size >> 8, size & 0xff] : [0xff, 0, 0, 0, 0, ...uint32(size)]
    const key = randomBytes(4)
    const masked = Buffer.from(payload)
    for (let i = 0; i < size; i++) masked[i] ^= key[i & 3]
    this.wire.write(Buffer.concat([Buffer.from([0x80 | opcode, ...length]), key, masked]))
  }

  /** Send a close frame, wait a moment for theirs or the end, close. The second call does nothing. */
  async leave(code = 1000) {
    if (this.parting) return
    this.parting = true
    this.wire.limits = Limits.grace(WebSocket.FAREWELL)
    try {
      this.send(CLOSE, code === null ? Buffer.alloc(0) : Buffer.from([code >> 8, code & 0xff]))
      while (await this.wire.read());
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    } finally {
      this.wire.close()
    }
  }

  /** Before reuse: deal with what has come since the last answer. False if the connection is no longer good. */
  async settle() {
    this.wire.limits = Limits.grace(WebSocket.FAREWELL)
    try {
      while (await this.wire.arrived()) {
        const { opcode, payload } = await this.frame()
        await this.control(opcode, payload)
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      await this.leave()
    }
    return !this.parting
  }
}

const uint32 = (value) => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
