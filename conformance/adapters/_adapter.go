// What the Go adapters share: the lines of the adapter protocol, and the caller behind them. Standard library only.
// An adapter hands its client's chunks to a Caller as they come and returns every error: what reaches Serve is what the client's own caller
// would have seen.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Object is a JSON object.
type Object map[string]any

// Run is one request to make, and how its caller behaves. Times are milliseconds; what is nil has the client's default.
type Run struct {
	Type, Run, Stop, Connection string
	BaseURL                     string `json:"base_url"`
	APIKey                      string `json:"api_key"`
	CAFile                      string `json:"ca_file"`
	Request                     json.RawMessage
	CancelAfterEvents           int  `json:"cancel_after_events"`
	CancelAfter                 *int `json:"cancel_after_ms"`
	ConnectTimeout              *int `json:"connect_timeout_ms"`
	TotalTimeout                *int `json:"total_timeout_ms"`
	MaxRetries                  *int `json:"max_retries"`
	ReadDelay                   int  `json:"read_delay_ms"`
}

// Fragment is a piece of a tool call.
type Fragment struct {
	Call                int
	ID, Name, Arguments string
}

// Piece is what one chunk says of one choice.
type Piece struct {
	Index                            int
	Content, Reasoning, FinishReason string
	Calls                            []Fragment
}

// Usage is the count of tokens.
type Usage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Total      int64 `json:"total_tokens"`
}

type call struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type choice struct {
	text, finishReason string
	calls              map[int]*call
}

var errStopped = errors.New("the caller stopped by panicking")

// Caller consumes one answer: puts it together, says each piece, and knows when it has had enough.
type Caller struct {
	run     Run
	cancel  context.CancelFunc
	choices map[int]*choice
	most    int
	usage   *Usage
	handed  int
	enough  bool
}

// Take is one chunk, as the client hands it out. True when the caller wants no more; it has then cancelled, where it stops so.
func (c *Caller) Take(pieces []Piece, usage *Usage) bool {
	for _, piece := range pieces {
		one := c.choice(piece.Index)
		if piece.Reasoning != "" {
			c.say("reasoning", Object{"text": piece.Reasoning, "index": piece.Index})
		}
		if piece.Content != "" {
			one.text += piece.Content
			if c.hand("delta", Object{"text": piece.Content, "index": piece.Index}) {
				return true
			}
		}
		for _, fragment := range piece.Calls {
			one.add(fragment)
			said := Object{"index": piece.Index, "call": fragment.Call, "id": orNull(fragment.ID), "name": orNull(fragment.Name), "arguments": fragment.Arguments}
			if c.hand("tool_call", said) {
				return true
			}
		}
		if piece.FinishReason != "" {
			one.finishReason = piece.FinishReason
		}
	}
	if usage != nil {
		c.usage = usage
		c.say("usage", Object{"usage": usage})
	}
	return false
}

func (c *Caller) choice(index int) *choice {
	if c.choices[index] == nil {
		c.choices[index] = &choice{calls: map[int]*call{}}
	}
	c.most = max(c.most, index)
	return c.choices[index]
}

func (one *choice) add(fragment Fragment) {
	known := one.calls[fragment.Call]
	if known == nil {
		known = &call{}
		one.calls[fragment.Call] = known
	}
	if fragment.ID != "" {
		known.ID = fragment.ID
	}
	if fragment.Name != "" {
		known.Name = fragment.Name
	}
	known.Arguments += fragment.Arguments
}

// hand is one delta for the caller, who pauses over it, and may then have had enough.
func (c *Caller) hand(word string, piece Object) bool {
	c.say(word, piece)
	c.handed++
	c.enough = c.handed == c.run.CancelAfterEvents
	if c.enough && (c.run.Stop == "" || c.run.Stop == "cancel") {
		c.cancel()
	}
	if c.enough && c.run.Stop == "raise" {
		panic(errStopped)
	}
	time.Sleep(time.Duration(c.run.ReadDelay) * time.Millisecond)
	return c.enough
}

func (c *Caller) say(word string, piece Object) {
	piece["type"], piece["run"] = word, c.run.Run
	say(piece)
}

// result is the last line: what the caller has, and what it was told.
func (c *Caller) result(left bool, status int, err error) {
	whole := c.choice(0).report()
	if c.most > 0 {
		several := []Object{}
		for index := 0; index <= c.most; index++ {
			several = append(several, c.choice(index).report())
		}
		whole["choices"] = several
	}
	if c.usage != nil {
		whole["usage"] = c.usage
	}
	switch {
	case left || (err == nil && c.enough):
		whole["outcome"] = "cancelled"
	case err == nil:
		whole["outcome"] = "ok"
	default:
		whole["outcome"], whole["kind"], whole["message"] = "error", kind(status, err), err.Error()
		if status >= 100 && status <= 999 {
			whole["status"] = status
		}
	}
	c.say("result", whole)
}

