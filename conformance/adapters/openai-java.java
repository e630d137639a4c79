// /// script
// dependencies = ["com.openai:openai-java:4.101.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// The official client for Java: `client.chat().completions().createStreaming(params).stream()`.

import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.OpenAIException;
import com.openai.models.chat.completions.ChatCompletionChunk;
import java.util.Iterator;

final class Main {
  private Main() {}

  static void stream(OpenAIClient client, JsonNode run, Adapter.Caller caller) throws Exception {
    var completions = client.withOptions(options -> OpenAI.options(run, options)).chat().completions();
    try (StreamResponse<ChatCompletionChunk> response = completions.createStreaming(OpenAI.request(run))) {
      for (Iterator<ChatCompletionChunk> chunks = response.stream().iterator(); chunks.hasNext(); )
        if (OpenAI.taken(chunks.next(), caller)) return;
    }
  }

  public static void main(String[] arguments) throws Exception {
    Adapter.serve(OpenAI.hello("openai-java"), new Adapter.Driven<>(OpenAI::client, Main::stream, OpenAI::status, OpenAIException.class));
  }
}
