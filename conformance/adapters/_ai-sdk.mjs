// What the adapters of the AI SDK share: the caller of `streamText`, whose `fullStream` says everything, errors too.

import { jsonSchema, streamText, tool } from 'ai'

/** `firstChunkMs` and `chunkMs` are the idle timeout; there is none for the connection. */
export const HELLO = {
  transports: ['sse'],
  controls: ['cancel_after_events', 'cancel_after_ms', 'stop', 'idle_timeout_ms', 'total_timeout_ms', 'max_retries', 'read_delay_ms'],
  retry: 'before-first-byte',
}

const COUNTS = { inputTokens: 'prompt_tokens', outputTokens: 'completion_tokens', totalTokens: 'total_tokens' }

/** One request of `model(run)`, with what `options(request)` adds to it. */
export const stream = (model, options = () => ({})) => async (client, run, caller) => {
  const { messages, tools } = run.request
  const limit = run.idle_timeout_ms
  const result = streamText({
    model: model(run),
    messages,
    maxRetries: run.max_retries,
    abortSignal: caller.signal,
    onError: () => undefined, // by default it logs what the stream says too
    ...(limit !== undefined && { timeout: { firstChunkMs: limit, chunkMs: limit } }),
    ...(tools && { tools: declared(tools) }),
    ...options(run.request),
  })
  const calls = []
  for await (const part of result.fullStream) {
    if (caller.take(...chunk(part, calls))) {
      if (caller.cancels) caller.abort.abort()
      break
    }
    await caller.ponder()
  }
}

const declared = (tools) =>
  Object.fromEntries(tools.map(({ function: { name, description, parameters } }) => [name, tool({ description, inputSchema: jsonSchema(parameters) })]))

/** A part of the stream as choices and usage; `calls` are the ids of the tool calls so far. Throws what the part says went wrong. */
function chunk(part, calls) {
  const call = (id, told) => {
    if (!calls.includes(id)) calls.push(id)
    return [[{ delta: { tool_calls: [{ index: calls.indexOf(id), function: told, ...(told.name && { id }) }] } }]]
  }
  switch (part.type) {
    case 'text-delta': return [[{ delta: { content: part.text } }]]
    case 'reasoning-delta': return [[{ delta: { reasoning: part.text } }]]
    case 'tool-input-start': return call(part.id, { name: part.toolName })
    case 'tool-input-delta': return call(part.id, { arguments: part.delta })
    case 'finish-step': return [[{ finish_reason: finishReason(part) }], counted(part.usage)]
    case 'abort': throw Object.assign(new Error(part.reason ?? 'aborted'), { name: 'AbortError' })
    case 'error': throw told(part.error)
    default: return []
  }
}

/** The server's own word where the SDK hands it on. `other` and `unknown` are the SDK's words for none. */
const finishReason = ({ rawFinishReason, finishReason }) =>
  rawFinishReason ?? (['other', 'unknown'].includes(finishReason) ? null : finishReason.replace('-', '_'))

function counted(usage) {
  const known = Object.entries(COUNTS).filter(([name]) => usage?.[name] !== undefined)
  return known.length ? Object.fromEntries(known.map(([name, word]) => [word, usage[name]])) : null
}

/** An error of the stream, with the status that it carries under the SDK's name: behind retries the last one's. */
function told(error) {
  const last = error?.lastError ?? error
  if (last?.statusCode === undefined) return error
  return Object.assign(error, { status: last.statusCode })
}
