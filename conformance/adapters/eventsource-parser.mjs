// /// script
// dependencies = ["eventsource-parser@3.1.1"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// eventsource-parser over Node's own fetch: `body.pipeThrough(new EventSourceParserStream())`, as its README has it.

import { createRequire } from 'node:module'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { serve } from './_adapter.mjs'

const HELLO = {
  name: 'eventsource-parser',
  version: createRequire(import.meta.url)('eventsource-parser/package.json').version,
  transports: ['sse'],
  controls: ['cancel_after_events', 'cancel_after_ms', 'stop', 'total_timeout_ms', 'read_delay_ms'],
  retry: 'none',
}

async function stream(client, { base_url, api_key, request }, caller) {
  const response = await fetch(`${base_url}/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${api_key}` },
    body: JSON.stringify(request),
    signal: caller.signal,
  })
  if (!response.ok) throw Object.assign(new Error(`HTTP ${response.status}: ${await response.text()}`), { status: response.status })
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  for await (const { data } of events) {
    if (data === '[DONE]') break
    const chunk = JSON.parse(data)
    if (caller.take([...chunk.choices], chunk.usage)) break
    await caller.ponder()
  }
}

serve(HELLO, () => undefined, stream)
