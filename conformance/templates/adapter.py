"""A streamproof adapter: put your own client in place of urlopen. Say each piece of text as it comes, and at the end the result."""

import json
import sys
from urllib.request import Request, urlopen

HELLO = {"name": "my-client", "version": "0", "transports": ["sse"], "controls": ["cancel_after_events"], "retry": "none"}

for line in sys.stdin:
    run = json.loads(line)
    if run["type"] == "hello":
        print(json.dumps({"type": "hello", "protocol": 1, **HELLO}), flush=True)
    elif run["type"] == "run":
        result = {"type": "result", "run": run["run"], "outcome": "error", "message": "the stream ended too early", "text": ""}
        headers = {"Authorization": f"Bearer {run['api_key']}", "Content-Type": "application/json"}
        deltas = 0
        try:
            for raw in urlopen(Request(run["base_url"] + "/chat/completions", json.dumps(run["request"]).encode(), headers)):
                if raw.startswith(b"data: [DONE]"):
                    result["outcome"] = "ok"
                elif raw.startswith(b"data:") and result["outcome"] == "error":
                    choice = json.loads(raw[5:])["choices"][0]
                    result["finish_reason"] = choice["finish_reason"]
                    if text := choice["delta"].get("content"):
                        deltas += 1
                        result["text"] += text
                        print(json.dumps({"type": "delta", "run": run["run"], "text": text}), flush=True)
                    if deltas == run.get("cancel_after_events"):
                        result["outcome"] = "cancelled"
                        break
        except Exception as error:
            result["message"], result["status"] = str(error), getattr(error, "code", None)
        print(json.dumps(result), flush=True)
