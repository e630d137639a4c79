// What a careful caller does with the messages of a WebSocket: the libraries end there, and the dialect is the caller's own affair.

class ServerError extends Error {}

/** The messages of one answer. `take` is true when the answer is over, or the caller has had enough. */
export class Messages {
  partial = ''

  constructor(run, caller) {
    Object.assign(this, { run, caller })
  }

  first() {
    return JSON.stringify({ ...(this.run.dialect !== 'ws-chunk' && { type: 'chat.completion' }), ...this.run.request })
  }

  take(text) {
    if (this.run.dialect === 'ws-sse-text' && (this.partial || !text.startsWith('{'))) return this.blocks(text)
    if (text === '[DONE]') return true
    const said = JSON.parse(text)
    return said.type ? this.typed(said) : this.chunk(said) || this.finished()
  }

  blocks(text) {
    const whole = (this.partial + text).split('\n\n')
    this.partial = whole.pop()
    for (const block of whole) {
      const lines = block.split('\n').filter((line) => line.startsWith('data: '))
      const data = lines.map((line) => line.slice('data: '.length)).join('\n')
      if (data === '[DONE]') return true
      if (data && this.chunk(JSON.parse(data))) return true
    }
    return false
  }

  chunk({ choices, usage, error }) {
    if (error) throw new ServerError(error.message ?? JSON.stringify(error))
    return this.caller.take(choices, usage)
  }

  /** Bare chunks end with the last finish_reason, or with the usage that was asked for. */
  finished() {
    const { n, stream_options } = this.run.request
    const finished = this.caller.choices.filter((choice) => choice.finish_reason).length >= (n ?? 1)
    return finished && Boolean(this.caller.usage || !stream_options?.include_usage)
  }

  typed({ type, index = 0, ...said }) {
    const deltas = { content_delta: 'content', reasoning_delta: 'reasoning_content' }
    if (type === 'error') throw new ServerError(said.message ?? said.error?.message ?? JSON.stringify(said))
    if (type === 'usage') this.caller.take([], said.usage ?? said)
    if (type === 'done') this.caller.take((said.finish_reasons ?? [said.finish_reason]).map((reason, at) => ({ index: at, finish_reason: reason })), said.usage)
    if (type === 'tool_call_delta') return this.caller.take([{ index, delta: { tool_calls: said.tool_calls } }])
    if (type in deltas) return this.caller.take([{ index, delta: { [deltas[type]]: said.content } }])
    return type === 'done'
  }
}
