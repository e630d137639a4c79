// A streamproof adapter: put your own client in place of fetch. Say each piece of text as it comes, and at the end the result.
import { createInterface } from "node:readline";

const say = line => process.stdout.write(JSON.stringify(line) + "\n");
const HELLO = { name: "my-client", version: "0", transports: ["sse"], controls: ["cancel_after_events"], retry: "none", concurrency: 8 };

async function answer({ run, base_url, api_key, request, cancel_after_events }) {
  const result = { type: "result", run, outcome: "error", message: "the stream ended too early", text: "" };
  const headers = { authorization: `Bearer ${api_key}`, "content-type": "application/json" };
  try {
    const response = await fetch(`${base_url}/chat/completions`, { method: "POST", headers, body: JSON.stringify(request) });
    if (!response.ok) return { ...result, kind: "http", status: response.status, message: await response.text() };
    let buffer = "", deltas = 0;
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (buffer += piece).split("\n");
      buffer = lines.pop();
      for (const line of lines.filter(each => each.startsWith("data:"))) {
        if (line.startsWith("data: [DONE]")) return { ...result, outcome: "ok" };
        const [{ delta, finish_reason }] = JSON.parse(line.slice(5)).choices;
        result.finish_reason = finish_reason;
        result.text += delta.content ?? "";
        if (delta.content && ++deltas) say({ type: "delta", run, text: delta.content });
        if (deltas === cancel_after_events) return { ...result, outcome: "cancelled" };
      }
    }
    return result;
  } catch (error) {
    return { ...result, message: String(error.cause ?? error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line);
  if (told.type === "hello") say({ type: "hello", protocol: 1, ...HELLO });
  if (told.type === "run") answer(told).then(say);
}
