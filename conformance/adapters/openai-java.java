// /// script
// dependencies = ["com.openai:openai-java:4.101.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// The official client for Java: `client.chat().completions().createStreaming(params).stream()`. Its read timeout bounds each read of the socket,
// so that is the idle timeout.

import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.ObjectMappers;
import com.openai.core.Timeout;
import com.openai.core.http.StreamResponse;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import java.time.Duration;
import java.util.Iterator;

final class Main {
  private Main() {}

  static OpenAIClient client(JsonNode run) {
    OpenAIOkHttpClient.Builder builder = OpenAIOkHttpClient.builder().apiKey(run.path("api_key").asText()).baseUrl(run.path("base_url").asText());
    if (run.has("max_retries")) builder.maxRetries(run.path("max_retries").asInt());
    if (run.has("idle_timeout_ms") || run.has("connect_timeout_ms")) builder.timeout(limits(run));
    return builder.build();
  }

  static Timeout limits(JsonNode run) {
    Timeout.Builder limits = Timeout.builder();
    if (run.has("idle_timeout_ms")) limits.read(Duration.ofMillis(run.path("idle_timeout_ms").asLong()));
    if (run.has("connect_timeout_ms")) limits.connect(Duration.ofMillis(run.path("connect_timeout_ms").asLong()));
    return limits.build();
  }

  static void stream(OpenAIClient client, JsonNode run, Adapter.Caller caller) throws Exception {
    var body = ObjectMappers.jsonMapper().readValue(run.path("request").toString(), ChatCompletionCreateParams.Body.class);
    var request = ChatCompletionCreateParams.builder().body(body).build();
    try (StreamResponse<ChatCompletionChunk> response = client.chat().completions().createStreaming(request)) {
      for (Iterator<ChatCompletionChunk> chunks = response.stream().iterator(); chunks.hasNext(); )
        if (taken(chunks.next(), caller)) return;
    }
  }

  /** One chunk for the caller. True when it wants no more. */
  static boolean taken(ChatCompletionChunk chunk, Adapter.Caller caller) {
    for (var choice : chunk.choices()) {
      var delta = choice.delta();
      for (String word : new String[] {"reasoning_content", "reasoning"}) {
        var thought = delta._additionalProperties().get(word);
        if (thought != null && thought.asString().isPresent()) caller.reasoning(choice.index(), (String) thought.asString().get());
      }
      String text = delta.content().orElse("");
      if (!text.isEmpty() && caller.text(choice.index(), text)) return true;
      if (delta.toolCalls().isPresent())
        for (var call : delta.toolCalls().get()) {
          String name = call.function().flatMap(function -> function.name()).orElse(null);
          String arguments = call.function().flatMap(function -> function.arguments()).orElse("");
          if (caller.fragment(choice.index(), call.index(), call.id().orElse(null), name, arguments)) return true;
        }
      choice.finishReason().ifPresent(reason -> caller.finish(choice.index(), reason.toString()));
    }
    chunk.usage().ifPresent(usage -> caller.usage(usage.promptTokens(), usage.completionTokens(), usage.totalTokens()));
    return false;
  }

  static int status(Throwable error) {
    return error instanceof OpenAIServiceException said ? said.statusCode() : 0;
  }

  public static void main(String[] arguments) throws Exception {
    var hello = Adapter.JSON.createObjectNode().put("name", "openai-java").put("retry", "before-first-byte");
    hello.put("version", OpenAIOkHttpClient.class.getPackage().getImplementationVersion());
    hello.putArray("transports").add("sse");
    for (String control : "cancel_after_events stop idle_timeout_ms connect_timeout_ms max_retries read_delay_ms".split(" "))
      hello.withArray("controls").add(control);
    Adapter.serve(hello, Main::client, Main::stream, Main::status);
  }
}
