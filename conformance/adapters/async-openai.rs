// /// script
// dependencies = [
//   "async-openai[chat-completion,middleware]@0.43.0", "reqwest[stream]@0.13.5", "tower[util]@0.5.3", "tokio[full]@1.54.1",
//   "serde[std]@1.0.229", "serde_json[std]@1.0.154", "futures[std]@0.3.34",
// ]
// [tool.streamproof]
// transports = ["sse"]
// ///

//! async-openai: `while let Some(chunk) = client.chat().create_stream(request).await?.next().await`. A caller cancels a request by dropping it,
//! and bounds it by the HTTP client and the retry layer that it is given.

mod adapter;

use adapter::{Caller, Failure, Run, serve};
use async_openai::middleware::{ReqwestService, retry::OpenAIRetryLayer};
use async_openai::{Client, config::OpenAIConfig, error::OpenAIError, types::chat::CreateChatCompletionRequest};
use futures::StreamExt;
use serde_json::json;
use tower::Layer;

fn client(run: &Run) -> Result<Client<OpenAIConfig>, Failure> {
    let config = OpenAIConfig::new().with_api_key(run.word("api_key")).with_api_base(run.word("base_url"));
    let mut http = reqwest::Client::builder();
    if let Some(limit) = run.span("idle_timeout_ms") {
        http = http.read_timeout(limit);
    }
    if let Some(limit) = run.span("connect_timeout_ms") {
        http = http.connect_timeout(limit);
    }
    let retries = run.0["max_retries"].as_u64().map_or_else(OpenAIRetryLayer::default, |most| OpenAIRetryLayer::new(most as usize));
    Ok(Client::with_config(config).with_http_service(retries.layer(ReqwestService::new(http.build()?))))
}

async fn stream(run: Run, caller: &mut Caller) -> Result<(), Failure> {
    let request: CreateChatCompletionRequest = serde_json::from_value(run.0["request"].clone())?;
    let mut chunks = client(&run)?.chat().create_stream(request).await?;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        for choice in chunk.choices {
            let index = choice.index.into();
            if caller.text(index, choice.delta.content.as_deref().unwrap_or_default()).await {
                return Ok(());
            }
            for call in choice.delta.tool_calls.unwrap_or_default() {
                let told = call.function.as_ref();
                let name = told.and_then(|function| function.name.as_deref());
                let arguments = told.and_then(|function| function.arguments.as_deref()).unwrap_or_default();
                if caller.fragment(index, call.index.into(), call.id.as_deref(), name, arguments).await {
                    return Ok(());
                }
            }
            if let Some(reason) = choice.finish_reason {
                caller.finish(index, json!(reason).as_str().unwrap_or_default().into());
            }
        }
        if let Some(usage) = chunk.usage {
            caller.usage(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens);
        }
    }
    Ok(())
}

fn status(error: &Failure) -> Option<u16> {
    match error.downcast_ref()? {
        OpenAIError::ApiError(said) => Some(said.status_code.as_u16()),
        OpenAIError::Reqwest(error) => error.status().map(|status| status.as_u16()),
        _ => None,
    }
}

#[tokio::main]
async fn main() {
    let controls = [
        "cancel_after_events", "cancel_after_ms", "stop", "idle_timeout_ms", "connect_timeout_ms", "total_timeout_ms", "max_retries", "read_delay_ms",
    ];
    let version = env!("CLIENT_VERSION");
    let retry = "before-first-byte";
    let hello = json!({"name": "async-openai", "version": version, "transports": ["sse"], "controls": controls, "retry": retry});
    serve(hello, |run, caller| Box::pin(stream(run, caller)), status).await;
}
