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
import { Messages } from './_messages.mjs'

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

serve(HELLO, () => undefined, stream)
