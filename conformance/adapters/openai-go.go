// /// script
// dependencies = ["github.com/openai/openai-go/v3@v3.96.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///

// The official client for Go: `for stream.Next() { stream.Current() }` and then `stream.Err()`. It has no idle timeout; a context bounds and
// cancels a request.
package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func client(run Run) openai.Client {
	return openai.NewClient(option.WithHTTPClient(HTTPClient(run)))
}

func stream(ctx context.Context, client openai.Client, run Run, caller *Caller) error {
	var request openai.ChatCompletionNewParams
	if err := json.Unmarshal(run.Request, &request); err != nil {
		return err
	}
	options := []option.RequestOption{option.WithAPIKey(run.APIKey), option.WithBaseURL(run.BaseURL)}
	if run.MaxRetries != nil {
		options = append(options, option.WithMaxRetries(*run.MaxRetries))
	}
	chunks := client.Chat.Completions.NewStreaming(ctx, request, options...)
	defer chunks.Close()
	for chunks.Next() {
		chunk := chunks.Current()
		if caller.Take(pieces(chunk.Choices), usage(chunk)) {
			break
		}
	}
	return chunks.Err()
}

func pieces(choices []openai.ChatCompletionChunkChoice) (said []Piece) {
	for _, choice := range choices {
		piece := Piece{Index: int(choice.Index), Content: choice.Delta.Content, FinishReason: choice.FinishReason}
		for _, word := range []string{"reasoning_content", "reasoning"} {
			if field, there := choice.Delta.JSON.ExtraFields[word]; there && piece.Reasoning == "" {
				json.Unmarshal([]byte(field.Raw()), &piece.Reasoning)
			}
		}
		for _, call := range choice.Delta.ToolCalls {
			piece.Calls = append(piece.Calls, Fragment{int(call.Index), call.ID, call.Function.Name, call.Function.Arguments})
		}
		said = append(said, piece)
	}
	return said
}

func usage(chunk openai.ChatCompletionChunk) *Usage {
	if !chunk.JSON.Usage.Valid() {
		return nil
	}
	return &Usage{chunk.Usage.PromptTokens, chunk.Usage.CompletionTokens, chunk.Usage.TotalTokens}
}

func status(err error) int {
	var api *openai.Error
	if errors.As(err, &api) {
		return api.StatusCode
	}
	return 0
}

func main() {
	Serve(Object{
		"name": "openai-go", "version": Version("github.com/openai/openai-go/v3"), "transports": []string{"sse"},
		"controls": []string{
			"cancel_after_events", "cancel_after_ms", "stop", "connect_timeout_ms", "total_timeout_ms", "max_retries", "read_delay_ms", "ca_file", "connection",
		},
		"capabilities": []string{"reuse-connection"}, "retry": "before-first-byte",
	}, Client[openai.Client]{client, stream, status})
}
