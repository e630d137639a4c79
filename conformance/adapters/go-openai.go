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
		if caller.Take(pieces(chunk.Choices), usage(chunk.Usage)) {
			return nil
		}
	}
}

func pieces(choices []openai.ChatCompletionStreamChoice) (said []Piece) {
	for _, choice := range choices {
		delta := choice.Delta
		piece := Piece{Index: choice.Index, Content: delta.Content, Reasoning: delta.ReasoningContent, FinishReason: string(choice.FinishReason)}
		for _, call := range delta.ToolCalls {
			fragment := Fragment{ID: call.ID, Name: call.Function.Name, Arguments: call.Function.Arguments}
			if call.Index != nil {
				fragment.Call = *call.Index
			}
			piece.Calls = append(piece.Calls, fragment)
		}
		said = append(said, piece)
	}
	return said
}

func usage(said *openai.Usage) *Usage {
	if said == nil {
		return nil
	}
	return &Usage{int64(said.PromptTokens), int64(said.CompletionTokens), int64(said.TotalTokens)}
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
