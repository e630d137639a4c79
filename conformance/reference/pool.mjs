// Connections that may be used again.

import { Limits } from './limits.mjs'
import { WebSocket } from './websocket.mjs'
import { placeOf, Wire } from './wire.mjs'

/** The connections of a client, kept while nobody uses them. */
export class Pool {
  static DRAIN = 100 // milliseconds for the rest of a body that [DONE] has made irrelevant, so that the connection may be kept
  idle = []

  /** A connection nobody else uses: an idle one that is still good, or a new one. */
  async borrow(url, caFile, limits) {
    for (let wire; (wire = this.takeIdle(placeOf(url, caFile))); ) {
      if (!(await wire.arrived())) {
        wire.limits = limits
        return wire
      }
      wire.close()
    }
    return Wire.open(url, caFile, limits)
  }

  takeIdle(place) {
    const index = this.idle.findIndex((idle) => idle.place === place)
    return index < 0 ? undefined : this.idle.splice(index, 1)[0]
  }

  giveBack(connection) {
    this.idle.push(connection)
  }

  /** Done with a response: keep its connection if it can be used again, else close it. */
  async release(response, over) {
    const { wire } = response
    if (over && !response.whole) {
      wire.limits = Limits.grace(Pool.DRAIN)
      await response.rest().catch(() => {})
    }
    if (response.reusable) {
      wire.answers++
      this.giveBack(wire)
    } else wire.close()
  }

  async close() {
    await Promise.all(this.idle.splice(0).map((connection) => (connection instanceof WebSocket ? connection.leave() : connection.close())))
  }
}
