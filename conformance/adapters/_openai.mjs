// What the adapters of openai-node share: its client, and the options of one request, each by its documented name.
// Its `timeout` ends with the response's head, so it has no idle timeout; a request takes an AbortSignal.

import OpenAI from 'openai'
import { VERSION } from 'openai/version'

export const HELLO = {
  version: VERSION,
  transports: ['sse'],
  controls: ['cancel_after_events', 'cancel_after_ms', 'stop', 'total_timeout_ms', 'max_retries', 'read_delay_ms', 'connection'],
  capabilities: ['reuse-connection'],
  retry: 'before-first-byte',
  own: OpenAI.OpenAIError ?? OpenAI.APIError, // the root of them has a name from 4.11
}

export const client = ({ api_key, base_url }) => new OpenAI({ apiKey: api_key, baseURL: base_url })

/** The completions of a run: its key and URL with the client it was lent. Before 5.0 a client keeps what it was made with. */
export const completions = (client, { api_key, base_url }) =>
  (client.withOptions?.({ apiKey: api_key, baseURL: base_url }) ?? client).chat.completions

export const options = ({ max_retries }, { signal }) => ({ signal, maxRetries: max_retries })
