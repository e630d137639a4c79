// /// script
// dependencies = ["openai@6.49.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// The official client for Node: `for await (const chunk of await client.chat.completions.create({ stream: true }))`.

import { serve } from './_adapter.mjs'
import { HELLO, client, completions, options } from './_openai.mjs'

async function stream(client, run, caller) {
  const chunks = await completions(client, run).create(run.request, options(run, caller))
  for await (const chunk of chunks) {
    if (caller.take(chunk.choices, chunk.usage)) {
      if (caller.cancels) chunks.controller.abort()
      break
    }
    await caller.ponder()
  }
}

serve({ ...HELLO, name: 'openai-node' }, client, stream)
