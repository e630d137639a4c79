#!/usr/bin/env node
// The reference client for Node ≥ 20, with its adapter: streaming chat completions over SSE and WebSocket, no dependencies.
// It does what client.py does, on promises: every wait is a race with the run's limits, and nothing is read ahead of the
// caller but one bounded buffer.

import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { pipeline } from 'node:stream'
import tls from 'node:tls'
import { createInterface } from 'node:readline'
import zlib from 'node:zlib'

const READ = 65536 // bytes held beyond one event before the socket is paused
const MOST = 64 * 1024 * 1024 // bytes of one event or message
const AGENT = 'streamproof-reference/1.0 node'
const now = () => performance.now()

/** The caller wants no more. */
class Cancelled extends Error {}

/** The answer cannot be had, or not wholly. `kind` is the adapter protocol's word. */
class Failure extends Error {
  constructor(kind, message, { status = null, headers = {}, final = false, refused = false, stale = false, code = null } = {}) {
    super(message)
    Object.assign(this, { kind, status, headers, final, refused, stale, code })
  }
}

// ------------------------------------------------------------------------------------------------------------- the limits

/** How long a run may take: milliseconds, on the monotonic clock. */
class Limits {
  constructor({ cancel = Infinity, total = Infinity, connect = 10000, idle = Infinity } = {}) {
    Object.assign(this, { cancelAt: now() + cancel, totalAt: now() + total, connect, idle })
    this.heard()
  }

  /** Something came that counts as life. The caller's own pauses are over when this is called. */
  heard() {
    this.quietUntil = now() + this.idle
  }

  /** The promise's outcome, or what the first limit means if that is reached sooner. */
  async within(promise, until = Infinity, what = '') {
    const at = Math.min(this.cancelAt, this.totalAt, until)
    if (at === Infinity) return promise
    promise.catch(() => {})
    let timer
    const over = new Promise((_, reject) => {
      timer = setTimeout(() => reject(this.reached(at, what)), Math.min(Math.max(at - now(), 0), 2 ** 31 - 1))
    })
    try {
      return await Promise.race([promise, over])
    } finally {
      clearTimeout(timer)
    }
  }

  reached(at, what) {
    if (at === this.cancelAt) return new Cancelled()
    if (at === this.totalAt) return new Failure('timeout', "the run's time is over", { final: true })
    return new Failure('timeout', what)
  }

  check() {
    const at = Math.min(this.cancelAt, this.totalAt)
    if (now() >= at) throw this.reached(at)
  }

  async sleep(milliseconds) {
    const until = now() + milliseconds
    while (now() < until) {
      let timer
      const slept = new Promise((resolve) => (timer = setTimeout(resolve, Math.ceil(until - now()))))
      await this.within(slept).finally(() => clearTimeout(timer))
    }
    this.check()
  }

  /** The same limits for something that may not take longer than this. */
  atMost(milliseconds) {
    return new Limits({ cancel: this.cancelAt - now(), total: Math.min(this.totalAt - now(), milliseconds) })
  }

  /** Time for leaving politely: the run's own limits no longer matter. */
  static grace(milliseconds) {
    return new Limits({ total: milliseconds })
  }
}

// --------------------------------------------------------------------------------------------------------- the connection

/** Where a connection leads, as text: an origin, and whom it trusts. */
const placeOf = (url, caFile) => JSON.stringify([['https:', 'wss:'].includes(url.protocol), url.hostname, portOf(url), caFile ?? null])
const portOf = (url) => Number(url.port || (['https:', 'wss:'].includes(url.protocol) ? 443 : 80))

/** One connection. Its limits are those of the run that uses it. */
class Wire {
  buffer = Buffer.alloc(0)
  arrivals = []
  held = 0
  ended = false
  trouble = null
  answers = 0
  wake = () => {}

  static async open(url, caFile, limits) {
    const wire = new Wire()
    wire.place = placeOf(url, caFile)
    wire.limits = limits
    const until = now() + limits.connect
    const host = url.hostname.replace(/^\[|\]$/g, '')
    try {
      await limits.within(wire.connect(url, host, caFile), until, `not connected after ${limits.connect} ms`)
    } catch (error) {
      wire.close()
      throw error
    }
    limits.heard()
    return wire
  }

