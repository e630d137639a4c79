// /// script
// dependencies = ["com.openai:openai-java:4.101.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// The asynchronous client of the official one for Java: `client.async().chat().completions().createStreaming(params).subscribe(handler)`, and
// `onCompleteFuture()`. There is no loop to leave: a caller leaves by `close()`, or by an exception in its handler.

import static java.util.concurrent.CompletableFuture.delayedExecutor;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClientAsync;
import com.openai.core.http.AsyncStreamResponse;
import com.openai.errors.OpenAIException;
import com.openai.models.chat.completions.ChatCompletionChunk;
import java.util.concurrent.ExecutionException;

final class Main {
  private static final long FOREVER = Long.MAX_VALUE;

  private Main() {}

  static OpenAIClientAsync client(JsonNode run) throws Exception {
    return OpenAI.client(run).async();
  }

  static void stream(OpenAIClientAsync client, JsonNode run, Adapter.Caller caller) throws Throwable {
    var completions = client.withOptions(options -> OpenAI.options(run, options)).chat().completions();
    AsyncStreamResponse<ChatCompletionChunk> response = completions.createStreaming(OpenAI.request(run));
    response.subscribe(chunk -> {
      if (OpenAI.taken(chunk, caller)) response.close();
    });
    if (run.has("cancel_after_ms"))
      delayedExecutor(run.path("cancel_after_ms").asLong(), MILLISECONDS, Main::start).execute(() -> leave(response, caller));
    try {
      response.onCompleteFuture().get(run.path("total_timeout_ms").asLong(FOREVER), MILLISECONDS);
    } catch (ExecutionException failed) {
      throw failed.getCause();
    } finally {
      response.close();
    }
  }

  /** A thread of its own: closing may take as long as a read does. */
  static void start(Runnable task) {
    var thread = new Thread(task);
    thread.setDaemon(true);
    thread.start();
  }

  static void leave(AsyncStreamResponse<ChatCompletionChunk> response, Adapter.Caller caller) {
    caller.leave();
    response.close();
  }

  public static void main(String[] arguments) throws Exception {
    var hello = OpenAI.hello("openai-java-async", "cancel_after_ms", "total_timeout_ms");
    Adapter.serve(hello, new Adapter.Driven<>(Main::client, Main::stream, OpenAI::status, OpenAIException.class));
  }
}
