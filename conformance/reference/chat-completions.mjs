// A chat completion asked for over HTTP or WebSocket: attempts, keys, fail-over, redirects.

import { EventStream, eventOf } from './event-stream.mjs'
import { Failure } from './failure.mjs'
import { AGENT, head, Response } from './http1.mjs'
import { parsed } from './lenient.mjs'
import { leftOver, spoken } from './messages.mjs'
import { Pool } from './pool.mjs'
import { errorIn } from './provider-error.mjs'
import { delayOf, worth } from './retries.mjs'
import { TEXT, WebSocket } from './websocket.mjs'
import { placeOf, Wire } from './wire.mjs'

/** Asks, and again if it is worth it. */
export class Client {
  static REDIRECTS = 5
  static ERROR_BODY = 1000 // milliseconds for the body of an error, whose status is known already
  pool = new Pool()

  // The attempts

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
        yield* this.attempt(urls[0], keys[0], run, answer, limits)
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

  attempt(url, key, run, answer, limits) {
    return run.transport === 'ws' ? this.overWebSocket(url, key, run, answer, limits) : this.overHttp(url, key, run, answer, limits)
  }

  // What has come, until the answer is over. Before the first event any bytes are a sign of life, then only data is.
  *heard(events, answer, limits) {
    if (!answer.heard) limits.heard()
    for (const event of events) {
      yield* answer.hear(event)
      if (event.data.trim()) {
        answer.heard = true
        limits.heard()
      }
      if (answer.over) return
    }
  }

  // HTTP

  async *overHttp(url, key, run, answer, limits) {
    const response = await this.post(url, key, run, limits)
    const events = new EventStream()
    try {
      if (!run.request.stream) {
        yield* this.unstreamed(response, answer)
        return
      }
      for await (const piece of response.content()) {
        yield* this.heard(events.feed(piece), answer, limits)
        if (answer.over) return
      }
      answer.end()
    } finally {
      answer.begun ||= response.begun
      await this.pool.release(response, answer.over)
    }
  }

  /** A whole chat.completion, for a request without `stream`. */
  async *unstreamed(response, answer) {
    const parts = []
    for await (const piece of response.content()) parts.push(piece)
    yield* answer.hear(eventOf(Buffer.concat(parts).toString()))
    answer.end()
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
      await this.pool.release(response, true)
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
    const wire = await this.pool.borrow(url, run.caFile, limits)
    try {
      const body = Buffer.from(JSON.stringify(run.request))
      wire.write(Buffer.concat([Buffer.from(head('POST', url, { ...this.fields(url, key, body), ...run.headers })), body]))
      return await Response.on(wire)
    } catch (error) {
      wire.close()
      throw error
    }
  }

  fields(url, key, body) {
    return {
      Host: url.host,
      Authorization: `Bearer ${key}`,
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      Accept: 'text/event-stream, application/json',
      'Accept-Encoding': 'gzip, deflate',
      'Cache-Control': 'no-cache',
      'User-Agent': AGENT,
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
      await this.pool.release(response, response.whole)
    }
    const { status, headers } = response
    const said = errorIn(parsed(body))
    const words = said?.message || body.trim().replace(/\s+/g, ' ').slice(0, 500) || response.reason || 'no body'
    if (status !== 200) return new Failure('http', `HTTP ${status}: ${words}`, { status, headers })
    if (said) return new Failure('api', words, { status: said.status })
    return new Failure('parse', `'${response.mediaType}' is not an event stream: ${words}`, { status })
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
        yield* this.heard(spoken(message, run.dialect, events), answer, limits)
      }
    } catch (failure) {
      if (!(failure.kind === 'closed' && answer.complete)) throw failure
    } finally {
      answer.channel = null
      if (answer.over && !channel.parting) {
        channel.answers++
        this.pool.giveBack(channel)
      } else await channel.leave()
    }
  }

  /** An open WebSocket: an idle one, or a new one. */
  async channel(url, key, run, limits) {
    const place = JSON.stringify([url, key, run.caFile])
    for (let idle; (idle = this.pool.takeIdle(place)); ) {
      if (await idle.settle()) {
        idle.wire.limits = limits
        return idle
      }
    }
    const target = new URL(url)
    const wire = await Wire.open(target, run.caFile, limits)
    try {
      const channel = new WebSocket(wire, place)
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
}