  connect(url, host, caFile) {
    const secure = ['https:', 'wss:'].includes(url.protocol)
    const options = { host, port: portOf(url), noDelay: true }
    if (secure) {
      options.servername = net.isIP(host) ? '' : host
      try {
        if (caFile) options.ca = readFileSync(caFile)
      } catch (error) {
        return Promise.reject(new Failure('tls', `cannot read ${caFile}: ${error.message}`, { final: true }))
      }
    }
    this.socket = secure ? tls.connect(options) : net.connect(options)
    this.socket.setNoDelay(true)
    return new Promise((resolve, reject) => {
      this.socket.once(secure ? 'secureConnect' : 'connect', resolve)
      this.socket.on('error', (error) => {
        this.trouble = error
        this.wake()
        reject(unconnected(error, url))
      })
      this.socket.on('data', (data) => {
        this.arrivals.push(data)
        this.held += data.length
        if (this.held >= READ) this.socket.pause()
        this.wake()
      })
      this.socket.on('close', () => {
        this.ended = true
        this.wake()
        reject(new Failure('connect', `${url.host} closed the connection at once`))
      })
      this.socket.on('end', () => {
        this.ended = true
        this.wake()
      })
    })
  }

  /** The next bytes, or null at the end. Raises a timeout or a reset. */
  async receive() {
    while (!this.arrivals.length) {
      if (this.trouble) throw new Failure('reset', `the connection broke: ${this.trouble.message}`)
      if (this.ended) return null
      const news = new Promise((resolve) => (this.wake = resolve))
      await this.limits.within(news, this.limits.quietUntil, `no data for ${this.limits.idle} ms`)
    }
    const data = this.arrivals.shift()
    this.held -= data.length
    if (this.held < READ) this.socket.resume()
    return data
  }

  async more() {
    const data = await this.receive()
    if (!data) throw new Failure('truncated', 'the connection ended inside the answer')
    return data
  }

  /** What there is, at most so many bytes; null at the end. */
  async read(most = Infinity) {
    const data = this.buffer.length ? this.buffer : await this.receive()
    if (!data) return null
    this.buffer = data.subarray(Math.min(most, data.length))
    return data.subarray(0, Math.min(most, data.length))
  }

  async exactly(count) {
    const parts = [this.buffer]
    let size = this.buffer.length
    while (size < count) {
      parts.push(await this.more())
      size += parts.at(-1).length
    }
    const all = parts.length > 1 ? Buffer.concat(parts) : this.buffer
    this.buffer = all.subarray(count)
    return all.subarray(0, count)
  }

  /** A line without its end, LF or CRLF. */
  async line() {
    let end
    while ((end = this.buffer.indexOf(10)) < 0) {
      if (this.buffer.length > READ) throw new Failure('parse', `a line of more than ${READ} bytes in the HTTP framing`)
      this.buffer = Buffer.concat([this.buffer, await this.more()])
    }
    const line = this.buffer.toString('latin1', 0, end)
    this.buffer = this.buffer.subarray(end + 1)
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }

  write(data) {
    this.socket.write(data)
  }

  /** Is something there unread: bytes, the end or a reset? Looks once at what the kernel has. */
  async arrived() {
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    return this.buffer.length > 0 || this.arrivals.length > 0 || this.ended || this.trouble !== null || this.socket.destroyed
  }

  close() {
    this.socket?.destroy()
  }
}

function unconnected(error, url) {
  const plain = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL']
  const codes = [error.code, ...(error.errors ?? []).map((one) => one.code)]
  const kind = codes.some((code) => plain.includes(code)) ? 'connect' : 'tls'
  const message = `cannot connect to ${url.host}: ${error.message || codes.filter(Boolean).join(', ')}`
  return new Failure(kind, message, { refused: codes.includes('ECONNREFUSED'), final: kind === 'tls' })
}

// ------------------------------------------------------------------------------------------------------------------- HTTP

