// Characters that JSON writes as two escapes, and that a delta may cut between the two.

/** Text in whole characters, and the first half of a surrogate pair that an escape at its end may have left. */
export function characters(text) {
  const carry = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : ''
  return [text.slice(0, text.length - carry.length).toWellFormed(), carry]
}
