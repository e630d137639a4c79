// /// script
// dependencies = ["openai@6.49.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// The helper of the official client for Node, which puts the answer together: `for await (const chunk of client.chat.completions.stream(…))`,
// and in the end `await stream.finalChatCompletion()`.

import { serve } from './_adapter.mjs'
import { HELLO, client, completions, options } from './_openai.mjs'

async function stream(client, run, caller) {
  const chat = completions(client, run).stream(run.request, options(run, caller))
  for await (const chunk of chat) {
    if (caller.take(chunk.choices, chunk.usage)) {
      if (caller.cancels) chat.abort()
      return
    }
    await caller.ponder()
  }
  const { choices, usage } = await chat.finalChatCompletion()
  caller.keep(choices, usage)
}

serve({ ...HELLO, name: 'openai-node-stream' }, client, stream)
