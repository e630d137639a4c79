// /// script
// dependencies = ["@ai-sdk/openai-compatible@3.0.92", "ai@7.0.173", "node@26.10.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// The AI SDK over its provider for compatible APIs: `for await (const part of streamText({ model }).fullStream)`.

import { createRequire } from 'node:module'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { serve } from './_adapter.mjs'
import { HELLO, stream } from './_ai-sdk.mjs'

const NAME = 'upstream'

const model = ({ api_key, base_url, request }) =>
  createOpenAICompatible({ name: NAME, apiKey: api_key, baseURL: base_url, includeUsage: Boolean(request.stream_options?.include_usage) }).chatModel(request.model)

const options = ({ n }) => (n === undefined ? {} : { providerOptions: { [NAME]: { n } } })

const version = createRequire(import.meta.url)('@ai-sdk/openai-compatible/package.json').version
serve({ ...HELLO, name: 'ai-sdk-openai-compatible', version }, () => undefined, stream(model, options))
