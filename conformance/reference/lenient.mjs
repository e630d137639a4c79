// JSON whose shape nobody vouches for: what is of the wanted kind, and nothing in place of the rest.

/** The JSON value of a text, or undefined. */
export function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const natural = (value) => Number.isInteger(value) && value >= 0

/** An object, or an empty one in place of whatever else was sent. */
export const mapping = (value) => (value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {})

/** The objects in an array; none if it is no array. */
export const objects = (value) => (Array.isArray(value) ? value.filter((item) => mapping(item) === item) : [])
