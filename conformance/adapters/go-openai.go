// /// script
// dependencies = ["github.com/sashabaranov/go-openai@v1.43.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///

// go-openai: `for { stream.Recv() }` until io.EOF. It asks once and has no limits of its own; a context bounds and cancels a request.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/sashabaranov/go-openai"
)

func stream(ctx context.Context, client *http.Client, run Run, caller *Caller) error {
	var request openai.ChatCompletionRequest
	if err := json.Unmarshal(run.Request, &request); err != nil {
		return err
	}
	config := openai.DefaultConfig(run.APIKey)
	config.BaseURL, config.HTTPClient = run.BaseURL, client
	chunks, err := openai.NewClientWithConfig(config).CreateChatCompletionStream(ctx, request)
	if err != nil {
		return err
	}
	defer chunks.Close()
	for {
		chunk, err := chunks.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var whole said
		told, _ := json.Marshal(chunk)
		if err := json.Unmarshal(told, &whole); err != nil {
			return err
		}
		if caller.Take(whole.pieces(), whole.usage()) {
			return nil
		}
	}
}

// A chunk as its JSON names it: versions differ in what their types know, and every one of them can be asked so.
type said struct {
	Choices []struct {
		Index int
		Delta struct {
			Content   string
			Reasoning string `json:"reasoning_content"`
			ToolCalls []struct {
				Index    int
				ID       string
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
		FinishReason string `json:"finish_reason"`
	}
	Usage *struct {
		PromptTokens     int64 `json:"prompt_tokens"`
		CompletionTokens int64 `json:"completion_tokens"`
		TotalTokens      int64 `json:"total_tokens"`
	}
}

func (whole said) pieces() (pieces []Piece) {
	for _, choice := range whole.Choices {
		delta := choice.Delta
		piece := Piece{Index: choice.Index, Content: delta.Content, Reasoning: delta.Reasoning, FinishReason: choice.FinishReason}
		for _, call := range delta.ToolCalls {
			piece.Calls = append(piece.Calls, Fragment{Call: call.Index, ID: call.ID, Name: call.Function.Name, Arguments: call.Function.Arguments})
		}
		pieces = append(pieces, piece)
	}
	return pieces
}

func (whole said) usage() *Usage {
	if whole.Usage == nil {
		return nil
	}
	return &Usage{whole.Usage.PromptTokens, whole.Usage.CompletionTokens, whole.Usage.TotalTokens}
}

func status(err error) int {
	var api *openai.APIError
	var request *openai.RequestError
	switch {
	case errors.As(err, &api):
		return api.HTTPStatusCode
	case errors.As(err, &request):
		return request.HTTPStatusCode
	}
	return 0
}

func main() {
	Serve(Object{
		"name": "go-openai", "version": Version("github.com/sashabaranov/go-openai"), "transports": []string{"sse"},
		"controls": []string{
			"cancel_after_events", "cancel_after_ms", "stop", "connect_timeout_ms", "total_timeout_ms", "read_delay_ms", "ca_file", "connection",
		},
		"capabilities": []string{"reuse-connection"}, "retry": "none",
	}, Client[*http.Client]{HTTPClient, stream, status})
}
