// An adapter as a page of a browser: `_browser.mjs` hands it the lines, and what it says.

import * as caller from './_caller.mjs'

/** The browser's version, as Chromium says it to pages. */
export const version = navigator.userAgent.match(/Chrome\/(\d+)/)?.[1] ?? ''

/** Serve a client: `client(run)` makes a client object, `stream(client, run, caller)` makes one request with it. */
export const serve = (hello, client, stream) =>
  caller.serve(globalThis.adapterLines, (line) => globalThis.adapterSays(JSON.stringify(line)), { language: 'page', ...hello }, client, stream)
