// /// script
// dependencies = ["ws@8.23.0"]
// [tool.streamproof]
// transports = ["ws"]
// ///
// ws: its events `open`, `message`, `error` and `close`, as its README has them. A close before the answer is over is an error to its caller.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import WebSocket from 'ws'
import { serve } from './_adapter.mjs'

const HELLO = {
  name: 'ws',
  version: createRequire(import.meta.url)('ws/package.json').version,
  transports: ['ws'],
  controls: ['cancel_after_events', 'cancel_after_ms', 'stop', 'connect_timeout_ms', 'ca_file'],
  retry: 'none',
}

function stream(client, run, caller) {
  const websocket = new WebSocket(run.ws_url, {
    headers: { Authorization: `Bearer ${run.api_key}` },
    ...(run.connect_timeout_ms !== undefined && { handshakeTimeout: run.connect_timeout_ms }),
    ...(run.ca_file && { ca: readFileSync(run.ca_file) }),
  })
  const messages = new Messages(run, caller)
  return new Promise((resolve, reject) => {
    const leave = (settle, error) => {
      websocket.removeAllListeners('message')
      websocket.close()
      settle(error)
    }
    caller.signal.addEventListener('abort', () => leave(resolve))
    websocket.on('open', () => websocket.send(messages.first()))
    websocket.on('message', (data) => {
      try {
        if (messages.take(data.toString())) leave(resolve)
      } catch (error) {
        leave(reject, error)
      }
    })
    websocket.on('error', reject)
    websocket.on('close', (code, reason) => reject(Object.assign(new Error(`closed with ${code} ${reason}`), { code: 'CLOSED' })))
  })
}

class ServerError extends Error {}

/**
 * What a careful caller does with the messages of a WebSocket: the library ends there, and the dialect is the caller's own affair.
 * `take` is true when the answer is over, or the caller has had enough.
 */
class Messages {
  partial = ''

  constructor(run, caller) {
    Object.assign(this, { run, caller })
  }

  first() {
    return JSON.stringify({ ...(this.run.dialect !== 'ws-chunk' && { type: 'chat.completion' }), ...this.run.request })
  }

  take(text) {
    if (this.run.dialect === 'ws-sse-text' && (this.partial || !text.startsWith('{'))) return this.blocks(text)
    if (text === '[DONE]') return true
    const said = JSON.parse(text)
    return said.type ? this.typed(said) : this.chunk(said) || this.finished()
  }

  blocks(text) {
    const whole = (this.partial + text).split('\n\n')
    this.partial = whole.pop()
    for (const block of whole) {
      const lines = block.split('\n').filter((line) => line.startsWith('data: '))
      const data = lines.map((line) => line.slice('data: '.length)).join('\n')
      if (data === '[DONE]') return true
      if (data && this.chunk(JSON.parse(data))) return true
    }
    return false
  }

  chunk({ choices, usage, error }) {
    if (error) throw new ServerError(error.message ?? JSON.stringify(error))
    return this.caller.take(choices, usage)
  }

  /** Bare chunks end with the last finish_reason, or with the usage that was asked for. */
  finished() {
    const { n, stream_options } = this.run.request
    const finished = this.caller.choices.filter((choice) => choice.finish_reason).length >= (n ?? 1)
    return finished && Boolean(this.caller.usage || !stream_options?.include_usage)
  }

  typed({ type, index = 0, ...said }) {
    const deltas = { content_delta: 'content', reasoning_delta: 'reasoning_content' }
    if (type === 'error') throw new ServerError(said.message ?? said.error?.message ?? JSON.stringify(said))
    if (type === 'usage') this.caller.take([], said.usage ?? said)
    if (type === 'done') this.caller.take((said.finish_reasons ?? [said.finish_reason]).map((reason, at) => ({ index: at, finish_reason: reason })), said.usage)
    if (type === 'tool_call_delta') return this.caller.take([{ index, delta: { tool_calls: said.tool_calls } }])
    if (type in deltas) return this.caller.take([{ index, delta: { [deltas[type]]: said.content } }])
    return type === 'done'
  }
}

serve(HELLO, () => undefined, stream)
