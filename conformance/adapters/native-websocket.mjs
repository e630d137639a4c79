// /// script
// dependencies = ["node@26.10.0"]
// [tool.streamproof]
// transports = ["ws"]
// ///
// Node's own WebSocket, which it has from version 22.

import { serve } from './_adapter.mjs'
import { HELLO, stream } from './_websocket.mjs'

serve({ ...HELLO, name: 'native-websocket', version: process.versions.node }, () => undefined, stream)
