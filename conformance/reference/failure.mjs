// How an answer fails to come, and that the caller wants no more of it.

/** The caller wants no more. */
export class Cancelled extends Error {}

/**
 * The answer cannot be had, or not wholly. `kind` is the adapter protocol's word.
 *
 * `headers` are those of an HTTP error; `final` forbids another attempt; `refused` is a connection that was not accepted;
 * `stale` one that was taken from the pool and had died there; `code` a WebSocket close code.
 */
export class Failure extends Error {
  constructor(kind, message, { status = null, headers = {}, final = false, refused = false, stale = false, code = null } = {}) {
    super(message)
    Object.assign(this, { kind, status, headers, final, refused, stale, code })
  }
}
