// The exchange of the articles that started this project, by the `ws` package: bare chunks, key in the query.
import WebSocket from 'ws';

const [url, request] = process.argv.slice(2);
const socket = new WebSocket(url);
const seen = { text: '', finish: null, types: [] };
socket.on('open', () => socket.send(request));
socket.on('message', (message) => {
  const data = JSON.parse(message);
  seen.types.push(data.type ?? 'chunk');
  if (data.type === 'content_delta') seen.text += data.content;
  const choice = data.choices?.[0];
  seen.text += choice?.delta?.content ?? '';
  seen.finish = choice?.finish_reason ?? seen.finish;
  if (data.type === 'done' || choice?.finish_reason) socket.close(1000, 'Client cleanup');
});
socket.on('close', (code) => console.log(JSON.stringify({ ...seen, code })));
