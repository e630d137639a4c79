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
import java.lang.ref.Reference;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.ToIntFunction;

final class Adapter {
  static final ObjectMapper JSON = new ObjectMapper();
  private static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), false, java.nio.charset.StandardCharsets.UTF_8);
  private static final int CONCURRENCY = 8;

  private Adapter() {}

  /** How a client is driven: how it is made for a run, and one request with it. `status` is the HTTP status that an exception carries, or 0. */
  record Driven<C>(Make<C> client, Request<C> request, ToIntFunction<Throwable> status, Class<? extends Throwable> own) {}

  interface Make<C> {
    C client(JsonNode run) throws Exception;
  }

  interface Request<C> {
    void stream(C client, JsonNode run, Caller caller) throws Throwable;
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

  /**
   * Who consumes one answer: puts it together, says each piece, and knows when it has had enough. What comes after its result, on a thread
   * of the client's, it does not hear.
   */
  static final class Caller {
    private final JsonNode run;
    private final Map<Long, Choice> choices = new TreeMap<>();
    private JsonNode usage;
    private int handed;
    private boolean enough, told;

    Caller(JsonNode run) {
      this.run = run;
    }

    void reasoning(long index, String text) {
      say("reasoning", JSON.createObjectNode().put("index", index).put("text", text));
    }

    /** A piece of text. True when the caller wants no more. */
    boolean text(long index, String text) {
      return hand("delta", JSON.createObjectNode().put("index", index).put("text", text), () -> choice(index).text.append(text));
    }

    /** A fragment of a tool call. True when the caller wants no more. */
    boolean fragment(long index, long number, String id, String name, String arguments) {
      ObjectNode said = JSON.createObjectNode().put("index", index).put("call", number).put("id", id).put("name", name).put("arguments", arguments);
      return hand("tool_call", said, () -> {
        Call call = choice(index).calls.computeIfAbsent(number, fresh -> new Call());
        if (id != null && !id.isEmpty()) call.id = id;
        if (name != null && !name.isEmpty()) call.name = name;
        call.arguments += arguments;
      });
    }

    /** A tool call that the client put together itself: that is what the caller then has. */
    synchronized void call(long index, long number, String id, String name, String arguments) {
      Call whole = new Call();
      whole.id = id == null ? "" : id;
      whole.name = name == null ? "" : name;
      whole.arguments = arguments;
      choice(index).calls.put(number, whole);
    }

    synchronized void finish(long index, String reason) {
      choice(index).finishReason = reason;
    }

    synchronized void usage(long prompt, long completion, long total) {
      usage = JSON.createObjectNode().put("prompt_tokens", prompt).put("completion_tokens", completion).put("total_tokens", total);
      say("usage", JSON.createObjectNode().set("usage", usage));
    }

    /** The caller leaves by the clock. */
    synchronized void leave() {
      enough = true;
    }

    private Choice choice(long index) {
      return choices.computeIfAbsent(index, fresh -> new Choice());
    }

    private boolean hand(String word, ObjectNode piece, Runnable kept) {
      synchronized (this) {
        if (told) return true;
        kept.run();
        say(word, piece);
        enough |= ++handed == run.path("cancel_after_events").asInt();
        if (enough && run.path("stop").asText().equals("raise")) throw new Stopped();
      }
      try {
        Thread.sleep(run.path("read_delay_ms").asLong());
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
      return enough;
    }

    private synchronized void say(String word, ObjectNode piece) {
      if (!told) Adapter.say(piece.put("type", word).put("run", run.path("run").asText()));
    }

    /** The last line: what the caller has, and what it was told. */
    synchronized void result(Throwable error, Driven<?> client) {
      int status = error == null ? 0 : client.status.applyAsInt(error);
      ObjectNode whole = choice(0).report();
      if (choices.size() > 1) choices.values().forEach(choice -> whole.withArray("choices").add(choice.report()));
      if (usage != null) whole.set("usage", usage);
      if (error instanceof Stopped || (error == null && enough)) whole.put("outcome", "cancelled");
      else if (error == null) whole.put("outcome", "ok");
      else whole.put("outcome", "error").put("kind", status > 0 ? "http" : kind(error)).put("message", words(error));
      if (status > 0) whole.put("status", status);
      if (whole.path("outcome").asText().equals("error")) whole.put("own_error", client.own.isInstance(error));
      say("result", whole);
      told = true;
    }
  }

  private static final Map<String, String> KINDS = Map.of(
      "SocketTimeoutException", "timeout", "InterruptedIOException", "timeout", "TimeoutException", "timeout",
      "ConnectException", "connect", "UnknownHostException", "connect",
      "EOFException", "truncated", "ProtocolException", "truncated", "SocketException", "reset");

  /** The protocol's word for an exception: its first cause says it better than a client's word for any trouble of the connection. */
  private static String kind(Throwable error) {
    Throwable first = error;
    while (first.getCause() != null && first.getCause() != first) first = first.getCause();
    if (first instanceof javax.net.ssl.SSLException || first instanceof java.security.GeneralSecurityException) return "tls";
    if (first instanceof com.fasterxml.jackson.core.JsonProcessingException) return "parse";
    return KINDS.getOrDefault(first.getClass().getSimpleName(), "other");
  }

  private static String words(Throwable error) {
    return error.getMessage() == null ? error.toString() : error.getMessage();
  }

  /** One line, whole. */
  private static synchronized void say(ObjectNode line) {
    OUT.println(line);
    OUT.flush();
  }

  /** Serve a client, a thread a run, until bye or the end of input. Every caller in Java can hold on to an error. */
  static <C> void serve(ObjectNode hello, Driven<C> client) throws Exception {
    Map<String, C> kept = new HashMap<>();
    hello.put("type", "hello").put("protocol", 1).put("language", "java").put("concurrency", CONCURRENCY);
    hello.withArray("controls").add("hold_ms");
    hello.withArray("capabilities").add("own-errors");
    ExecutorService runs = Executors.newFixedThreadPool(CONCURRENCY);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, java.nio.charset.StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode order = JSON.readTree(line);
      String type = order.path("type").asText();
      if (type.equals("bye")) break;
      if (type.equals("hello")) say(hello);
      if (type.equals("run")) runs.submit(() -> obey(order, kept, client));
    }
    runs.shutdown();
    runs.awaitTermination(1, TimeUnit.DAYS);
    System.exit(0);
  }

  private static <C> Void obey(JsonNode run, Map<String, C> kept, Driven<C> client) throws InterruptedException {
    Caller caller = new Caller(run);
    Throwable error = null;
    try {
      client.request.stream(lent(run, kept, client), run, caller);
    } catch (Throwable thrown) {
      error = thrown;
    }
    caller.result(error, client);
    if (error != null) Thread.sleep(run.path("hold_ms").asLong());
    Reference.reachabilityFence(error);
    return null;
  }

  private static <C> C lent(JsonNode run, Map<String, C> kept, Driven<C> client) throws Exception {
    if (!run.has("connection")) return client.client.client(run);
    synchronized (kept) {
      String label = run.path("connection").asText();
      if (!kept.containsKey(label)) kept.put(label, client.client.client(run));
      return kept.get(label);
    }
  }
}
