// What the adapters of openai-java's two clients share: their options, each by its documented name, and how a chunk is read. Its read timeout
// bounds each read of the socket, so that is the idle timeout.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.ClientOptions;
import com.openai.core.ObjectMappers;
import com.openai.core.Timeout;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

final class OpenAI {
  private OpenAI() {}

  static ObjectNode hello(String name, String... more) {
    var hello = Adapter.JSON.createObjectNode().put("name", name).put("retry", "before-first-byte");
    hello.put("version", OpenAIOkHttpClient.class.getPackage().getImplementationVersion());
    hello.putArray("transports").add("sse");
    hello.putArray("capabilities").add("reuse-connection");
    for (String control : "cancel_after_events stop idle_timeout_ms connect_timeout_ms max_retries read_delay_ms ca_file connection".split(" "))
      hello.withArray("controls").add(control);
    for (String control : more) hello.withArray("controls").add(control);
    return hello;
  }

  static OpenAIClient client(JsonNode run) throws Exception {
    var builder = OpenAIOkHttpClient.builder().apiKey(run.path("api_key").asText()).baseUrl(run.path("base_url").asText());
    if (run.has("ca_file")) {
      var authority = authority(Path.of(run.path("ca_file").asText()));
      var context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {authority}, null);
      builder.trustManager(authority).sslSocketFactory(context.getSocketFactory());
    }
    return builder.build();
  }

  /** Trusts the certificates of a PEM file and no other. */
  static X509TrustManager authority(Path file) throws Exception {
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (var pem = Files.newInputStream(file)) {
      for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(pem))
        store.setCertificateEntry("authority-" + store.size(), certificate);
    }
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    return (X509TrustManager) trust.getTrustManagers()[0];
  }

  /** The options of one request; what the run leaves out has the client's default. */
  static void options(JsonNode run, ClientOptions.Builder options) {
    options.apiKey(run.path("api_key").asText()).baseUrl(run.path("base_url").asText());
    if (run.has("max_retries")) options.maxRetries(run.path("max_retries").asInt());
    if (run.has("idle_timeout_ms") || run.has("connect_timeout_ms")) options.timeout(limits(run));
  }

  static Timeout limits(JsonNode run) {
    Timeout.Builder limits = Timeout.builder();
    if (run.has("idle_timeout_ms")) limits.read(Duration.ofMillis(run.path("idle_timeout_ms").asLong()));
    if (run.has("connect_timeout_ms")) limits.connect(Duration.ofMillis(run.path("connect_timeout_ms").asLong()));
    return limits.build();
  }

  static ChatCompletionCreateParams request(JsonNode run) throws Exception {
    var body = ObjectMappers.jsonMapper().readValue(run.path("request").toString(), ChatCompletionCreateParams.Body.class);
    return ChatCompletionCreateParams.builder().body(body).build();
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
}
