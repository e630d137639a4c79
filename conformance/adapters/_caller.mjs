// What all adapters in JavaScript share: the lines of the adapter protocol, and the caller behind them. No dependencies.
// An adapter hands its client's chunks to a `Caller` as they come and lets every error pass: what reaches `serve` is what
// the client's own caller would have seen.

const CONCURRENCY = 8

/** The way out of the loop of a caller that stops by raising. */
class Stopped extends Error {}

/** What the caller has of one choice. */
class Choice {
  text = ''
  finish_reason = null
  calls = []

  report() {
    const { text, finish_reason } = this
    return { text, finish_reason, tool_calls: this.calls.filter((call) => this.usable(call.arguments)) }
  }

  /** Would the caller act on this call? It reads the arguments as JSON first; none at all are none of a finished call. */
  usable(told) {
    try {
      JSON.parse(told)
      return true
    } catch {
      return !told && ['tool_calls', 'stop'].includes(this.finish_reason)
    }
  }
}

/** Who consumes one answer: puts it together, says each piece, and knows when it has had enough. */
export class Caller {
  choices = []
  usage = null
  handed = 0
  pause = 0 // milliseconds
  enough = false

  constructor(run, tell, own) {
    this.run = run
    this.own = own
    this.tell = tell
    this.abort = new AbortController()
  }

  /** Is the error one that the client documents? */
  owned(error) {
    return this.own && { own_error: error instanceof this.own }
  }

  /** What stops a request from outside: the caller's own abort, and its limit for the whole of it. */
  get signal() {
    const total = this.run.total_timeout_ms
    return total === undefined ? this.abort.signal : AbortSignal.any([this.abort.signal, (this.limit ??= AbortSignal.timeout(total))])
  }

  /** One chunk, as the client hands it out. True when the caller wants no more; throws where it stops so. */
  take(choices, usage) {
    this.pause = 0
    for (const said of choices ?? []) {
      const delta = said.delta ?? {}
      const index = said.index ?? 0
      const choice = (this.choices[index] ??= new Choice())
      const thought = delta.reasoning_content || delta.reasoning
      if (thought) this.say('reasoning', { text: thought, index })
      const text = words(delta.content)
      if (text) {
        choice.text += text
        this.pause += this.run.read_delay_ms ?? 0
        if (this.hand('delta', { text, index })) return true
      }
      for (const fragment of delta.tool_calls ?? []) {
        this.pause += this.run.read_delay_ms ?? 0
        if (this.hand('tool_call', { index, ...this.fragment(choice, fragment) })) return true
      }
      choice.finish_reason = said.finish_reason || choice.finish_reason
    }
    if (usage) this.say('usage', { usage: (this.usage = usage) })
    return false
  }

  /** The whole answer, of a client that puts it together itself: that is what the caller then has. */
  keep(choices, usage) {
    this.choices = []
    choices.forEach(({ index, message, finish_reason }) => {
      const calls = (message.tool_calls ?? []).map(({ id, function: told }) => ({ id, name: told.name, arguments: told.arguments }))
      this.choices[index] = Object.assign(new Choice(), { text: message.content ?? '', finish_reason, calls })
    })
    this.usage = usage
  }

  /** The caller's pause over what it was handed last. */
  async ponder() {
    if (this.pause) await new Promise((resolve) => setTimeout(resolve, this.pause))
  }

  fragment(choice, { index: call = 0, id, function: told = {} }) {
    const known = (choice.calls[call] ??= { id: '', name: '', arguments: '' })
    known.id = id || known.id
    known.name = told.name || known.name
    known.arguments += told.arguments ?? ''
    return { call, id: id ?? null, name: told.name ?? null, arguments: told.arguments ?? '' }
  }

  /** One delta for the caller, who may then have had enough. */
  hand(type, piece) {
    this.say(type, piece)
    this.handed += 1
    this.enough = this.handed === this.run.cancel_after_events
    if (this.enough && this.run.stop === 'raise') throw new Stopped()
    return this.enough
  }

