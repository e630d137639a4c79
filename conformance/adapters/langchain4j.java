// /// script
// dependencies = ["dev.langchain4j:langchain4j-open-ai:1.19.0"]
// [tool.streamproof]
// transports = ["sse"]
// ///
// LangChain4j: `OpenAiStreamingChatModel.chat(request, handler)`. It tries once. There is no loop to leave: a caller leaves by the handle that comes
// with each part, or by an exception in its handler. Its `timeout` ends with the response's head, so it has no idle timeout.

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.PartialToolCallContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

final class Main {
  private static final Map<FinishReason, String> REASONS = Map.of(
      FinishReason.STOP, "stop", FinishReason.LENGTH, "length", FinishReason.TOOL_EXECUTION, "tool_calls",
      FinishReason.CONTENT_FILTER, "content_filter");

  private Main() {}

  /** What the model hands out goes to the caller; `over` is when it heard the last. */
  record Handler(Adapter.Caller caller, CompletableFuture<Void> over) implements StreamingChatResponseHandler {
    @Override
    public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
      if (caller.text(0, part.text())) leave(context.streamingHandle());
    }

    @Override
    public void onPartialThinking(PartialThinking part) {
      caller.reasoning(0, part.text());
    }

    @Override
    public void onPartialToolCall(PartialToolCall part, PartialToolCallContext context) {
      if (caller.fragment(0, part.index(), part.id(), part.name(), part.partialArguments())) leave(context.streamingHandle());
    }

    @Override
    public void onCompleteToolCall(CompleteToolCall whole) {
      var call = whole.toolExecutionRequest();
      caller.call(0, whole.index(), call.id(), call.name(), call.arguments());
    }

    @Override
    public void onCompleteResponse(ChatResponse response) {
      if (response.finishReason() != null) caller.finish(0, REASONS.get(response.finishReason()));
      var counted = response.tokenUsage();
      if (counted != null && counted.inputTokenCount() != null && counted.outputTokenCount() != null)
        caller.usage(counted.inputTokenCount(), counted.outputTokenCount(), counted.totalTokenCount());
      over.complete(null);
    }

    @Override
    public void onError(Throwable error) {
      over.completeExceptionally(error);
    }

    private void leave(StreamingHandle handle) {
      handle.cancel();
      over.complete(null);
    }
  }

  static OpenAiStreamingChatModel client(JsonNode run) {
    var builder = OpenAiStreamingChatModel.builder().apiKey(run.path("api_key").asText()).baseUrl(run.path("base_url").asText());
    builder.modelName(run.path("request").path("model").asText()).returnThinking(true);
    if (run.path("request").has("n")) builder.customParameters(Map.of("n", run.path("request").path("n").asInt()));
    return builder.build();
  }

  static void stream(OpenAiStreamingChatModel model, JsonNode run, Adapter.Caller caller) throws Throwable {
    var handler = new Handler(caller, new CompletableFuture<>());
    model.chat(request(run.path("request")), handler);
    try {
      handler.over.get();
    } catch (ExecutionException failed) {
      throw failed.getCause();
    }
  }

  static ChatRequest request(JsonNode asked) {
    List<ChatMessage> messages = new ArrayList<>();
    for (var said : asked.path("messages")) {
      String content = said.path("content").asText();
      messages.add(switch (said.path("role").asText()) {
        case "system" -> SystemMessage.from(content);
        case "assistant" -> AiMessage.from(content);
        default -> UserMessage.from(content);
      });
    }
    List<ToolSpecification> tools = new ArrayList<>();
    for (var tool : asked.path("tools")) tools.add(specification(tool.path("function")));
    return ChatRequest.builder().messages(messages).toolSpecifications(tools).build();
  }

  static ToolSpecification specification(JsonNode function) {
    Map<String, JsonSchemaElement> properties = new LinkedHashMap<>();
    for (var each : function.path("parameters").path("properties").properties())
      properties.put(each.getKey(), JsonRawSchema.from(each.getValue().toString()));
    List<String> required = new ArrayList<>();
    function.path("parameters").path("required").forEach(name -> required.add(name.asText()));
    var parameters = JsonObjectSchema.builder().addProperties(properties).required(required).build();
    var tool = ToolSpecification.builder().name(function.path("name").asText()).description(function.path("description").asText());
    return tool.parameters(parameters).build();
  }

  /** As its jar says it. */
  static String version() throws IOException {
    var said = new Properties();
    try (var properties = Main.class.getResourceAsStream("/META-INF/maven/dev.langchain4j/langchain4j-open-ai/pom.properties")) {
      said.load(properties);
    }
    return said.getProperty("version");
  }

  static int status(Throwable error) {
    for (Throwable at = error; at != null; at = at.getCause()) if (at instanceof HttpException said) return said.statusCode();
    return 0;
  }

  public static void main(String[] arguments) throws Exception {
    var hello = Adapter.JSON.createObjectNode().put("name", "langchain4j").put("retry", "none");
    hello.put("version", version());
    hello.putArray("transports").add("sse");
    for (String control : "cancel_after_events stop read_delay_ms".split(" ")) hello.withArray("controls").add(control);
    Adapter.serve(hello, new Adapter.Driven<>(Main::client, Main::stream, Main::status, LangChain4jException.class));
  }
}
