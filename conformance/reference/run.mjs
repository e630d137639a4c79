// One run as the caller orders it: on a line of standard input, or in the environment.

import { parsed } from './lenient.mjs'

/** One `run` line; what it leaves out has this client's default. Times are milliseconds. */
export function runOf(line) {
  const sse = line.transport === 'sse'
  const urls = [sse ? line.base_url : line.ws_url, ...(line.fallback_urls ?? [])]
  return {
    id: line.run,
    transport: line.transport,
    urls: sse ? urls.map((url) => `${url.replace(/\/+$/, '')}/chat/completions`) : urls,
    keys: [line.api_key, ...(line.next_api_keys ?? [])],
    request: { stream: true, ...line.request },
    dialect: sse ? 'sse' : line.dialect,
    label: line.connection ?? null,
    headers: line.headers ?? {},
    caFile: line.ca_file,
    maxRetries: line.max_retries ?? 2,
    cancelAfterEvents: line.cancel_after_events || Infinity,
    stop: line.stop ?? 'cancel',
    pause: line.read_delay_ms ?? 0,
    pauseAfterEvents: line.pause_after_events || Infinity,
    paused: line.pause_ms ?? 0,
    limits: {
      cancel: line.cancel_after_ms ?? Infinity,
      total: line.total_timeout_ms ?? Infinity,
      connect: line.connect_timeout_ms ?? 10000,
      idle: line.idle_timeout_ms ?? 60000,
    },
  }
}

/** A run told in the environment: STREAMPROOF_RUN, STREAMPROOF_BASE_URL, …; numbers, lists and the request are JSON. */
export function runFrom(environment) {
  const words = ['run', 'transport', 'base_url', 'ws_url', 'dialect', 'api_key', 'stop', 'ca_file', 'connection']
  const line = { type: 'run' }
  for (const [name, value] of Object.entries(environment)) {
    const field = /^STREAMPROOF_(.+)$/.exec(name)?.[1].toLowerCase()
    if (field && field !== 'hello') line[field] = words.includes(field) ? value : (parsed(value) ?? value)
  }
  return line
}
