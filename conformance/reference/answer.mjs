// What the events say: text, tool calls, usage, in-band errors; when the answer is complete.

import { reasoningOf, textOf } from './delta.mjs'
import { Failure } from './failure.mjs'
import { mapping, natural, objects, parsed } from './lenient.mjs'
import { errorIn } from './provider-error.mjs'
import { characters } from './surrogates.mjs'
import { TEXT } from './websocket.mjs'

/** What the events of one answer say, and whether it is complete. */
export class Answer {
  /** Typed messages: which of their fields says what in a chunk's delta. */
  static DELTAS = Object.assign(Object.create(null), {
    content_delta: ['content', 'content'],
    reasoning_delta: ['content', 'reasoning_content'],
    refusal_delta: ['content', 'refusal'],
    tool_call_delta: ['tool_calls', 'tool_calls'],
    function_call_delta: ['function_call', 'function_call'],
  })

  choices = new Map()
  usage = null
  done = false // the terminal word was said: [DONE], or `done`
  begun = false // a byte of the answer has come: from here on there is no second attempt
  heard = false // an event with data has come: from here on only data counts as life
  channel = null // the WebSocket it comes on, while it does

  constructor(request, dialect) {
    this.dialect = dialect
    this.wanted = Array.from({ length: request.n || 1 }, (_, index) => index)
    this.usageWanted = Boolean(mapping(request.stream_options).include_usage)
  }

  /** Say `pause` or `resume` to the server, where it can be told. */
  tell(word) {
    this.channel?.send(TEXT, Buffer.from(JSON.stringify({ type: word })))
  }

  choice(index) {
    if (!this.choices.has(index)) this.choices.set(index, { text: '', refusal: '', finish: null, calls: new Map(), carry: '' })
    return this.choices.get(index)
  }

  get indexes() {
    return [...new Set([...this.wanted, ...this.choices.keys()])].sort((a, b) => a - b)
  }

  /** Every choice has its finish_reason. */
  get finished() {
    return this.indexes.every((index) => this.choices.get(index)?.finish)
  }

  /** May this be the whole answer, if it ends properly here? */
  get complete() {
    return this.done || (this.finished && this.dialect !== 'ws-typed')
  }

  /** Nothing more can belong to it, so nothing more is read. */
  get over() {
    if (this.dialect === 'ws-chunk' && this.finished) return this.usage !== null || !this.usageWanted || this.done
    return this.done
  }

  /** The body has ended as it should. Raises if the answer has not. */
  end() {
    if (!this.complete) throw new Failure('truncated', 'the stream ended before the answer did: neither a finish_reason for every choice nor [DONE]')
  }

  /** What one event adds. Raises Failure for an error said in-band and for what cannot be understood. */
  *hear(event) {
    const data = event.data.trim()
    if (data === '[DONE]') {
      this.done = true
      return
    }
    const heartbeat = ['ping', 'heartbeat', 'keepalive', 'keep-alive'].includes(event.name) && !data.startsWith('{')
    if (!data || data.startsWith(':') || heartbeat) return
    const read = this.read(event, data)
    if (read === null) return
    const body = this.untyped(read)
    yield* this.add(body)
    const failure = errorIn(body, event.name)
    if (failure) throw failure
    if (objects(body.choices).some((choice) => choice.finish_reason === 'error')) throw new Failure('api', "the model failed: finish_reason is 'error'")
  }

  read(event, data) {
    let body
    try {
      body = JSON.parse(data)
    } catch (error) {
      throw this.unreadable(event, error.message)
    }
    if (body !== null && mapping(body) !== body) throw new Failure('parse', `an event that is no JSON object: ${data.slice(0, 200)}`)
    return body
  }

  /** Not JSON. An error event may be plain text; and a raw error line may stand right behind half a chunk. */
  unreadable(event, why) {
    if (event.name === 'error') return new Failure('api', event.data.slice(0, 500))
    for (const line of event.strays) {
      const failure = errorIn(parsed(line))
      if (failure) return failure
    }
    return new Failure('parse', `an event that is not JSON (${why}): ${event.data.slice(0, 200)}`)
  }

  /** A typed WebSocket message as the chunk it stands for. */
  untyped(body) {
    if (body.type in Answer.DELTAS) {
      const [source, target] = Answer.DELTAS[body.type]
      return { choices: [{ index: body.index, delta: { [target]: body[source] } }] }
    }
    if (body.type === 'usage') {
      const { type, ...counts } = body
      return { usage: mapping(body.usage) === body.usage ? body.usage : counts }
    }
    if (body.type === 'done' && this.dialect !== 'sse') return this.last(body)
    return body
  }

