// /// script
// dependencies = ["undici@7.30.2"]
// [tool.streamproof]
// transports = ["ws"]
// ///
// undici's WebSocket, which Node's own is made from.

import { createRequire } from 'node:module'
import { WebSocket } from 'undici'
import { serve } from './_adapter.mjs'
import { HELLO, stream } from './_websocket.mjs'

globalThis.WebSocket = WebSocket // the events are set on the standard's

const { version } = createRequire(import.meta.url)('undici/package.json')
serve({ ...HELLO, name: 'undici-websocket', version }, () => undefined, stream)
