// The adapter protocol: lines on standard input and output.

import { createInterface } from 'node:readline'
import { Answer } from './answer.mjs'
import { Client } from './chat-completions.mjs'
import { Cancelled, Failure } from './failure.mjs'
import { mapping, parsed } from './lenient.mjs'
import { Limits } from './limits.mjs'
import { runFrom, runOf } from './run.mjs'

/** The adapter protocol, version 1: a line in, lines out. */
export class Adapter {
  static HELLO = {
    type: 'hello',
    protocol: 1,
    name: 'reference-node',
    version: '1.0.0',
    language: 'javascript',
    transports: ['sse', 'ws'],
    controls: [
      'cancel_after_events', 'cancel_after_ms', 'stop', 'idle_timeout_ms', 'connect_timeout_ms', 'total_timeout_ms',
      'max_retries', 'read_delay_ms', 'hold_ms', 'pause_after_events', 'pause_ms',
      'ca_file', 'connection', 'next_api_keys', 'fallback_urls',
    ],
    capabilities: ['refresh-key', 'fail-over', 'reuse-connection', 'own-errors', 'pause'],
    retry: 'before-first-byte',
    concurrency: 16,
  }

  clients = new Map()

  /** Obey lines until `bye` or their end, which ends no run in flight. */
  async serve(input, environment) {
    const runs = []
    if (environment.STREAMPROOF_HELLO) say(Adapter.HELLO)
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      const line = mapping(parsed(text))
      if (line.type === 'hello') say(Adapter.HELLO)
      else if (line.type === 'run') runs.push(this.run(line))
      else if (line.type === 'bye') break
    }
    input.destroy()
    if (!runs.length && environment.STREAMPROOF_RUN) runs.push(this.run(runFrom(environment)))
    await Promise.all(runs)
    await Promise.all([...this.clients.values()].map((client) => client.pool.close()))
  }

  /** One run, and exactly one result. */
  async run(line) {
    let answer = new Answer({}, 'sse')
    let result = { outcome: 'ok' }
    let raised
    try {
      const run = runOf(line)
      answer = new Answer(run.request, run.dialect)
      await this.perform(run, answer)
    } catch (error) {
      raised = error
      result = outcomeOf(error, [line.api_key, ...(line.next_api_keys ?? [])])
    }
    say({ type: 'result', run: line.run, ...result, ...answer.result() })
    if (result.outcome === 'error' && line.hold_ms) {
      await new Promise((resolve) => setTimeout(resolve, line.hold_ms))
      raised = undefined // until here the caller had the error, and whatever it refers to
    }
  }

  /** Asks with the client object of the run's label, which stays, or with a fresh one that is closed with the run. */
  async perform(run, answer) {
    if (run.label !== null) return consume(this.client(run.label), run, answer)
    const client = new Client()
    try {
      await consume(client, run, answer)
    } finally {
      await client.pool.close()
    }
  }

  client(label) {
    if (!this.clients.has(label)) this.clients.set(label, new Client())
    return this.clients.get(label)
  }
}

/** The caller: takes each piece, pauses as it is told, and stops the way it is told. */
async function consume(client, run, answer) {
  const limits = new Limits(run.limits)
  const pieces = client.stream(run, answer, limits)
  let handed = 0
  for await (const piece of pieces) {
    say(piece.reason ? { ...piece, reason: redact(piece.reason, run.keys), run: run.id } : { ...piece, run: run.id })
    if (piece.type !== 'delta' && piece.type !== 'tool_call') continue
    if (++handed >= run.cancelAfterEvents) {
      if (run.stop === 'raise') throw new Cancelled()
      if (run.stop === 'cancel') await pieces.return()
      break
    }
    if (handed === run.pauseAfterEvents) {
      // The caller is busy for a while. Over a WebSocket the server is asked to wait; over HTTP not reading has to do.
      answer.tell('pause')
      await limits.sleep(run.paused)
      answer.tell('resume')
    }
    if (run.pause) await limits.sleep(run.pause)
    else limits.check()
  }
  if (handed >= run.cancelAfterEvents) throw new Cancelled()
}

/** What a run's result says of the error it ended with. */
function outcomeOf(error, keys) {
  if (error instanceof Cancelled) return { outcome: 'cancelled' }
  if (!(error instanceof Failure)) return { outcome: 'error', kind: 'other', message: redact(`${error?.name}: ${error?.message}`, keys), own_error: false }
  const { kind, status, message } = error
  return { outcome: 'error', kind, status, message: redact(message, keys), own_error: true }
}

/** A server may quote the key it was sent; an error text goes to logs, and keys do not. */
const redact = (message, keys) => keys.filter(Boolean).reduce((text, key) => text.replaceAll(key, '[key]'), message).toWellFormed()

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)
