// How long anything may take, and when the caller has had enough.

import { Cancelled, Failure } from './failure.mjs'

/** Milliseconds on the clock that the limits are told on. */
export const now = () => performance.now()

/** How long a run may take: milliseconds, on the monotonic clock. */
export class Limits {
  constructor({ cancel = Infinity, total = Infinity, connect = 10000, idle = Infinity } = {}) {
    Object.assign(this, { cancelAt: now() + cancel, totalAt: now() + total, connect, idle })
    this.heard()
  }

  /** Something came that counts as life. The caller's own pauses are over when this is called. */
  heard() {
    this.quietUntil = now() + this.idle
  }

  /** The promise's outcome, or what the first limit means if that is reached sooner. */
  async within(promise, until = Infinity, what = '') {
    const at = Math.min(this.cancelAt, this.totalAt, until)
    if (at === Infinity) return promise
    promise.catch(() => {})
    let timer
    const over = new Promise((_, reject) => {
      timer = setTimeout(() => reject(this.reached(at, what)), Math.min(Math.max(at - now(), 0), 2 ** 31 - 1))
    })
    try {
      return await Promise.race([promise, over])
    } finally {
      clearTimeout(timer)
    }
  }

  reached(at, what) {
    if (at === this.cancelAt) return new Cancelled()
    if (at === this.totalAt) return new Failure('timeout', "the run's time is over", { final: true })
    return new Failure('timeout', what)
  }

  check() {
    const at = Math.min(this.cancelAt, this.totalAt)
    if (now() >= at) throw this.reached(at)
  }

  async sleep(milliseconds) {
    const until = now() + milliseconds
    while (now() < until) {
      let timer
      const slept = new Promise((resolve) => (timer = setTimeout(resolve, Math.ceil(until - now()))))
      await this.within(slept).finally(() => clearTimeout(timer))
    }
    this.check()
  }

  /** The same limits for something that may not take longer than this. */
  atMost(milliseconds) {
    return new Limits({ cancel: this.cancelAt - now(), total: Math.min(this.totalAt - now(), milliseconds) })
  }

  /** Time for leaving politely: the run's own limits no longer matter. */
  static grace(milliseconds) {
    return new Limits({ total: milliseconds })
  }
}
