// /// script
// dependencies = ["async-openai[chat-completion]@0.43.0", "tokio[full]@1.54.1", "serde_json[std]@1.0.154", "futures[std]@0.3.34"]
// [tool.streamproof]
// transports = ["sse"]
// ///

//! async-openai: `while let Some(chunk) = client.chat().create_stream(request).await?.next().await`. It asks once and has no limits of its own;
//! a caller bounds and cancels a request by dropping it.

mod adapter;

use adapter::{Caller, Failure, Run, serve};
use async_openai::{Client, config::OpenAIConfig, error::OpenAIError, types::chat::CreateChatCompletionRequest};
use futures::StreamExt;
use serde_json::json;

async fn stream(run: Run, caller: &mut Caller) -> Result<(), Failure> {
    let config = OpenAIConfig::new().with_api_key(run.word("api_key")).with_api_base(run.word("base_url"));
    let request: CreateChatCompletionRequest = serde_json::from_value(run.0["request"].clone())?;
    let mut chunks = Client::with_config(config).chat().create_stream(request).await?;
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
    let controls = ["cancel_after_events", "cancel_after_ms", "stop", "total_timeout_ms", "read_delay_ms"];
    let hello = json!({"name": "async-openai", "version": env!("CLIENT_VERSION"), "transports": ["sse"], "controls": controls, "retry": "none"});
    serve(hello, |run, caller| Box::pin(stream(run, caller)), status).await;
}
