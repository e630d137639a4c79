// A streamproof adapter, started once a run (check --one-shot): put your own client in place of HttpClient.
// Without a JSON library, texts go from the answer to the report as they are, escapes and all.
import java.io.*;
import java.net.URI;
import java.net.http.*;
import java.nio.file.Path;
import java.util.regex.Pattern;
import static java.nio.charset.StandardCharsets.UTF_8;

class Adapter {
  static final Pattern TEXT = Pattern.compile("\"content\":\\s*\"([^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+)\"");
  static final Pattern FINISH = Pattern.compile("\"finish_reason\":\\s*(\"\\w+\")");
  static final String RUN = System.getenv("STREAMPROOF_RUN"), STOP = System.getenv("STREAMPROOF_CANCEL_AFTER_EVENTS");
  static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), true, UTF_8);

  static void say(String type, String fields) { OUT.println("{\"type\":\"" + type + "\",\"run\":\"" + RUN + "\"," + fields + "}"); }

  public static void main(String[] arguments) throws Exception {
    if (System.getenv("STREAMPROOF_HELLO") != null)
      say("hello", "\"protocol\":1,\"name\":\"my-client\",\"version\":\"0\",\"language\":\"java\",\"transports\":[\"sse\"],"
          + "\"controls\":[\"cancel_after_events\"],\"retry\":\"none\"");
    else answer();
  }

  /** A long one is in a file. */
  static HttpRequest.BodyPublisher request() throws IOException {
    var file = System.getenv("STREAMPROOF_REQUEST_FILE");
    return file == null ? HttpRequest.BodyPublishers.ofString(System.getenv("STREAMPROOF_REQUEST")) : HttpRequest.BodyPublishers.ofFile(Path.of(file));
  }

  static void answer() throws Exception {
    var request = HttpRequest.newBuilder(URI.create(System.getenv("STREAMPROOF_BASE_URL") + "/chat/completions"))
        .header("Authorization", "Bearer " + System.getenv("STREAMPROOF_API_KEY")).header("Content-Type", "application/json")
        .POST(request()).build();
    var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    String text = "", finish = "null", outcome = "error";
    int status = 0, deltas = 0;
    try {
      var response = client.send(request, HttpResponse.BodyHandlers.ofLines());
      if (response.statusCode() != 200) status = response.statusCode();
      var lines = response.body().filter(line -> line.startsWith("data:")).iterator();
      while (status == 0 && outcome.equals("error") && lines.hasNext()) {
        var data = lines.next().substring(5).strip();
        if (data.equals("[DONE]")) outcome = "ok";
        var found = TEXT.matcher(data);
        if (found.find() && !found.group(1).isEmpty()) {
          text += found.group(1);
          say("delta", "\"text\":\"" + found.group(1) + "\"");
          if (String.valueOf(++deltas).equals(STOP)) outcome = "cancelled";
        }
        var reason = FINISH.matcher(data);
        if (reason.find()) finish = reason.group(1);
      }
    } catch (IOException | UncheckedIOException broken) { outcome = "error"; }
    say("result", "\"outcome\":\"" + outcome + "\",\"text\":\"" + text + "\",\"finish_reason\":" + finish
        + (status == 0 ? "" : ",\"kind\":\"http\",\"status\":" + status) + (outcome.equals("error") ? ",\"message\":\"no whole answer\"" : ""));
    System.exit(0);
  }
}