  /** Stops by the client's own cancel, not by leaving the loop. */
  get cancels() {
    return (this.run.stop ?? 'cancel') === 'cancel'
  }

  /** Has the caller gone, and was told nothing but that? */
  left(error) {
    if (error === undefined) return this.enough || this.abort.signal.aborted
    return error instanceof Stopped || (this.abort.signal.aborted && /AbortError/.test(`${error.constructor.name} ${error.name}`))
  }

  say(type, piece) {
    this.tell({ type, run: this.run.run, ...piece })
  }

  /** The last line: what the caller has, and what it was told. */
  result(error) {
    this.choices[0] ??= new Choice()
    const choices = this.choices.map((choice) => choice.report())
    const whole = { ...choices[0], ...(choices.length > 1 && { choices }), ...(this.usage && { usage: this.usage }) }
    if (this.left(error)) this.say('result', { outcome: 'cancelled', ...whole })
    else if (error === undefined) this.say('result', { outcome: 'ok', ...whole })
    else this.say('result', { outcome: 'error', kind: kind(error, this), status: status(error), message: error?.message || String(error), ...this.owned(error), ...whole })
  }
}

/** The text of `delta.content`, which Mistral may say as a list of parts. */
const words = (content) => (Array.isArray(content) ? content.map((part) => (part.type === 'text' ? part.text : '')).join('') : content)

/** The protocol's word for an error: its cause, where the platform names one, says it better than the client's word. */
function kind(error, { limit }) {
  const word = (at) => WORDS.find(([pattern]) => pattern.test(`${at.constructor?.name} ${at.name} ${at.code}`))?.[1]
  if (limit?.aborted) return 'timeout'
  if (status(error)) return 'http'
  for (let at = error; at instanceof Error; at = at.cause) if (!at.cause && word(at)) return word(at)
  return (error instanceof Error && word(error)) || 'other'
}

const WORDS = [
  [/Timeout|TIMEDOUT|TIMEOUT/, 'timeout'],
  [/CERT|SSL|TLS|SELF_SIGNED/, 'tls'],
  [/ECONNREFUSED|ENOTFOUND/, 'connect'],
  [/ECONNRESET/, 'reset'],
  [/UND_ERR_SOCKET|CLOSED/, 'closed'],
  [/SyntaxError/, 'parse'],
  [/APIConnectionError/, 'connect'],
  [/APIError/, 'api'],
]

/** The HTTP status that an error carries, or the error that caused it. */
function status(error) {
  for (let at = error; at; at = at.cause) if (at.status >= 100 && at.status <= 999) return at.status
  return null
}

/**
 * Serve a client over its `lines`, saying each answer by `tell`: `client(run)` makes a client object, `stream(client, run, caller)` makes one
 * request with it. `own`, beside its hello, is the class of the errors that the client documents.
 */
export async function serve(lines, tell, { own, ...hello }, client, stream) {
  const kept = {}

  async function obey(run) {
    const caller = new Caller(run, tell, own)
    const aborting = run.cancel_after_ms === undefined ? undefined : setTimeout(() => caller.abort.abort(), run.cancel_after_ms)
    let failure
    try {
      const one = run.connection === undefined ? client(run) : (kept[run.connection] ??= client(run))
      await stream(one, run, caller)
    } catch (error) {
      failure = error ?? new Error('nothing was thrown')
    }
    clearTimeout(aborting)
    caller.result(failure)
  }

  const runs = []
  for await (const line of lines) {
    const order = JSON.parse(line)
    if (order.type === 'hello') tell({ type: 'hello', protocol: 1, concurrency: CONCURRENCY, ...hello, ...(own && { capabilities: [...(hello.capabilities ?? []), 'own-errors'] }) })
    else if (order.type === 'run') runs.push(obey(order))
    else if (order.type === 'bye') break
  }
  await Promise.all(runs)
}
