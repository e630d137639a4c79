// An adapter as a program for Node: lines on its standard input and output.

import { Console } from 'node:console'
import { createInterface } from 'node:readline'
import * as caller from './_caller.mjs'

globalThis.console = new Console(process.stderr) // standard output is the protocol's: what a client logs goes elsewhere

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n')

/** Serve a client: `client(run)` makes a client object, `stream(client, run, caller)` makes one request with it. */
export async function serve(hello, client, stream) {
  await caller.serve(createInterface({ input: process.stdin }), say, { language: 'node', ...hello }, client, stream)
  process.exit(0)
}
