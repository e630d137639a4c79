// What the `delta` of a chunk says, in any provider's shape.

import { objects } from './lenient.mjs'

/** `delta.content`: a string, null, or a list of parts of which the text is wanted. */
export const textOf = (content) =>
  Array.isArray(content)
    ? objects(content).map((part) => (typeof part.text === 'string' ? part.text : '')).join('')
    : typeof content === 'string' ? content : ''

/** The providers' ways to say what the model thought: the first that says something. */
export function reasoningOf(delta) {
  for (const name of ['reasoning_content', 'reasoning']) if (typeof delta[name] === 'string') return [delta[name]].filter(Boolean)
  const details = Array.isArray(delta.reasoning_details) ? objects(delta.reasoning_details).map((part) => part.text) : null
  const thoughts = details ?? objects(delta.content).filter((part) => part.type === 'thinking').map((part) => textOf(part.thinking))
  return thoughts.filter((text) => typeof text === 'string' && text)
}
