"""What the client asked and what the model says back, before any wire format.

These are values: frozen, comparable, made of plain Python types. A flavour turns an answer into events, a dialect turns
events into messages; nothing here knows either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Headers = tuple[tuple[str, str], ...]
"""Header fields in order, names as they are written on the wire."""

FinishReason = str
"""`stop`, `length`, `tool_calls`, `content_filter`, `function_call`, or a provider's own word (`error`, `model_length`)."""

ErrorShape = Literal["openai", "string", "flat", "openrouter", "mistral-detail", "mistral-validation", "vllm", "litellm", "text"]
"""How a provider writes an error body; each flavour has one of its own, a profile may ask for any."""


@dataclass(frozen=True, slots=True)
class Request:
    """One valid chat-completions request. `model` is the body's model without an `@profile` suffix, `size` how many bytes it had."""

    body: Mapping[str, Any]
    model: str
    size: int = field(default=0, compare=False)

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        messages: Sequence[Mapping[str, Any]] = self.body["messages"]
        return messages

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def n(self) -> int:
        """How many choices are wanted, 1 to 128."""
        return int(self.body.get("n") or 1)

    @property
    def stream_options(self) -> Mapping[str, Any]:
        options: Mapping[str, Any] = self.body.get("stream_options") or {}
        return options

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options.get("include_usage"))

    @property
    def include_obfuscation(self) -> bool:
        """OpenAI pads every chunk unless told not to."""
        return self.stream_options.get("include_obfuscation") is not False

    @property
    def logprobs(self) -> bool:
        return bool(self.body.get("logprobs"))

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        tools: Sequence[Mapping[str, Any]] = self.body.get("tools") or ()
        return tools

    @property
    def prompt_tokens(self) -> int:
        """What the conversation and the tools' definitions cost."""
        from mockserver.tokens import count_prompt

        return count_prompt(self.messages, (*self.tools, *(self.body.get("functions") or ())))

    @property
    def seed(self) -> int | None:
        seed: int | None = self.body.get("seed")
        return seed


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token's log probability, and the most likely tokens at its place (best first) when they were asked for."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One function call. `arguments` are the JSON text's fragments as they will be streamed.

    `index` overrides the call's place in the list, which only a fault does.
    """

    id: str
    name: str
    arguments: tuple[str, ...]
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answer's `n` choices. Texts are tuples of deltas; joined they are the whole text.

    `logprobs` has one entry per token; the pieces of `content` are groups of whole tokens when it is given, and then
    there is exactly one piece per token. `function_call` is the deprecated form of a single tool call.
    """

    content: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    refusal: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    function_call: ToolCall | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    finish_reason: FinishReason = "stop"


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts. `completion` includes `reasoning`; `prompt` includes `cached`."""

    prompt: int
    completion: int
    reasoning: int = 0
    cached: int = 0

    @property
    def total(self) -> int:
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an answer counts, whoever asked; see `Usage`. `prompt` None: as many as the request has, which is not known here."""

    completion: int = 0
    reasoning: int = 0
    cached: int = 0
    prompt: int | None = None

    def prompt_of(self, request: Request) -> int:
        return request.prompt_tokens if self.prompt is None else self.prompt

    def usage(self, request: Request) -> Usage:
        """The counts that the request is told."""
        return Usage(self.prompt_of(request), self.completion, self.reasoning, self.cached)


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's answer. `system_fingerprint` and `service_tier` are None where the provider would say null."""

    choices: tuple[Choice, ...]
    tokens: Tokens
    model: str
    system_fingerprint: str | None = None
    service_tier: str = "default"


ErrorFraming = Literal["length", "chunked", "close"]
"""How the end of a refusal's body is told: by its length, its last chunk, or the end of the connection (RFC 9112 §6.3)."""


@dataclass(frozen=True, slots=True)
class ApiError:
    """A refusal by the API: an HTTP status and the object that the API puts into the error body.

    `shape` None means the flavour's own body. `headers` are added to the response (Retry-After and the like). `framing` is how the
    body's end is told.
    """

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: Headers = ()
    shape: ErrorShape | None = None
    framing: ErrorFraming = "length"


@dataclass(frozen=True, slots=True)
class Plain:
    """An HTTP response that is neither a reply nor an API error: a redirect, a 204, an HTML page with status 200."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    content_type: str | None = None
    framing: ErrorFraming = "length"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a captured body: `at` seconds after the request was read."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Capture:
    """A recorded response, played back byte for byte. `ended` is how the upstream ended it; `status` 0: before its head."""

    status: int = 200
    headers: Headers = ()
    pieces: tuple[Piece, ...] = ()
    ended: Literal["end", "hang-up", "reset", "stall"] = "end"
    ended_at: float = 0.0


Answer = Reply | ApiError | Plain | Capture


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one answer from another: the completion's id and its Unix time in seconds."""

    id: str
    created: int = field(default=0)