const head = (method, url, fields) =>
  [`${method} ${url.pathname}${url.search} HTTP/1.1`, ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')

/** One HTTP/1.1 response, read off a wire as it is asked for (RFC 9112). */
class Response {
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

  /** The body without its content coding. Reading may be left off and gone on with by `rest`, but for a coded body. */
  content() {
    const coding = (this.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
    if (coding === 'identity' || coding === '') return { [Symbol.asyncIterator]: () => ({ next: () => this.body.next() }) }
    if (['gzip', 'x-gzip', 'deflate'].includes(coding)) return inflate(this.body)
    throw new Failure('parse', `content coding '${coding}' was not asked for`)
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

/** gzip or zlib, told by the data itself; all that a piece yields is handed on before the next is needed. */
async function* inflate(pieces) {
  const unzipped = pipeline(pieces, zlib.createUnzip(), () => {})
  try {
    yield* unzipped
  } catch (error) {
    if (error instanceof Failure || error instanceof Cancelled) throw error
    const cut = error.code === 'Z_BUF_ERROR'
    throw new Failure(cut ? 'truncated' : 'parse', cut ? 'the compressed body ended early' : `the compressed body is broken: ${error.message}`)
  }
}

// ------------------------------------------------------------------------------------------------------ text/event-stream

/** text/event-stream, byte by byte if need be: WHATWG HTML §9.2.5 and §9.2.6. The decoder strips the one leading BOM. */
class EventStream {
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
    if (this.size > MOST) throw new Failure('parse', `an event of more than ${MOST} characters`)
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
    if (this.data.length) yield { data: this.data.join('\n'), name: this.name || 'message', strays: this.strays }
    Object.assign(this, { data: [], strays: [], name: '', size: 0 })
  }
}

// -------------------------------------------------------------------------------------------------------------- WebSocket

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

/** The client's side of RFC 6455, without extensions. */
class WebSocket {
  static FAREWELL = 200 // milliseconds to wait for the other side's close
  parting = false
  answers = 0

  constructor(wire) {
    this.wire = wire
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
      if (size > MOST) await this.broken(`a message of more than ${MOST} bytes`, 1009)
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
    if (size > MOST) await this.broken(`a frame of ${size} bytes`, 1009)
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

// ------------------------------------------------------------------------------------------------------------- the answer

const natural = (value) => Number.isInteger(value) && value >= 0
const mapping = (value) => (value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {})
const objects = (value) => (Array.isArray(value) ? value.filter((item) => item !== null && typeof item === 'object' && !Array.isArray(item)) : [])

/** Text in whole characters, and the first half of a surrogate pair that an escape at its end may have left. */
function characters(text) {
  const carry = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : ''
  return [text.slice(0, text.length - carry.length).toWellFormed(), carry]
}

const textOf = (content) =>
  Array.isArray(content)
    ? objects(content).map((part) => (typeof part.text === 'string' ? part.text : '')).join('')
    : typeof content === 'string' ? content : ''

/** The providers' ways to say what the model thought: the first that says something. */
function reasoningOf(delta) {
  for (const name of ['reasoning_content', 'reasoning']) if (typeof delta[name] === 'string') return [delta[name]].filter(Boolean)
  const details = Array.isArray(delta.reasoning_details) ? objects(delta.reasoning_details).map((part) => part.text) : null
  const thoughts = details ?? objects(delta.content).filter((part) => part.type === 'thinking').map((part) => textOf(part.thinking))
  return thoughts.filter((text) => typeof text === 'string' && text)
}

/** The error a JSON body speaks of, in any provider's shape; null if it speaks of none. */
function errorIn(body, name = 'message') {
  if (mapping(body) !== body) return null
  const said = body.error || mapping(body.x_groq).error
  const inner = mapping(said)
  const empty = !('choices' in body) && mapping(body.error) === body.error
  const flat = name === 'error' || body.object === 'error' || body.type === 'error'
  const bare = !('choices' in body) && ('detail' in body || typeof body.message === 'string')
  if (!(said || empty || flat || bare)) return null
  const detail = Array.isArray(body.detail) ? body.detail.map((part) => String(mapping(part).msg ?? JSON.stringify(part))).join('; ') : body.detail
  const words = (typeof said === 'string' ? said : inner.message) || body.message || detail || inner.code || inner.type
  const told = [body.status, inner.status, inner.code, body.code].find((value) => /^[45]\d\d$/.test(String(value)))
  const message = typeof words === 'string' || typeof words === 'number' ? String(words) : JSON.stringify(words ?? body).slice(0, 500)
  return new Failure('api', message, { status: told === undefined ? null : Number(told) })
}

/** What the events of one answer say, and whether it is complete. */
class Answer {
  /** Typed messages: which of their fields says what in a chunk's delta. */
  static DELTAS = Object.assign(Object.create(null), {
    content_delta: ['content', 'content'],
    reasoning_delta: ['content', 'reasoning_content'],
    refusal_delta: ['content', 'refusal'],
    tool_call_delta: ['tool_calls', 'tool_calls'],
    function_call_delta: ['function_call', 'function_call'],
  })

  choices = new Map()
  usage = null
  done = false // the terminal word was said: [DONE], or `done`
  begun = false // a byte of the answer has come: from here on there is no second attempt
  heard = false // an event with data has come: from here on only data counts as life
  channel = null // the WebSocket it comes on, while it does

  constructor(request, dialect) {
    this.dialect = dialect
    this.wanted = Array.from({ length: request.n || 1 }, (_, index) => index)
    this.usageWanted = Boolean(mapping(request.stream_options).include_usage)
  }

  /** Say `pause` or `resume` to the server, where it can be told. */
  tell(word) {
    this.channel?.send(TEXT, Buffer.from(JSON.stringify({ type: word })))
  }

  choice(index) {
    if (!this.choices.has(index)) this.choices.set(index, { text: '', refusal: '', finish: null, calls: new Map(), carry: '' })
    return this.choices.get(index)
  }

  get indexes() {
    return [...new Set([...this.wanted, ...this.choices.keys()])].sort((a, b) => a - b)
  }

  /** Every choice has its finish_reason. */
  get finished() {
    return this.indexes.every((index) => this.choices.get(index)?.finish)
  }

  /** May this be the whole answer, if it ends properly here? */
  get complete() {
    return this.done || (this.finished && this.dialect !== 'ws-typed')
  }

  /** Nothing more can belong to it, so nothing more is read. */
  get over() {
    if (this.dialect === 'ws-chunk' && this.finished) return this.usage !== null || !this.usageWanted || this.done
    return this.done
  }

  /** The body has ended as it should. Raises if the answer has not. */
  end() {
    if (!this.complete) throw new Failure('truncated', 'the stream ended before the answer did: neither a finish_reason for every choice nor [DONE]')
  }

  /** What one event adds. Raises Failure for an error said in-band and for what cannot be understood. */
  *hear(event) {
    const data = event.data.trim()
    if (data === '[DONE]') {
      this.done = true
      return
    }
    const heartbeat = ['ping', 'heartbeat', 'keepalive', 'keep-alive'].includes(event.name) && !data.startsWith('{')
    if (!data || data.startsWith(':') || heartbeat) return
    const read = this.read(event, data)
    if (read === null) return
    const body = this.untyped(read)
    yield* this.add(body)
    const failure = errorIn(body, event.name)
    if (failure) throw failure
    if (objects(body.choices).some((choice) => choice.finish_reason === 'error')) throw new Failure('api', "the model failed: finish_reason is 'error'")
  }

  read(event, data) {
    let body
    try {
      body = JSON.parse(data)
    } catch (error) {
      throw this.unreadable(event, error.message)
    }
    if (body !== null && mapping(body) !== body) throw new Failure('parse', `an event that is no JSON object: ${data.slice(0, 200)}`)
    return body
  }

  /** Not JSON. An error event may be plain text; and a raw error line may stand right behind half a chunk. */
  unreadable(event, why) {
    if (event.name === 'error') return new Failure('api', event.data.slice(0, 500))
    for (const line of event.strays) {
      const failure = errorIn(parsed(line))
      if (failure) return failure
    }
    return new Failure('parse', `an event that is not JSON (${why}): ${event.data.slice(0, 200)}`)
  }

  /** A typed WebSocket message as the chunk it stands for. */
  untyped(body) {
    if (body.type in Answer.DELTAS) {
      const [source, target] = Answer.DELTAS[body.type]
      return { choices: [{ index: body.index, delta: { [target]: body[source] } }] }
    }
    if (body.type === 'usage') {
      const { type, ...counts } = body
      return { usage: mapping(body.usage) === body.usage ? body.usage : counts }
    }
    if (body.type === 'done' && this.dialect !== 'sse') return this.last(body)
    return body
  }

  last(body) {
    if (body.status === 'cancelled') throw new Failure('api', 'the server cancelled the answer')
    this.done = true
    const reasons = Array.isArray(body.finish_reasons) ? body.finish_reasons : [body.finish_reason].filter(Boolean)
    const choices = reasons.map((finish_reason, index) => ({ index, finish_reason }))
    return { choices, usage: body.usage, error: body.error }
  }

  *add(body) {
    for (const choice of objects(body.choices)) yield* this.addChoice(choice)
    const own = mapping(body.usage)
    const counts = Object.keys(own).length ? own : mapping(mapping(body.x_groq).usage)
    if (Object.keys(counts).length) {
      this.usage = Object.fromEntries(Object.entries(counts).filter(([name, count]) => !name.endsWith('_tokens') || natural(count)))
      yield { type: 'usage', usage: this.usage }
    }
  }

  *addChoice(said) {
    const index = natural(said.index) ? said.index : 0
    const choice = this.choice(index)
    const delta = Object.keys(mapping(said.delta)).length ? said.delta : mapping(said.message)
    for (const text of reasoningOf(delta)) yield { type: 'reasoning', text: text.toWellFormed(), index }
    yield* this.addText(choice, index, textOf(delta.content))
    if (typeof delta.refusal === 'string') choice.refusal += delta.refusal
    for (const fragment of objects(delta.tool_calls)) yield this.addToolCall(choice, index, fragment)
    if (Object.keys(mapping(delta.function_call)).length) yield this.addToolCall(choice, index, { index: 0, function: delta.function_call })
    if (choice.finish === null && typeof said.finish_reason === 'string') choice.finish = said.finish_reason
  }

  *addText(choice, index, said) {
    const [text, carry] = characters(choice.carry + said)
    choice.carry = carry
    if (text) {
      choice.text += text
      yield { type: 'delta', text, index }
    }
  }

  addToolCall(choice, index, fragment) {
    const number = this.callNumber(choice, fragment)
    if (!choice.calls.has(number)) choice.calls.set(number, { id: null, name: '', arguments: '', carry: '' })
    const call = choice.calls.get(number)
    const said = Object.keys(mapping(fragment.function)).length ? fragment.function : mapping(fragment.custom)
    const piece = { type: 'tool_call', index, call: number }
    if (fragment.id && call.id === null) piece.id = call.id = String(fragment.id)
    if (said.name && !call.name) piece.name = call.name = String(said.name)
    const given = said.arguments ?? said.input
    const [text, carry] = characters(call.carry + (typeof given === 'string' ? given : given == null ? '' : JSON.stringify(given)))
    call.carry = carry
    call.arguments += text
    return { ...piece, arguments: text }
  }

  /** Its index; where a provider sends none, a new id starts a new call and anything else goes on with the last. */
  callNumber(choice, fragment) {
    if (natural(fragment.index)) return fragment.index
    for (const [number, call] of choice.calls) if (fragment.id && call.id === fragment.id) return number
    const last = Math.max(-1, ...choice.calls.keys())
    return fragment.id || last < 0 ? last + 1 : last
  }

  /** The answer as far as it came. */
  result() {
    const several = this.indexes.length > 1 ? { choices: this.indexes.map((index) => this.report(index)) } : {}
    const refusal = this.choices.get(0)?.refusal
    return { ...this.report(0), ...several, ...(refusal ? { refusal } : {}), ...(this.usage ? { usage: this.usage } : {}) }
  }

  report(index) {
    const choice = this.choice(index)
    const calls = [...choice.calls].sort(([a], [b]) => a - b).map(([, call]) => call)
    const whole = calls.filter((call) => this.whole(choice, call)).map(({ id, name, arguments: text }) => ({ id, name, arguments: text }))
    return { text: choice.text + '\ufffd'.repeat(choice.carry.length), finish_reason: choice.finish, tool_calls: whole }
  }

  /** May this call be handed out? Not if its arguments were cut: by the connection, or by a limit of length. */
  whole(choice, call) {
    const object = parsed(call.arguments)
    return Boolean(call.name) && ((object !== undefined && mapping(object) === object) || ![null, 'length', 'content_filter', 'error'].includes(choice.finish))
  }
}

/** The JSON value of a text, or undefined. */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The JSON texts that stand one behind the other in one message; what is none is left for the reader to refuse. */
function* messagesIn(text) {
  let start = 0
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (quoted) {
      if (character === '\\') at++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === '{' || character === '[') depth++
    else if ((character === '}' || character === ']') && --depth === 0 && text.slice(at + 1).trimStart().startsWith('{')) {
      yield text.slice(start, at + 1)
      start = at + 1
    }
  }
  yield text.slice(start)
}

// ---------------------------------------------------------------------------------------------------------------- retries

const PATIENCE = 60000 // the longest wait a server may ask for; it is not asked again sooner than it wants, so never
const TRANSIENT = ['connect', 'closed', 'reset', 'timeout', 'truncated']
const CLOSES = [1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015]

function worth(failure) {
  if (failure.final) return false
  if (failure.kind !== 'http') return TRANSIENT.includes(failure.kind) && (failure.code === null || CLOSES.includes(failure.code))
  const wish = (failure.headers['x-should-retry'] ?? '').trim().toLowerCase()
  if (wish === 'true' || wish === 'false') return wish === 'true'
  return [408, 409, 429].includes(failure.status) || (failure.status >= 500 && failure.status <= 599)
}

/** Milliseconds to wait after this many failed retries; null to give up. Never sooner than asked. */
function delayOf(failure, tries) {
  if (failure.stale) return 0
  const backoff = Math.min(250 * 2 ** tries, 8000) * (0.75 + Math.random() / 4)
  const asked = askedFor(failure.headers)
  if (asked === null) return backoff
  return asked > PATIENCE ? null : Math.max(backoff, asked + Math.random() * Math.min(0.1 * asked, 1000))
}

/** What `retry-after-ms`, or Retry-After in seconds or as a date, asks for (RFC 9110 §10.2.3). */
function askedFor(headers) {
  const number = (text) => (/^\s*\d{1,300}(\.\d+)?\s*$/.test(text ?? '') ? Number(text) : null)
  const milliseconds = number(headers['retry-after-ms'])
  if (milliseconds !== null) return milliseconds
  const after = headers['retry-after']
  const seconds = number(after)
  if (seconds !== null) return seconds * 1000
  const date = /^[a-z]{3,9},? .*\d\d:\d\d:\d\d/i.test(after ?? '') ? Date.parse(after) : NaN
  return Number.isNaN(date) ? null : Math.max(date - Date.now(), 0)
}

// ------------------------------------------------------------------------------------------------------------- the client

/** Asks, again if it is worth it, and keeps connections that may be used again. */
class Client {
  static REDIRECTS = 5
  static DRAIN = 100 // milliseconds for the rest of a body that [DONE] has made irrelevant, so that the connection may be kept
  static ERROR_BODY = 1000 // milliseconds for the body of an error, whose status is known already
  idle = []

  /** The pieces of an answer, as they come. Raises Failure or Cancelled; returning the iterator leaves at once. */
  async *stream(run, answer, limits) {
    const keys = [...run.keys]
    const urls = [...run.urls]
    let attempt = 1
    let tries = 0
    for (;;) {
      limits.heard()
      let delay
      let reason
      try {
        yield* run.transport === 'ws' ? this.overWebSocket(urls[0], keys[0], run, answer, limits) : this.overHttp(urls[0], keys[0], run, answer, limits)
        return
      } catch (failure) {
        if (!(failure instanceof Failure) || answer.begun) throw failure
        if (failure.status === 401 && failure.kind === 'http' && keys.length > 1) {
          keys.shift()
          delay = 0
        } else if (failure.refused && urls.length > 1) delay = null
        else delay = tries < run.maxRetries && worth(failure) ? delayOf(failure, tries++) : null
        if (delay === null) {
          if (urls.length === 1 || !worth(failure)) throw failure
          urls.shift()
          tries = delay = 0
        }
        reason = failure.message
      }
      yield { type: 'retry', attempt: ++attempt, reason }
      await limits.sleep(delay)
    }
  }

  // HTTP

  async *overHttp(url, key, run, answer, limits) {
    const response = await this.post(url, key, run, limits)
    const events = new EventStream()
    try {
      if (!run.request.stream) {
        const parts = []
        for await (const piece of response.content()) parts.push(piece)
        yield* answer.hear({ data: Buffer.concat(parts).toString(), name: 'message', strays: [] })
        return answer.end()
      }
      for await (const piece of response.content()) {
        if (!answer.heard) limits.heard()
        for (const event of events.feed(piece)) {
          yield* answer.hear(event)
          if (event.data.trim()) {
            answer.heard = true
            limits.heard()
          }
          if (answer.over) return
        }
      }
      answer.end()
    } finally {
      answer.begun ||= response.begun
      await this.release(response, answer.over)
    }
  }

  /** The response that carries the answer. Follows redirects that keep the method on the same origin. */
  async post(url, key, run, limits) {
    const origin = placeOf(new URL(url))
    for (let hop = 0; hop <= Client.REDIRECTS; hop++) {
      const response = await this.ask(new URL(url), key, run, limits)
      if (response.status < 300 || response.status >= 400) {
        await this.accept(response, run)
        return response
      }
      await this.release(response, true)
      url = this.redirect(url, response, origin)
    }
    throw new Failure('redirect', `more than ${Client.REDIRECTS} redirects`)
  }

  /** Where to go on (RFC 9110 §15.4): 307 and 308 keep method and body. Credentials stay with their origin. */
  redirect(url, { status, headers: { location = '' } }, origin) {
    if (![307, 308].includes(status) || !location || !URL.canParse(location, url)) {
      throw new Failure('redirect', `HTTP ${status} to '${location}' is not an answer`, { status })
    }
    const target = new URL(location, url)
    if (placeOf(target) !== origin) throw new Failure('redirect', `HTTP ${status} to another origin: ${target}`, { status })
    return target.href
  }

  async ask(url, key, run, limits) {
    const wire = await this.borrow(url, run.caFile, limits)
    try {
      const body = Buffer.from(JSON.stringify(run.request))
      const fields = {
        Host: url.host,
        Authorization: `Bearer ${key}`,
        'Content-Type': 'application/json',
        'Content-Length': body.length,
        Accept: 'text/event-stream, application/json',
        'Accept-Encoding': 'gzip',
        'Cache-Control': 'no-cache',
        'User-Agent': AGENT,
        ...run.headers,
      }
      wire.write(Buffer.concat([Buffer.from(head('POST', url, fields)), body]))
      return await Response.on(wire)
    } catch (error) {
      wire.close()
      throw error
    }
  }

  /** Raises unless this is a 200 in the media type that was asked for. */
  async accept(response, run) {
    const wanted = run.request.stream ? 'text/event-stream' : 'application/json'
    if (response.status === 200 && response.mediaType === wanted) return
    throw await this.refusal(response)
  }

  /** What an HTTP response that is no answer says. Done with it, too. */
  async refusal(response) {
    response.wire.limits = response.wire.limits.atMost(Client.ERROR_BODY)
    let body
    try {
      body = await response.text()
    } finally {
      await this.release(response, response.whole)
    }
    const { status, headers } = response
    const said = errorIn(parsed(body))
    const words = said?.message || body.trim().replace(/\s+/g, ' ').slice(0, 500) || response.reason || 'no body'
    if (status !== 200) return new Failure('http', `HTTP ${status}: ${words}`, { status, headers })
    return said ? new Failure('api', words, { status: said.status }) : new Failure('parse', `'${response.mediaType}' is not an event stream: ${words}`, { status })
  }

  // WebSocket

  async *overWebSocket(url, key, run, answer, limits) {
    const channel = await this.channel(url, key, run, limits)
    const events = new EventStream()
    answer.channel = channel
    try {
      const typed = run.dialect === 'ws-chunk' ? {} : { type: 'chat.completion' }
      channel.send(TEXT, Buffer.from(JSON.stringify({ ...typed, ...run.request })))
      while (!answer.over) {
        const message = await channel.message()
        if (channel.answers && !answer.begun && leftOver(message.toString().trim(), run.dialect)) continue
        answer.begun = true
        if (!answer.heard) limits.heard()
        for (const event of spoken(message, run.dialect, events)) {
          yield* answer.hear(event)
          if (event.data.trim()) {
            answer.heard = true
            limits.heard()
          }
          if (answer.over) return
        }
      }
    } catch (failure) {
      if (!(failure.kind === 'closed' && answer.complete)) throw failure
    } finally {
      answer.channel = null
      if (answer.over && !channel.parting) {
        channel.answers++
        this.idle.push([JSON.stringify([url, key, run.caFile]), channel])
      } else await channel.leave()
    }
  }

  /** An open WebSocket: an idle one, or a new one. */
  async channel(url, key, run, limits) {
    for (let idle; (idle = this.takeIdle(JSON.stringify([url, key, run.caFile]))); ) {
      if (await idle.settle()) {
        idle.wire.limits = limits
        return idle
      }
    }
    const target = new URL(url)
    const wire = await Wire.open(target, run.caFile, limits)
    try {
      const channel = new WebSocket(wire)
      const response = await channel.handshake(target, key)
      if (response.status === 101) return channel
      const failure = await this.refusal(response)
      const redirected = response.status >= 300 && response.status < 400
      throw redirected ? new Failure('redirect', failure.message, { status: response.status }) : failure
    } catch (error) {
      wire.close()
      throw error
    }
  }

  // The pool

  /** A connection nobody else uses: an idle one that is still good, or a new one. */
  async borrow(url, caFile, limits) {
    for (let wire; (wire = this.takeIdle(placeOf(url, caFile))); ) {
      if (!(await wire.arrived())) {
        wire.limits = limits
        return wire
      }
      wire.close()
    }
    return Wire.open(url, caFile, limits)
  }

  takeIdle(key) {
    const index = this.idle.findIndex(([held]) => held === key)
    return index < 0 ? undefined : this.idle.splice(index, 1)[0][1]
  }

  /** Done with a response: keep its connection if it can be used again, else close it. */
  async release(response, over) {
    const { wire } = response
    if (over && !response.whole) {
      wire.limits = Limits.grace(Client.DRAIN)
      await response.rest().catch(() => {})
    }
    if (response.reusable) {
      wire.answers++
      this.idle.push([wire.place, wire])
    } else wire.close()
  }

  async close() {
    await Promise.all(this.idle.splice(0).map(([, connection]) => (connection instanceof WebSocket ? connection.leave() : connection.close())))
  }
}

/** The events in one message of a dialect. In ws-sse-text a message with a type of its own is no piece of the event stream. */
function* spoken(message, dialect, events) {
  if (dialect === 'ws-sse-text' && typeof mapping(parsed(message.toString())).type !== 'string') {
    yield* events.feed(message)
    return
  }
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(message)
  } catch {
    throw new Failure('parse', 'a binary message that is not text')
  }
  for (const data of messagesIn(text)) yield { data, name: 'message', strays: [] }
}

/** On a connection used before: a terminal word that came late, behind an answer that was complete without it. */
function leftOver(text, dialect) {
  const done = text === '[DONE]' || (dialect === 'ws-sse-text' && text === 'data: [DONE]')
  return dialect !== 'ws-typed' && (done || mapping(parsed(text)).type === 'done')
}

// ------------------------------------------------------------------------------------------------------------ the adapter

const HELLO = {
  type: 'hello',
  protocol: 1,
  name: 'reference-node',
  version: '1.0.0',
  language: 'javascript',
  transports: ['sse', 'ws'],
  controls: [
    'cancel_after_events', 'cancel_after_ms', 'stop', 'idle_timeout_ms', 'connect_timeout_ms', 'total_timeout_ms',
    'max_retries', 'read_delay_ms', 'hold_ms', 'pause_after_events', 'pause_ms', 'ca_file', 'connection', 'next_api_keys', 'fallback_urls',
  ],
  capabilities: ['refresh-key', 'fail-over', 'reuse-connection', 'own-errors', 'pause'],
  retry: 'before-first-byte',
  concurrency: 16,
}

/** One `run` line; what it leaves out has this client's default. Times are milliseconds. */
function runOf(line) {
  const sse = line.transport === 'sse'
  const urls = [sse ? line.base_url : line.ws_url, ...(line.fallback_urls ?? [])]
  return {
    id: line.run,
    transport: line.transport,
    urls: sse ? urls.map((url) => `${url.replace(/\/+$/, '')}/chat/completions`) : urls,
    keys: [line.api_key, ...(line.next_api_keys ?? [])],
    request: { stream: true, ...line.request },
    dialect: sse ? 'sse' : line.dialect,
    label: line.connection,
    headers: line.headers ?? {},
    caFile: line.ca_file,
    maxRetries: line.max_retries ?? 2,
    cancelAfterEvents: line.cancel_after_events || Infinity,
    stop: line.stop ?? 'cancel',
    pause: line.read_delay_ms ?? 0,
    pauseAfterEvents: line.pause_after_events || Infinity,
    paused: line.pause_ms ?? 0,
    limits: {
      cancel: line.cancel_after_ms ?? Infinity,
      total: line.total_timeout_ms ?? Infinity,
      connect: line.connect_timeout_ms ?? 10000,
      idle: line.idle_timeout_ms ?? 60000,
    },
  }
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

/** A server may quote the key it was sent; an error text goes to logs, and keys do not. */
const redact = (message, keys) => keys.filter(Boolean).reduce((text, key) => text.replaceAll(key, '[key]'), message).toWellFormed()

const clients = new Map()

/** The client object of the run's label, or a fresh one. */
function clientOf(label) {
  if (label === undefined || label === null) return new Client()
  if (!clients.has(label)) clients.set(label, new Client())
  return clients.get(label)
}

/** One run, and exactly one result. */
async function perform(line) {
  let answer = new Answer({}, 'sse')
  let result = { outcome: 'ok' }
  let raised
  const keys = [line.api_key, ...(line.next_api_keys ?? [])]
  try {
    const run = runOf(line)
    answer = new Answer(run.request, run.dialect)
    const client = clientOf(run.label)
    try {
      await consume(client, run, answer)
    } finally {
      if (![...clients.values()].includes(client)) await client.close()
    }
  } catch (error) {
    raised = error
    if (error instanceof Cancelled) result = { outcome: 'cancelled' }
    else if (error instanceof Failure) result = { outcome: 'error', kind: error.kind, status: error.status, message: redact(error.message, keys) }
    else result = { outcome: 'error', kind: 'other', message: redact(`${error?.name}: ${error?.message}`, keys) }
  }
  if (result.outcome === 'error') result.own_error = raised instanceof Failure
  say({ type: 'result', run: line.run, ...result, ...answer.result() })
  if (result.outcome === 'error' && line.hold_ms) {
    await new Promise((resolve) => setTimeout(resolve, line.hold_ms))
    raised = undefined // until here the caller had the error, and whatever it refers to
  }
}

/** The caller: takes each piece, pauses as it is told, and stops the way it is told. */
async function consume(client, run, answer) {
  const limits = new Limits(run.limits)
  const pieces = client.stream(run, answer, limits)
  let handed = 0
  for await (const piece of pieces) {
    say(piece.reason ? { ...piece, reason: redact(piece.reason, run.keys), run: run.id } : { ...piece, run: run.id })
    if (piece.type !== 'delta' && piece.type !== 'tool_call') continue
    if (++handed >= run.cancelAfterEvents) {
      if (run.stop === 'raise') throw new Cancelled()
      if (run.stop === 'cancel') await pieces.return()
      break
    }
    if (handed === run.pauseAfterEvents) {
      // The caller is busy for a while. Over a WebSocket the server is asked to wait; over HTTP not reading has to do.
      answer.tell('pause')
      await limits.sleep(run.paused)
      answer.tell('resume')
    }
    if (run.pause) await limits.sleep(run.pause)
    else limits.check()
  }
  if (handed >= run.cancelAfterEvents) throw new Cancelled()
}

/** A run told in the environment: STREAMPROOF_RUN, STREAMPROOF_BASE_URL, …; numbers, lists and the request are JSON. */
function runFrom(environment) {
  const words = ['run', 'transport', 'base_url', 'ws_url', 'dialect', 'api_key', 'stop', 'ca_file', 'connection']
  const line = { type: 'run' }
  for (const [name, value] of Object.entries(environment)) {
    const field = /^STREAMPROOF_(.+)$/.exec(name)?.[1].toLowerCase()
    if (field && field !== 'hello') line[field] = words.includes(field) ? value : (parsed(value) ?? value)
  }
  return line
}

/** Obey lines until `bye` or their end, which ends no run in flight. */
async function serve() {
  const runs = []
  if (process.env.STREAMPROOF_HELLO) say(HELLO)
  for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const line = mapping(parsed(text))
    if (line.type === 'hello') say(HELLO)
    else if (line.type === 'run') runs.push(perform(line))
    else if (line.type === 'bye') break
  }
  process.stdin.destroy()
  if (!runs.length && process.env.STREAMPROOF_RUN) runs.push(perform(runFrom(process.env)))
  await Promise.all(runs)
  await Promise.all([...clients.values()].map((client) => client.close()))
}

await serve()
