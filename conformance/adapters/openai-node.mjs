// /// script
// dependencies = ["openai@6.49.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// The official client for Node: `for await (const chunk of await client.chat.completions.create({ stream: true }))`.
// Its `timeout` ends with the response's head, so it has no idle timeout; a request takes an AbortSignal.

import OpenAI from 'openai'
import { VERSION } from 'openai/version'
import { serve } from './_adapter.mjs'

const HELLO = {
  name: 'openai-node',
  version: VERSION,
  transports: ['sse'],
  controls: ['cancel_after_events', 'cancel_after_ms', 'stop', 'total_timeout_ms', 'max_retries', 'read_delay_ms', 'connection'],
  capabilities: ['reuse-connection'],
  retry: 'before-first-byte',
  own: OpenAI.OpenAIError ?? OpenAI.APIError, // the root of them has a name from 4.11
}

const client = ({ api_key, base_url }) => new OpenAI({ apiKey: api_key, baseURL: base_url })

async function stream(client, { api_key, base_url, max_retries, request }, caller) {
  const own = client.withOptions?.({ apiKey: api_key, baseURL: base_url }) ?? client // before 5.0 a client keeps what it was made with
  const chunks = await own.chat.completions.create(request, { signal: caller.signal, maxRetries: max_retries })
  for await (const chunk of chunks) {
    if (caller.take(chunk.choices, chunk.usage)) {
      if (caller.cancels) chunks.controller.abort()
      break
    }
    await caller.ponder()
  }
}

serve(HELLO, client, stream)
