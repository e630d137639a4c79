// One TCP or TLS connection: bytes within the limits, is it stale, close.

import { readFileSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import { Failure } from './failure.mjs'
import { now } from './limits.mjs'

export const READ = 65536 // bytes held beyond one event before the socket is paused

const overTls = (url) => ['https:', 'wss:'].includes(url.protocol)
const portOf = (url) => Number(url.port || (overTls(url) ? 443 : 80))

/** Where a connection leads, as text: an origin, and whom it trusts. */
export const placeOf = (url, caFile) => JSON.stringify([overTls(url), url.hostname, portOf(url), caFile ?? null])

/** One connection. Its limits are those of the run that uses it. */
export class Wire {
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
    const secure = overTls(url)
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
