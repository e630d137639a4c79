// /// script
// dependencies = ["undici@7.30.2"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// undici's fetch, which Node's own is made from, in the loop that is commonly written. What fails here fails in that loop or below it.

import { createRequire } from 'node:module'
import { fetch } from 'undici'
import { serve } from './_adapter.mjs'
import { HELLO, stream } from './_fetch.mjs'

globalThis.fetch = fetch // the loop is written for the standard's

const { version } = createRequire(import.meta.url)('undici/package.json')
serve({ ...HELLO, name: 'undici-fetch', version }, () => undefined, stream)
