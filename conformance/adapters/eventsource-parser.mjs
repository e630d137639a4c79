// /// script
// dependencies = ["eventsource-parser@3.1.1"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// eventsource-parser over Node's own fetch: `body.pipeThrough(new EventSourceParserStream())`, as its README has it.

import { createRequire } from 'node:module'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { serve } from './_adapter.mjs'
import { HELLO, post } from './_fetch.mjs'

async function stream(client, run, caller) {
  const response = await post(run, caller)
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  for await (const { data } of events) {
    if (data === '[DONE]') break
    const chunk = JSON.parse(data)
    if (caller.take([...chunk.choices], chunk.usage)) break
    await caller.ponder()
  }
}

const { version } = createRequire(import.meta.url)('eventsource-parser/package.json')
serve({ ...HELLO, name: 'eventsource-parser', version }, () => undefined, stream)
