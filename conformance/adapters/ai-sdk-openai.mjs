// /// script
// dependencies = ["@ai-sdk/openai@4.0.118", "ai@7.0.173", "node@26.10.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// The AI SDK over its provider for OpenAI: `for await (const part of streamText({ model: openai.chat(…) }).fullStream)`.

import { createRequire } from 'node:module'
import { createOpenAI } from '@ai-sdk/openai'
import { serve } from './_adapter.mjs'
import { HELLO, stream } from './_ai-sdk.mjs'

const model = ({ api_key, base_url, request }) => createOpenAI({ apiKey: api_key, baseURL: base_url }).chat(request.model)

const version = createRequire(import.meta.url)('@ai-sdk/openai/package.json').version
serve({ ...HELLO, name: 'ai-sdk-openai', version }, () => undefined, stream(model))