func (one *choice) report() Object {
	calls := []*call{}
	for index, left := 0, len(one.calls); left > 0; index++ {
		if known := one.calls[index]; known != nil {
			left--
			if one.usable(known.Arguments) {
				calls = append(calls, known)
			}
		}
	}
	return Object{"text": one.text, "finish_reason": orNull(one.finishReason), "tool_calls": calls}
}

// usable: would the caller act on this call? It reads the arguments as JSON first; none at all are none of a finished call.
func (one *choice) usable(arguments string) bool {
	finished := one.finishReason == "tool_calls" || one.finishReason == "stop"
	return json.Valid([]byte(arguments)) || (arguments == "" && finished)
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// kind is the protocol's word for an error.
func kind(status int, err error) string {
	var timeout net.Error
	var verification *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case status != 0:
		return "http"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &verification), errors.As(err, &header), strings.Contains(err.Error(), "tls: "):
		return "tls"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connect"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "truncated"
	case errors.Is(err, io.EOF):
		return "closed"
	case errors.As(err, &syntax), errors.As(err, &mistyped):
		return "parse"
	}
	return "other"
}

// HTTPClient is the standard library's, with the run's limit for connections and the run's authority, where there are such.
func HTTPClient(run Run) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if run.ConnectTimeout != nil {
		limit := time.Duration(*run.ConnectTimeout) * time.Millisecond
		transport.DialContext, transport.TLSHandshakeTimeout = (&net.Dialer{Timeout: limit}).DialContext, limit
	}
	if run.CAFile != "" {
		authority, err := os.ReadFile(run.CAFile)
		if err != nil {
			panic(err)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
		transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(authority)
	}
	return &http.Client{Transport: transport}
}

// Version is that of a module this program was built with.
func Version(module string) string {
	built, _ := debug.ReadBuildInfo()
	for _, each := range built.Deps {
		if each.Path == module {
			return strings.TrimPrefix(each.Version, "v")
		}
	}
	return ""
}

var output sync.Mutex

// say is one line, whole.
func say(line Object) {
	output.Lock()
	defer output.Unlock()
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(line) != nil {
		os.Exit(1)
	}
}

// Client is how a client is driven: New makes a client object, Stream makes one request with it, Status is the HTTP status that an error
// carries, or 0.
type Client[C any] struct {
	New    func(Run) C
	Stream func(context.Context, C, Run, *Caller) error
	Status func(error) int
}

// Serve serves a client, a goroutine a run, until bye or the end of input.
func Serve[C any](hello Object, client Client[C]) {
	kept, lock, runs := map[string]C{}, sync.Mutex{}, sync.WaitGroup{}
	lent := func(run Run) C {
		lock.Lock()
		defer lock.Unlock()
		one, known := kept[run.Connection]
		if !known {
			one = client.New(run)
		}
		if run.Connection != "" {
			kept[run.Connection] = one
		}
		return one
	}
	lines := bufio.NewReader(os.Stdin)
	for line, err := lines.ReadBytes('\n'); err == nil; line, err = lines.ReadBytes('\n') {
		run := Run{}
		if json.Unmarshal(line, &run) != nil || run.Type == "bye" {
			break
		}
		if run.Type == "hello" {
			hello["type"], hello["protocol"], hello["language"], hello["concurrency"] = "hello", 1, "go", 8
			say(hello)
		}
		if run.Type == "run" {
			runs.Add(1)
			go func() {
				defer runs.Done()
				obey(client, lent(run), run)
			}()
		}
	}
	runs.Wait()
}

// obey is one run: the caller bounds the whole of it by its context, and cancels it.
func obey[C any](client Client[C], one C, run Run) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if run.TotalTimeout != nil {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(*run.TotalTimeout)*time.Millisecond)
		defer cancel()
	}
	if run.CancelAfter != nil {
		defer time.AfterFunc(time.Duration(*run.CancelAfter)*time.Millisecond, cancel).Stop()
	}
	caller := &Caller{run: run, cancel: cancel, choices: map[int]*choice{}}
	err := caught(func() error { return client.Stream(ctx, one, run, caller) })
	left := errors.Is(err, errStopped) || (errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled))
	status := 0
	if err != nil {
		status = client.Status(err)
	}
	caller.result(left, status, err)
}

// caught is what a function returns, or the way out of a caller that stops by panicking.
func caught(stream func() error) (err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case error:
			err = thrown
		default:
			panic(thrown)
		}
	}()
	return stream()
}
