// The error that a JSON body speaks of: an HTTP error's, or one said in-band.

import { Failure } from './failure.mjs'
import { mapping } from './lenient.mjs'

/** The error a JSON body speaks of, in any provider's shape; null if it speaks of none. */
export function errorIn(body, name = 'message') {
  if (mapping(body) !== body) return null
  const said = body.error || mapping(body.x_groq).error
  const inner = mapping(said)
  const empty = !('choices' in body) && mapping(body.error) === body.error
  const flat = name === 'error' || body.object === 'error' || body.type === 'error'
  const bare = !('choices' in body) && ('detail' in body || typeof body.message === 'string')
  if (!(said || empty || flat || bare)) return null
  const detail = Array.isArray(body.detail) ? body.detail.map((part) => String(mapping(part).msg ?? JSON.stringify(part))).join('; ') : body.detail
  const words = (typeof said === 'string' ? said : inner.message) || body.message || detail || inner.code || inner.type
  const told = [body.status, inner.status, inner.code, body.code].find((value) => /^[45]\d\d$/.test(String(value)))
  const message = typeof words === 'string' || typeof words === 'number' ? String(words) : JSON.stringify(words ?? body).slice(0, 500)
  return new Failure('api', message, { status: told === undefined ? null : Number(told) })
}