  last(body) {
    if (body.status === 'cancelled') throw new Failure('api', 'the server cancelled the answer')
    this.done = true
    const reasons = Array.isArray(body.finish_reasons) ? body.finish_reasons : [body.finish_reason].filter(Boolean)
    const choices = reasons.map((finish_reason, index) => ({ index, finish_reason }))
    return { choices, usage: body.usage, error: body.error }
  }

  *add(body) {
    for (const choice of objects(body.choices)) yield* this.addChoice(choice)
    const own = mapping(body.usage)
    const counts = Object.keys(own).length ? own : mapping(mapping(body.x_groq).usage)
    if (Object.keys(counts).length) {
      this.usage = Object.fromEntries(Object.entries(counts).filter(([name, count]) => !name.endsWith('_tokens') || natural(count)))
      yield { type: 'usage', usage: this.usage }
    }
  }

  *addChoice(said) {
    const index = natural(said.index) ? said.index : 0
    const choice = this.choice(index)
    const delta = Object.keys(mapping(said.delta)).length ? said.delta : mapping(said.message)
    for (const text of reasoningOf(delta)) yield { type: 'reasoning', text: text.toWellFormed(), index }
    yield* this.addText(choice, index, textOf(delta.content))
    if (typeof delta.refusal === 'string') choice.refusal += delta.refusal
    for (const fragment of objects(delta.tool_calls)) yield this.addToolCall(choice, index, fragment)
    if (Object.keys(mapping(delta.function_call)).length) yield this.addToolCall(choice, index, { index: 0, function: delta.function_call })
    if (choice.finish === null && typeof said.finish_reason === 'string') choice.finish = said.finish_reason
  }

  *addText(choice, index, said) {
    const [text, carry] = characters(choice.carry + said)
    choice.carry = carry
    if (text) {
      choice.text += text
      yield { type: 'delta', text, index }
    }
  }

  addToolCall(choice, index, fragment) {
    const number = this.callNumber(choice, fragment)
    if (!choice.calls.has(number)) choice.calls.set(number, { id: null, name: '', arguments: '', carry: '' })
    const call = choice.calls.get(number)
    const said = Object.keys(mapping(fragment.function)).length ? fragment.function : mapping(fragment.custom)
    const piece = { type: 'tool_call', index, call: number }
    if (fragment.id && call.id === null) piece.id = call.id = String(fragment.id)
    if (said.name && !call.name) piece.name = call.name = String(said.name)
    const given = said.arguments ?? said.input
    const [text, carry] = characters(call.carry + (typeof given === 'string' ? given : given == null ? '' : JSON.stringify(given)))
    call.carry = carry
    call.arguments += text
    return { ...piece, arguments: text }
  }

  /** Its index; where a provider sends none, a new id starts a new call and anything else goes on with the last. */
  callNumber(choice, fragment) {
    if (natural(fragment.index)) return fragment.index
    for (const [number, call] of choice.calls) if (fragment.id && call.id === fragment.id) return number
    const last = Math.max(-1, ...choice.calls.keys())
    return fragment.id || last < 0 ? last + 1 : last
  }

  /** The answer as far as it came. */
  result() {
    const several = this.indexes.length > 1 ? { choices: this.indexes.map((index) => this.report(index)) } : {}
    const refusal = this.choices.get(0)?.refusal
    return { ...this.report(0), ...several, ...(refusal ? { refusal } : {}), ...(this.usage ? { usage: this.usage } : {}) }
  }

  report(index) {
    const choice = this.choice(index)
    const calls = [...choice.calls].sort(([a], [b]) => a - b).map(([, call]) => call)
    const whole = calls.filter((call) => this.whole(choice, call)).map(({ id, name, arguments: text }) => ({ id, name, arguments: text }))
    return { text: choice.text + '\ufffd'.repeat(choice.carry.length), finish_reason: choice.finish, tool_calls: whole }
  }

  /** May this call be handed out? Not if its arguments were cut: by the connection, or by a limit of length. */
  whole(choice, call) {
    const object = parsed(call.arguments)
    return Boolean(call.name) && ((object !== undefined && mapping(object) === object) || ![null, 'length', 'content_filter', 'error'].includes(choice.finish))
  }
}
