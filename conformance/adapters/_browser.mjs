// Runs an adapter that is a page: node _browser.mjs CHROMIUM PAGE. The lines of standard input go to the page, what it says to standard output.
// The folder above the page's is its origin. Chromium is driven over a pipe, by https://chromedevtools.github.io/devtools-protocol/.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join } from 'node:path'
import { createInterface } from 'node:readline'

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-dev-shm-usage', '--remote-debugging-pipe',
]
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.json': 'application/json' }
const LINES = 'globalThis.adapterLines = new ReadableStream({ start(lines) { globalThis.adapterTakes = (line) => lines.enqueue(line) } })'

/** The files of a folder on an origin of their own. A module may leave out `.js`, as bundlers allow. */
async function served(folder) {
  const server = createServer(({ url }, response) => {
    const path = join(folder, decodeURIComponent(new URL(url, 'http://page').pathname))
    const file = extname(path) ? path : `${path}.js`
    try {
      const body = readFileSync(file)
      response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${server.address().port}`
}

/** A browser that takes commands; `heard(method, params)` is told of its events. */
function started(chromium, profile, heard) {
  const child = spawn(chromium, [...FLAGS, `--user-data-dir=${profile}`], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const [, , , commands, answers] = child.stdio
  const asked = new Map()
  let partial = ''
  answers.setEncoding('utf8').on('data', (piece) => {
    const whole = (partial + piece).split('\0')
    partial = whole.pop()
    for (const said of whole.map(JSON.parse)) {
      if (said.id === undefined) heard(said.method, said.params)
      else asked.get(said.id)(said)
    }
  })
  commands.on('error', () => undefined) // it has gone
  const command = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      const id = asked.size
      asked.set(id, ({ result, error }) => (error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result)))
      commands.write(JSON.stringify({ id, method, params, sessionId }) + '\0')
    })
  return { command, gone: new Promise((resolve) => child.once('close', resolve)) }
}

async function main(chromium, page) {
  const profile = mkdtempSync(join(tmpdir(), 'streamproof-'))
  const { command, gone } = started(chromium, profile, (method, { payload, exceptionDetails }) => {
    if (method === 'Runtime.bindingCalled') process.stdout.write(payload + '\n')
    if (method === 'Runtime.exceptionThrown') console.error(exceptionDetails.exception?.description ?? exceptionDetails.text)
  })
  gone.then(() => {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    process.exit(0)
  })
  const { targetId } = await command('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await command('Target.attachToTarget', { targetId, flatten: true })
  const inPage = (method, params) => command(method, params, sessionId)
  await inPage('Runtime.enable')
  await inPage('Page.enable')
  await inPage('Runtime.addBinding', { name: 'adapterSays' })
  await inPage('Page.addScriptToEvaluateOnNewDocument', { source: LINES })
  await inPage('Page.navigate', { url: `${await served(dirname(dirname(page)))}/${basename(dirname(page))}/${basename(page)}` })
  for await (const line of createInterface({ input: process.stdin })) {
    await inPage('Runtime.evaluate', { expression: `adapterTakes(${JSON.stringify(line)})` })
    if (JSON.parse(line).type === 'bye') break
  }
  await command('Browser.close')
}

const [chromium, page] = process.argv.slice(2)
process.on('SIGTERM', () => process.exit(143))
main(chromium, page)
