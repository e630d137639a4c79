// What is worth another attempt, and when.

const PATIENCE = 60000 // the longest wait a server may ask for; it is not asked again sooner than it wants, so never
const TRANSIENT = ['connect', 'closed', 'reset', 'timeout', 'truncated']
const CLOSES = [1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015]

/** Is another attempt worth it after this failure? */
export function worth(failure) {
  if (failure.final) return false
  if (failure.kind !== 'http') return TRANSIENT.includes(failure.kind) && (failure.code === null || CLOSES.includes(failure.code))
  const wish = (failure.headers['x-should-retry'] ?? '').trim().toLowerCase()
  if (wish === 'true' || wish === 'false') return wish === 'true'
  return [408, 409, 429].includes(failure.status) || (failure.status >= 500 && failure.status <= 599)
}

/** Milliseconds to wait after this many failed retries; null to give up. Never sooner than asked. */
export function delayOf(failure, tries) {
  if (failure.stale) return 0
  const backoff = Math.min(250 * 2 ** tries, 8000) * (0.75 + Math.random() / 4)
  const asked = askedFor(failure.headers)
  if (asked === null) return backoff
  return asked > PATIENCE ? null : Math.max(backoff, asked + Math.random() * Math.min(0.1 * asked, 1000))
}

/** What `retry-after-ms`, or Retry-After in seconds or as a date, asks for (RFC 9110 §10.2.3). */
function askedFor(headers) {
  const number = (text) => (/^\s*\d{1,300}(\.\d+)?\s*$/.test(text ?? '') ? Number(text) : null)
  const milliseconds = number(headers['retry-after-ms'])
  if (milliseconds !== null) return milliseconds
  const after = headers['retry-after']
  const seconds = number(after)
  if (seconds !== null) return seconds * 1000
  const date = /^[a-z]{3,9},? .*\d\d:\d\d:\d\d/i.test(after ?? '') ? Date.parse(after) : NaN
  return Number.isNaN(date) ? null : Math.max(date - Date.now(), 0)
}
