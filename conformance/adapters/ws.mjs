// /// script
// dependencies = ["ws@8.23.0"]
// [tool.streamproof]
// transports = ["ws"]
// ///
// ws: its events `open`, `message`, `error` and `close`, as its README has them; a close code other than 1000 is an error to its caller.

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
    caller.signal.addEventListener('abort', () => websocket.close())
    websocket.on('open', () => websocket.send(messages.first()))
    websocket.on('message', async (data) => {
      try {
        if (!(await messages.take(data.toString()))) return
        resolve()
      } catch (error) {
        reject(error)
      }
      websocket.close()
    })
    websocket.on('error', reject)
    websocket.on('close', (code, reason) => {
      if (code === 1000 || caller.signal.aborted) resolve()
      else reject(Object.assign(new Error(`closed with ${code} ${reason}`), { code: 'CLOSED' }))
    })
  })
}

class ServerError extends Error {}

/** What a caller does with the messages of a WebSocket: the library ends there, and the dialect is the caller's own affair. */
class Messages {
  over = false
  partial = ''

  constructor(run, caller) {
    Object.assign(this, { run, caller })
  }

  first() {
    return JSON.stringify({ ...(this.run.dialect !== 'ws-chunk' && { type: 'chat.completion' }), ...this.run.request })
  }

  /** True when the answer is over, or the caller has had enough; what comes later is nobody's. */
  async take(text) {
    if (this.over) return false
    this.over = await this.read(text)
    return this.over
  }

  async read(text) {
    if (this.run.dialect === 'ws-sse-text' && !text.startsWith('{')) return this.blocks(text)
    const said = JSON.parse(text)
    if (this.run.dialect !== 'ws-chunk') return this.typed(said)
    return (await this.caller.take([...said.choices], said.usage)) || this.finished()
  }

  async blocks(text) {
    const whole = (this.partial + text).split('\n\n')
    this.partial = whole.pop()
    for (const block of whole) {
      const lines = block.split('\n').filter((line) => line.startsWith('data: '))
      const data = lines.map((line) => line.slice('data: '.length)).join('\n')
      if (data === '[DONE]') return true
      if (!data) continue
      const chunk = JSON.parse(data)
      if (await this.caller.take([...chunk.choices], chunk.usage)) return true
    }
    return false
  }

  /** Bare chunks end with the last finish_reason, or with the usage that was asked for. */
  finished() {
    const { n, stream_options } = this.run.request
    const { choices, usage } = this.caller
    return choices.length >= (n ?? 1) && choices.every((choice) => choice.finish_reason) && (usage || !stream_options?.include_usage)
  }

  async typed({ type, index = 0, ...said }) {
    const deltas = { content_delta: 'content', reasoning_delta: 'reasoning_content' }
    if (type === 'error') throw new ServerError(said.message ?? JSON.stringify(said))
    if (type === 'usage') return this.caller.take([], said.usage ?? said)
    if (type === 'done') {
      const reasons = said.finish_reasons ?? [said.finish_reason]
      await this.caller.take(reasons.map((finish_reason, index) => ({ index, finish_reason })), said.usage) // prettier-ignore
      return true
    }
    if (type === 'tool_call_delta') return this.caller.take([{ index, delta: { tool_calls: said.tool_calls } }])
    return type in deltas && this.caller.take([{ index, delta: { [deltas[type]]: said.content } }])
  }
}

serve(HELLO, () => undefined, stream)
