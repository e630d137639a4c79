// What the Java adapters share: the lines of the adapter protocol, and the caller behind them. Jackson is what the clients bring.
// An adapter hands its client's chunks to a Caller as they come and lets every exception pass: what reaches `serve` is what the client's
// own caller would have seen.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToIntFunction;

final class Adapter {
  static final ObjectMapper JSON = new ObjectMapper();
  private static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), false, java.nio.charset.StandardCharsets.UTF_8);
  private static final int CONCURRENCY = 8;

  private Adapter() {}

  /** How a client is driven: one request with it. */
  interface Request<C> {
    void stream(C client, JsonNode run, Caller caller) throws Exception;
  }

  /** The way out of the loop of a caller that stops by throwing. */
  static final class Stopped extends RuntimeException {}

  private static final class Call {
    String id = "", name = "", arguments = "";
  }

  private static final class Choice {
    final StringBuilder text = new StringBuilder();
    final Map<Long, Call> calls = new TreeMap<>();
    String finishReason;

    ObjectNode report() {
      ObjectNode said = JSON.createObjectNode().put("text", text.toString()).put("finish_reason", finishReason);
      ArrayNode usable = said.putArray("tool_calls");
      for (Call call : calls.values())
        if (usable(call.arguments)) usable.addObject().put("id", call.id).put("name", call.name).put("arguments", call.arguments);
      return said;
    }

    /** Would the caller act on this call? It reads the arguments as JSON first; none at all are none of a finished call. */
    boolean usable(String arguments) {
      if (arguments.isEmpty()) return "tool_calls".equals(finishReason) || "stop".equals(finishReason);
      try (var parser = JSON.createParser(arguments)) {
        JSON.readTree(parser);
        return parser.nextToken() == null;
      } catch (IOException cut) {
        return false;
      }
    }
  }

  /** Who consumes one answer: puts it together, says each piece, and knows when it has had enough. */
  static final class Caller {
    private final JsonNode run;
    private final Map<Long, Choice> choices = new TreeMap<>();
    private JsonNode usage;
    private int handed;
    private boolean enough;

    Caller(JsonNode run) {
      this.run = run;
    }

    void reasoning(long index, String text) {
      say("reasoning", JSON.createObjectNode().put("index", index).put("text", text));
    }

    /** A piece of text. True when the caller wants no more. */
    boolean text(long index, String text) {
      choice(index).text.append(text);
      return hand("delta", JSON.createObjectNode().put("index", index).put("text", text));
    }

    /** A fragment of a tool call. True when the caller wants no more. */
    boolean fragment(long index, long number, String id, String name, String arguments) {
      Call call = choice(index).calls.computeIfAbsent(number, fresh -> new Call());
      if (id != null && !id.isEmpty()) call.id = id;
      if (name != null && !name.isEmpty()) call.name = name;
      call.arguments += arguments;
      return hand("tool_call", JSON.createObjectNode().put("index", index).put("call", number).put("id", id).put("name", name).put("arguments", arguments));
    }

    void finish(long index, String reason) {
      choice(index).finishReason = reason;
    }

    void usage(long prompt, long completion, long total) {
      usage = JSON.createObjectNode().put("prompt_tokens", prompt).put("completion_tokens", completion).put("total_tokens", total);
      say("usage", JSON.createObjectNode().set("usage", usage));
    }

    private Choice choice(long index) {
      return choices.computeIfAbsent(index, fresh -> new Choice());
    }

    private boolean hand(String word, ObjectNode piece) {
      say(word, piece);
      enough = ++handed == run.path("cancel_after_events").asInt();
      if (enough && run.path("stop").asText().equals("raise")) throw new Stopped();
      try {
        Thread.sleep(run.path("read_delay_ms").asLong());
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
      return enough;
    }

    private void say(String word, ObjectNode piece) {
      Adapter.say(piece.put("type", word).put("run", run.path("run").asText()));
    }

    /** The last line: what the caller has, and what it was told. */
    void result(Throwable error, int status) {
      ObjectNode whole = choice(0).report();
      if (choices.size() > 1) choices.values().forEach(choice -> whole.withArray("choices").add(choice.report()));
      if (usage != null) whole.set("usage", usage);
      if (error instanceof Stopped || (error == null && enough)) whole.put("outcome", "cancelled");
      else if (error == null) whole.put("outcome", "ok");
      else whole.put("outcome", "error").put("kind", status > 0 ? "http" : kind(error)).put("message", String.valueOf(error.getMessage()));
      if (error != null && status > 0) whole.put("status", status);
      say("result", whole);
    }
  }

  private static final Map<String, String> KINDS = Map.of(
      "SocketTimeoutException", "timeout", "InterruptedIOException", "timeout", "ConnectException", "connect", "UnknownHostException", "connect",
      "EOFException", "truncated", "ProtocolException", "truncated", "SocketException", "reset");

  /** The protocol's word for an exception: its first cause says it better than a client's word for any trouble of the connection. */
  private static String kind(Throwable error) {
    Throwable first = error;
    while (first.getCause() != null && first.getCause() != first) first = first.getCause();
    if (first instanceof javax.net.ssl.SSLException || first instanceof java.security.GeneralSecurityException) return "tls";
    if (first instanceof com.fasterxml.jackson.core.JsonProcessingException) return "parse";
    return KINDS.getOrDefault(first.getClass().getSimpleName(), "other");
  }

  /** One line, whole. */
  private static synchronized void say(ObjectNode line) {
    OUT.println(line);
    OUT.flush();
  }

  /** Serve a client, a thread a run, until bye or the end of input. `status` is the HTTP status that an exception carries, or 0. */
  static <C> void serve(ObjectNode hello, Function<JsonNode, C> client, Request<C> request, ToIntFunction<Throwable> status) throws Exception {
    Map<String, C> kept = new HashMap<>();
    ExecutorService runs = Executors.newFixedThreadPool(CONCURRENCY);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, java.nio.charset.StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode order = JSON.readTree(line);
      String type = order.path("type").asText();
      if (type.equals("bye")) break;
      if (type.equals("hello")) say(hello.put("type", "hello").put("protocol", 1).put("language", "java").put("concurrency", CONCURRENCY));
      if (type.equals("run")) runs.submit(() -> obey(order, kept, client, request, status));
    }
    runs.shutdown();
    runs.awaitTermination(1, TimeUnit.DAYS);
    System.exit(0);
  }

  private static <C> void obey(JsonNode run, Map<String, C> kept, Function<JsonNode, C> client, Request<C> request, ToIntFunction<Throwable> status) {
    Caller caller = new Caller(run);
    Throwable error = null;
    try {
      request.stream(lent(run, kept, client), run, caller);
    } catch (Throwable thrown) {
      error = thrown;
    }
    caller.result(error, error == null ? 0 : status.applyAsInt(error));
  }

  private static <C> C lent(JsonNode run, Map<String, C> kept, Function<JsonNode, C> client) {
    if (!run.has("connection")) return client.apply(run);
    synchronized (kept) {
      return kept.computeIfAbsent(run.path("connection").asText(), label -> client.apply(run));
    }
  }
}
