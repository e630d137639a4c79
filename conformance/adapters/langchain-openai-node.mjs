// /// script
// dependencies = ["@langchain/openai@1.6.0", "@langchain/core@1.4.0", "node@26.10.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// @langchain/openai: `for await (const chunk of await new ChatOpenAI(…).stream(messages))`. Its `timeout` ends with the response's head, so it
// has no idle timeout. A chat model has its key and its options for itself: there is one a run.

import { createRequire } from 'node:module'
import { ChatOpenAI } from '@langchain/openai'
import { serve } from './_adapter.mjs'

const HELLO = {
  name: 'langchain-openai-node',
  version: createRequire(import.meta.url)('@langchain/openai/package.json').version,
  transports: ['sse'],
  controls: ['cancel_after_events', 'cancel_after_ms', 'stop', 'total_timeout_ms', 'max_retries', 'read_delay_ms'],
  retry: 'before-first-byte',
}

const COUNTS = { input_tokens: 'prompt_tokens', output_tokens: 'completion_tokens', total_tokens: 'total_tokens' }

function model({ api_key, base_url, max_retries, request: { model, n, tools, stream_options } }) {
  const chat = new ChatOpenAI({
    model,
    n,
    apiKey: api_key,
    configuration: { baseURL: base_url },
    maxRetries: max_retries,
    streamUsage: Boolean(stream_options?.include_usage),
  })
  return tools ? chat.bindTools(tools) : chat
}

async function stream(client, run, caller) {
  const messages = run.request.messages.map(({ role, content }) => [role, content])
  for await (const chunk of await model(run).stream(messages, { signal: caller.signal })) {
    if (caller.take([choice(chunk)], counted(chunk.usage_metadata))) {
      if (caller.cancels) caller.abort.abort()
      break
    }
    await caller.ponder()
  }
}

function choice({ text, tool_call_chunks = [], additional_kwargs, response_metadata }) {
  const tool_calls = tool_call_chunks.map(({ index, id, name, args }) => ({ index, id, function: { name, arguments: args } }))
  const delta = { content: text, reasoning_content: additional_kwargs.reasoning_content, tool_calls }
  return { index: response_metadata.completion ?? 0, delta, finish_reason: response_metadata.finish_reason }
}

const counted = (usage) => usage && Object.fromEntries(Object.entries(COUNTS).map(([name, word]) => [word, usage[name]]))

serve(HELLO, () => undefined, stream)
