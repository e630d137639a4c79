// What a WebSocket message of each dialect holds.

import { eventOf } from './event-stream.mjs'
import { Failure } from './failure.mjs'
import { mapping, parsed } from './lenient.mjs'

/** The events in one message of a dialect. In ws-sse-text a message with a type of its own is no piece of the event stream. */
export function* spoken(message, dialect, events) {
  if (dialect === 'ws-sse-text' && typeof mapping(parsed(message.toString())).type !== 'string') {
    yield* events.feed(message)
    return
  }
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(message)
  } catch {
    throw new Failure('parse', 'a binary message that is not text')
  }
  for (const data of messagesIn(text)) yield eventOf(data)
}

/** On a connection used before: a terminal word that came late, behind an answer that was complete without it. */
export function leftOver(text, dialect) {
  const done = text === '[DONE]' || (dialect === 'ws-sse-text' && text === 'data: [DONE]')
  return dialect !== 'ws-typed' && (done || mapping(parsed(text)).type === 'done')
}

/** The JSON texts that stand one behind the other in one message; what is none is left for the reader to refuse. */
function* messagesIn(text) {
  let start = 0
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (quoted) {
      if (character === '\\') at++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === '{' || character === '[') depth++
    else if ((character === '}' || character === ']') && --depth === 0 && text.slice(at + 1).trimStart().startsWith('{')) {
      yield text.slice(start, at + 1)
      start = at + 1
    }
  }
  yield text.slice(start)
}
