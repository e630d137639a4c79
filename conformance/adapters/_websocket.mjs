// The standard's WebSocket, which Node and browsers have alike, with the events that are commonly set on it. It takes no headers, so the
// key goes into the URL. A close before the answer is over is an error to its caller.

import { Messages } from './_messages.mjs'

export const HELLO = { transports: ['ws'], controls: ['cancel_after_events', 'cancel_after_ms', 'stop', 'total_timeout_ms'], retry: 'none' }

export function stream(client, run, caller) {
  const websocket = new WebSocket(`${run.ws_url}&api_key=${encodeURIComponent(run.api_key)}`)
  const messages = new Messages(run, caller)
  return new Promise((resolve, reject) => {
    const leave = (settle, error) => {
      websocket.onmessage = null
      settle(error) // before the close, which may be told at once
      websocket.close()
    }
    const { signal } = caller
    signal.addEventListener('abort', () => leave(reject, signal.reason))
    websocket.onopen = () => websocket.send(messages.first())
    websocket.onmessage = ({ data }) => {
      try {
        if (messages.take(data)) leave(resolve)
      } catch (error) {
        leave(reject, error)
      }
    }
    websocket.onclose = ({ code, reason }) => reject(Object.assign(new Error(`closed with ${code} ${reason}`), { code: 'CLOSED' }))
  })
}
