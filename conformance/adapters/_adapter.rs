//! What the Rust adapters share: the lines of the adapter protocol, and the caller behind them.
//! An adapter hands its client's chunks to a `Caller` as they come and returns every error: what reaches `serve` is what the client's own
//! caller would have seen.

use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};

const CONCURRENCY: u64 = 8;

pub type Failure = Box<dyn Error + Send + Sync>;

/// One run, with its controls in milliseconds.
#[derive(Clone)]
pub struct Run(pub Value);

impl Run {
    pub fn word(&self, name: &str) -> String {
        self.0[name].as_str().unwrap_or_default().into()
    }

    pub fn span(&self, name: &str) -> Option<Duration> {
        self.0[name].as_f64().map(|milliseconds| Duration::from_secs_f64(milliseconds / 1000.0))
    }
}

#[derive(Default)]
struct Choice {
    text: String,
    finish_reason: Option<String>,
    /// id, name and arguments by the call's index.
    calls: BTreeMap<u64, [String; 3]>,
}

impl Choice {
    fn report(&self) -> Value {
        let usable = self.calls.values().filter(|call| self.usable(&call[2]));
        let calls: Vec<Value> = usable.map(|[id, name, arguments]| json!({"id": id, "name": name, "arguments": arguments})).collect();
        json!({"text": self.text, "finish_reason": self.finish_reason, "tool_calls": calls})
    }

    /// Would the caller act on this call? It reads the arguments as JSON first, however deep, which a `Value` is not; none at all are none of a
    /// finished call.
    fn usable(&self, arguments: &str) -> bool {
        let finished = matches!(self.finish_reason.as_deref(), Some("tool_calls" | "stop"));
        serde_json::from_str::<IgnoredAny>(arguments).is_ok() || (arguments.is_empty() && finished)
    }
}

/// Who consumes one answer: puts it together, says each piece, and knows when it has had enough.
pub struct Caller {
    run: Run,
    choices: BTreeMap<u64, Choice>,
    usage: Option<Value>,
    handed: u64,
    enough: bool,
}

impl Caller {
    fn new(run: Run) -> Self {
        Self { run, choices: BTreeMap::new(), usage: None, handed: 0, enough: false }
    }

    /// A piece of text. True when the caller wants no more.
    pub async fn text(&mut self, index: u64, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        self.choices.entry(index).or_default().text.push_str(text);
        self.hand("delta", json!({"index": index, "text": text})).await
    }

    /// A fragment of a tool call. True when the caller wants no more.
    pub async fn fragment(&mut self, index: u64, call: u64, id: Option<&str>, name: Option<&str>, arguments: &str) -> bool {
        let known = self.choices.entry(index).or_default().calls.entry(call).or_default();
        for (kept, told) in known.iter_mut().zip([id, name]) {
            if let Some(told) = told.filter(|told| !told.is_empty()) {
                *kept = told.into();
            }
        }
        known[2].push_str(arguments);
        self.hand("tool_call", json!({"index": index, "call": call, "id": id, "name": name, "arguments": arguments})).await
    }

    pub fn finish(&mut self, index: u64, reason: String) {
        self.choices.entry(index).or_default().finish_reason = Some(reason);
    }

    pub fn usage(&mut self, prompt: u32, completion: u32, total: u32) {
        let usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total});
        self.say("usage", json!({"usage": usage}));
        self.usage = Some(usage);
    }

    async fn hand(&mut self, word: &str, piece: Value) -> bool {
        self.say(word, piece);
        self.handed += 1;
        self.enough = Some(self.handed) == self.run.0["cancel_after_events"].as_u64();
        if let Some(pause) = self.run.span("read_delay_ms") {
            tokio::time::sleep(pause).await;
        }
        self.enough
    }

    fn say(&self, word: &str, mut piece: Value) {
        piece["type"] = word.into();
        piece["run"] = self.run.0["run"].clone();
        say(&piece);
    }

    /// The last line: what the caller has, and what it was told. `left`: it dropped the request itself.
    fn result(&mut self, left: bool, failed: Option<(Failure, Option<u16>)>) {
        self.choices.entry(0).or_default();
        let mut whole = self.choices[&0].report();
        if self.choices.len() > 1 {
            whole["choices"] = self.choices.values().map(Choice::report).collect();
        }
        if let Some(usage) = &self.usage {
            whole["usage"] = usage.clone();
        }
        whole["outcome"] = if failed.is_some() { "error" } else if left || self.enough { "cancelled" } else { "ok" }.into();
        if let Some((error, status)) = failed {
            whole["kind"] = if status.is_some() { "http" } else { kind(error.as_ref()) }.into();
            whole["status"] = status.into();
            whole["message"] = error.to_string().into();
        }
        self.say("result", whole);
    }
}

/// The protocol's word for an error: the words of its causes say it better than a client's word for any trouble of the connection.
fn kind(error: &(dyn Error + 'static)) -> &'static str {
    let mut words = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(each) = cause {
        words += &format!(" {each} {each:?}");
        cause = each.source();
    }
    let known = [
        ("TimedOut", "timeout"), ("deadline has elapsed", "timeout"), ("Connection refused", "connect"), ("dns error", "connect"),
        ("certificate", "tls"), ("reset by peer", "reset"), ("IncompleteMessage", "truncated"), ("UnexpectedEof", "truncated"),
        ("UnexpectedEndOfStream", "truncated"), ("JSONDeserialize", "parse"), ("ApiError", "api"),
    ];
    known.iter().find(|(word, _)| words.contains(word)).map_or("other", |(_, kind)| kind)
}

/// One line, whole.
fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap_or_else(|_| std::process::exit(1));
}

type Stream = for<'a> fn(Run, &'a mut Caller) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;
type Status = fn(&Failure) -> Option<u16>;

/// Serve a client, a task a run, until bye or the end of input. `stream` makes one request with a client of its own; `status` is the HTTP
/// status that an error carries.
pub async fn serve(hello: Value, stream: Stream, status: Status) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut runs = tokio::task::JoinSet::new();
    while let Ok(Some(line)) = lines.next_line().await {
        let order: Value = serde_json::from_str(&line).unwrap_or_default();
        match order["type"].as_str() {
            Some("hello") => {
                let mut hello = hello.clone();
                for (name, value) in [("type", json!("hello")), ("protocol", json!(1)), ("language", json!("rust")), ("concurrency", json!(CONCURRENCY))] {
                    hello[name] = value;
                }
                say(&hello);
            }
            Some("run") => drop(runs.spawn(obey(Run(order), stream, status))),
            Some("bye") => break,
            _ => (),
        }
    }
    while runs.join_next().await.is_some() {}
}

/// One run. The caller bounds the whole of it, and cancels it, by dropping its future.
async fn obey(run: Run, stream: Stream, status: Status) {
    let mut caller = Caller::new(run.clone());
    let never = Duration::from_secs(86_400);
    let (total, cancel) = (run.span("total_timeout_ms").unwrap_or(never), run.span("cancel_after_ms").unwrap_or(never));
    let done = tokio::time::timeout(cancel, tokio::time::timeout(total, stream(run, &mut caller))).await;
    let told = match done {
        Err(_) => return caller.result(true, None),
        Ok(Err(elapsed)) => Err(elapsed.into()),
        Ok(Ok(told)) => told,
    };
    caller.result(false, told.err().map(|error: Failure| {
        let status = status(&error);
        (error, status)
    }));
}
