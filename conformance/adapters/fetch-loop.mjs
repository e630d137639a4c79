// /// script
// dependencies = []
// [tool.streamproof]
// transports = ["sse"]
// ///
// Node's own fetch in the loop that is commonly written. What fails here fails in that loop or below it.

import { serve } from './_adapter.mjs'
import { HELLO, stream } from './_fetch.mjs'

serve({ ...HELLO, name: 'fetch-loop', version: process.versions.node }, () => undefined, stream)
