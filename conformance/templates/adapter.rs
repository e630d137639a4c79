// A streamproof adapter, started once a run (check --one-shot): put your own client in place of TcpStream.
// Without a JSON library, texts go from the answer to the report as they are, escapes and all.
use std::env::var;
use std::io::{BufRead, BufReader, Result, Write};
use std::net::TcpStream;

/// The string behind a name in a JSON text, still escaped.
fn string<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\":"))?;
    let rest = rest.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let end = rest.find(|letter| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends
    })?;
    Some(&rest[..end])
}

fn say(kind: &str, fields: &str) {
    println!("{{\"type\":\"{kind}\",\"run\":\"{}\",{fields}}}", var("STREAMPROOF_RUN").unwrap_or_default());
}

/// The outcome and the status; text and finish reason are added to as they come.
fn answer(text: &mut String, finish: &mut String) -> Result<(&'static str, u16)> {
    let [url, key] = ["BASE_URL", "API_KEY"].map(|name| var(format!("STREAMPROOF_{name}")).unwrap());
    let request = var("STREAMPROOF_REQUEST").or_else(|_| std::fs::read_to_string(var("STREAMPROOF_REQUEST_FILE").unwrap()))?; // a long one is in a file
    let stop = var("STREAMPROOF_CANCEL_AFTER_EVENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "POST /{path}/chat/completions HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n")?;
    write!(stream, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{request}", request.len())?;
    let mut lines = BufReader::new(stream).lines();
    let head = lines.next().unwrap_or(Ok(String::new()))?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    if status != 200 {
        return Ok(("error", status));
    }
    let mut deltas = 0;
    for line in lines {
        let line = line?;
        let Some(data) = line.strip_prefix("data:") else { continue };
        if data.trim() == "[DONE]" {
            return Ok(("ok", status));
        }
        if let Some(piece) = string(data, "content").filter(|piece| !piece.is_empty()) {
            text.push_str(piece);
            deltas += 1;
            say("delta", &format!("\"text\":\"{piece}\""));
        }
        if let Some(reason) = string(data, "finish_reason") {
            *finish = format!("\"{reason}\"");
        }
        if deltas > 0 && deltas == stop {
            return Ok(("cancelled", status));
        }
    }
    Ok(("error", status))
}

fn main() {
    if var("STREAMPROOF_HELLO").is_ok() {
        let controls = "\"controls\":[\"cancel_after_events\"],\"retry\":\"none\"";
        return say("hello", &format!("\"protocol\":1,\"name\":\"my-client\",\"version\":\"0\",\"transports\":[\"sse\"],{controls}"));
    }
    let (mut text, mut finish) = (String::new(), String::from("null"));
    let (outcome, status) = answer(&mut text, &mut finish).unwrap_or(("error", 0));
    let failed = if outcome == "error" { ",\"message\":\"no whole answer\"" } else { "" };
    let status = if status > 0 { format!(",\"status\":{status}") } else { String::new() };
    say("result", &format!("\"outcome\":\"{outcome}\",\"text\":\"{text}\",\"finish_reason\":{finish}{status}{failed}"));
}
