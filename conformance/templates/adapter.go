// A streamproof adapter: put your own client in place of net/http. Say each piece of text as it comes, and at the end the result.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
)

type object = map[string]any
type told struct {
	Type, Run, Base_url, Api_key string
	Request                      json.RawMessage
	Cancel_after_events          int
}
type chunk struct {
	Choices []struct {
		Delta         struct{ Content string }
		Finish_reason *string
	}
}

func answer(run told, say func(any) error) object {
	result := object{"type": "result", "run": run.Run, "outcome": "error", "message": "the stream ended too early", "text": ""}
	request, _ := http.NewRequest("POST", run.Base_url+"/chat/completions", bytes.NewReader(run.Request))
	request.Header = http.Header{"Authorization": {"Bearer " + run.Api_key}, "Content-Type": {"application/json"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		result["message"] = err.Error()
		return result
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		body, _ := io.ReadAll(response.Body)
		result["kind"], result["status"], result["message"] = "http", response.StatusCode, string(body)
		return result
	}
	lines, deltas, text := bufio.NewReader(response.Body), 0, ""
	for line, err := lines.ReadBytes('\n'); err == nil; line, err = lines.ReadBytes('\n') {
		var said chunk
		if data, found := bytes.CutPrefix(line, []byte("data:")); !found {
			continue
		} else if bytes.Equal(bytes.TrimSpace(data), []byte("[DONE]")) {
			result["outcome"] = "ok"
			break
		} else if json.Unmarshal(data, &said) != nil || len(said.Choices) == 0 {
			break
		}
		result["finish_reason"] = said.Choices[0].Finish_reason
		if piece := said.Choices[0].Delta.Content; piece != "" {
			text, deltas = text+piece, deltas+1
			say(object{"type": "delta", "run": run.Run, "text": piece})
		}
		if deltas > 0 && deltas == run.Cancel_after_events {
			result["outcome"] = "cancelled"
			break
		}
	}
	result["text"] = text
	return result
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for run := (told{}); in.Decode(&run) == nil; run = (told{}) {
		if run.Type == "hello" {
			out.Encode(object{"type": "hello", "protocol": 1, "name": "my-client", "version": "0", "language": "go",
				"transports": []string{"sse"}, "controls": []string{"cancel_after_events"}, "retry": "none"})
		} else if run.Type == "run" {
			out.Encode(answer(run, out.Encode))
		}
	}
}
