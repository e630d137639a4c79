// The official client streams one answer; what it saw goes to standard output as one JSON object.
import OpenAI from 'openai';

const [baseURL, request] = process.argv.slice(2);
const client = new OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
const seen = { text: '', tools: [], usage: null, finish: null, error: null };
try {
  const stream = await client.chat.completions.create(JSON.parse(request));
  for await (const chunk of stream) {
    seen.usage = chunk.usage ?? seen.usage;
    for (const choice of chunk.choices) {
      seen.text += choice.delta.content ?? '';
      seen.finish = choice.finish_reason ?? seen.finish;
      for (const call of choice.delta.tool_calls ?? []) {
        seen.tools[call.index] ??= { name: call.function.name, arguments: '' };
        seen.tools[call.index].arguments += call.function.arguments ?? '';
      }
    }
  }
} catch (error) {
  seen.error = { name: error.constructor.name, status: error.status ?? null, code: error.code ?? null };
}
console.log(JSON.stringify(seen));
