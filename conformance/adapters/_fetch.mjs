// The standard's fetch, which Node and browsers have alike, with the loop that is commonly written around `body.getReader()`.

export const HELLO = {
  transports: ['sse'],
  controls: ['cancel_after_events', 'cancel_after_ms', 'stop', 'total_timeout_ms', 'read_delay_ms'],
  retry: 'none',
}

// The response to the run's request; throws for an HTTP status that is an error.
export async function post({ base_url, api_key, request }, caller) {
  const response = await fetch(`${base_url}/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${api_key}` },
    body: JSON.stringify(request),
    signal: caller.signal,
  })
  if (!response.ok) throw Object.assign(new Error(`HTTP ${response.status}: ${await response.text()}`), { status: response.status })
  return response
}

export async function stream(client, run, caller) {
  const response = await post(run, caller)
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let buffer = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    buffer += decoder.decode(value, { stream: true })
    const lines = buffer.split('\n')
    buffer = lines.pop()
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue
      const data = line.slice('data: '.length).trim()
      if (data === '[DONE]') return
      const chunk = JSON.parse(data)
      if (caller.take([...chunk.choices], chunk.usage)) {
        if (caller.cancels) await reader.cancel()
        return
      }
      await caller.ponder()
    }
  }
}
