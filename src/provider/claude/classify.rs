//! Which failure class the CLI's words stand for.
//!
//! The words are those of version 2.1.197. Numbers (HTTP status, exit code) are asked before words; what nothing explains is `Crashed`,
//! which spends an attempt, so that an unknown failure cannot repeat for ever.

use crate::domain::failure::FailureClass;
use crate::provider::Ending;

/// The class of a failed request, from its HTTP status (none if there was no answer), the CLI's error word and its message.
pub fn request(status: Option<i64>, word: &str, message: &str) -> FailureClass {
    let text = message.to_lowercase();
    match status {
        Some(429) if allowance_is_used_up(&text) => return FailureClass::UsageLimit,
        Some(429) => return FailureClass::RateLimited,
        Some(529) => return FailureClass::Overloaded,
        Some(401 | 403) => return FailureClass::LoginRequired,
        Some(402) => return FailureClass::CreditExhausted,
        Some(404) => return FailureClass::ModelNotFound,
        Some(413) => return FailureClass::ContextTooLong,
        Some(400..=499) => return by_word(word).or_else(|| by_text(&text)).unwrap_or(FailureClass::BadRequest),
        Some(500..) => return FailureClass::ServerError,
        _ => {}
    }
    // Without a status the message says more than the word: "server_error" is also what the CLI calls a refused connection.
    by_text(&text).or_else(|| by_word(word)).unwrap_or(FailureClass::Crashed)
}

/// The class of a retry that the CLI announces.
pub fn retry(status: Option<i64>, word: &str) -> FailureClass {
    match (status, word) {
        (None, "unknown") => FailureClass::Connection,
        (_, "overloaded") => FailureClass::Overloaded,
        _ => request(status, word, ""),
    }
}

/// The CLI's sentences for an allowance that is used up: "You've hit your session limit · resets 3pm", "You're out of extra usage", "You have
/// reached your specified API usage limits".
fn allowance_is_used_up(text: &str) -> bool {
    let has = |words: &str| text.contains(words);
    !has("not your usage limit")
        && (has("usage limit") || has("out of extra usage") || has("out of usage credits") || (has("hit your") && has("limit")))
}

fn by_word(word: &str) -> Option<FailureClass> {
    Some(match word {
        "rate_limit" => FailureClass::RateLimited,
        "overloaded" => FailureClass::Overloaded,
        "authentication_failed" | "oauth_org_not_allowed" => FailureClass::LoginRequired,
        "billing_error" => FailureClass::CreditExhausted,
        "server_error" => FailureClass::ServerError,
        "max_output_tokens" => FailureClass::ContextTooLong,
        "model_not_found" => FailureClass::ModelNotFound,
        _ => return None,
    })
}

fn by_text(text: &str) -> Option<FailureClass> {
    let has = |words: &str| text.contains(words);
    Some(if has("credit balance is too low") {
        FailureClass::CreditExhausted
    } else if has("prompt is too long")
        || has("exceed context limit")
        || has("context window limit")
        || has("output token maximum")
        || has("request too large")
    {
        FailureClass::ContextTooLong
    } else if has("not logged in")
        || has("run /login")
        || has("invalid api key")
        || has("failed to authenticate")
        || has("organization has been disabled")
    {
        FailureClass::LoginRequired
    } else if allowance_is_used_up(text) {
        FailureClass::UsageLimit
    } else if has("unable to connect") || has("connection error") || has("fetch failed") || has("timed out") {
        FailureClass::Connection
    } else if has("empty or malformed response") {
        FailureClass::Garbage
    } else if has("usage policy") {
        FailureClass::Refused
    } else if has("overloaded") {
        FailureClass::Overloaded
    } else if has("no conversation found") {
        FailureClass::ConversationUnknown
    } else {
        return None;
    })
}

/// The class of an ending without a result line.
pub fn ending(ending: &Ending<'_>) -> FailureClass {
    let text = ending.stderr_tail.to_lowercase();
    let has = |words: &str| text.contains(words);
    if text.lines().any(|line| line.starts_with("bwrap: ")) || has("cannot be used with root/sudo") {
        FailureClass::SandboxFailed
    } else if has("session id") && has("is already in use") {
        FailureClass::ConversationInUse
    } else if has("no conversation found") {
        FailureClass::ConversationUnknown
    } else if has("error: unknown option")
        || has("error: option")
        || has("error: invalid session id")
        || has("error: --json-schema")
        || has("error parsing streaming input")
    {
        FailureClass::BadRequest
    } else if ending.signal.is_some() {
        FailureClass::Crashed
    } else {
        match ending.exit {
            // Ended in peace and gave nothing: for instance when all it was sent was already in the conversation.
            Some(0) => FailureClass::ResultMissing,
            // No such program, or not executable, as a shell or a runner says it.
            Some(126 | 127) => FailureClass::SandboxFailed,
            // Ended by a signal inside the sandbox: what stands there need not be the CLI's word.
            Some(128..) => FailureClass::Crashed,
            _ => by_text(&text).unwrap_or(FailureClass::Crashed),
        }
    }
}

#[cfg(test)]
mod tests {
    use FailureClass as F;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        Some(429),
        "rate_limit",
        "API Error: Request rejected (429) · This request would exceed your rate limit",
        F::RateLimited
    )]
    #[case(
        Some(429),
        "rate_limit",
        "API Error: Server is temporarily limiting requests (not your usage limit) · Slow down",
        F::RateLimited
    )]
    #[case(Some(429), "rate_limit", "API Error: Request rejected (429) · Usage limit reached", F::UsageLimit)]
    #[case(Some(429), "rate_limit", "You've hit your session limit · resets 11:04am (UTC)", F::UsageLimit)]
    #[case(Some(429), "rate_limit", "You've hit your Opus limit · resets Nov 23", F::UsageLimit)]
    #[case(Some(429), "rate_limit", "You've hit your monthly spend limit.", F::UsageLimit)]
    #[case(Some(429), "rate_limit", "You're out of extra usage · resets 3pm", F::UsageLimit)]
    #[case(Some(400), "invalid_request", "API Error: 400 You have reached your specified API usage limits.", F::UsageLimit)]
    #[case(None, "oauth_org_not_allowed", "Your organization does not allow this", F::LoginRequired)]
    #[case(Some(529), "server_error", "API Error: 529 Overloaded.", F::Overloaded)]
    #[case(Some(500), "server_error", "API Error: 500 Internal server error.", F::ServerError)]
    #[case(Some(503), "server_error", "API Error: 503", F::ServerError)]
    #[case(Some(401), "authentication_failed", "Invalid API key · Fix external API key", F::LoginRequired)]
    #[case(Some(403), "authentication_failed", "Failed to authenticate. API Error: 403", F::LoginRequired)]
    #[case(Some(400), "billing_error", "Credit balance is too low", F::CreditExhausted)]
    #[case(Some(402), "unknown", "API Error: 402 Payment required", F::CreditExhausted)]
    #[case(Some(400), "invalid_request", "Prompt is too long · the request is ~210000 tokens (limit 200000)", F::ContextTooLong)]
    #[case(Some(413), "invalid_request", "Request too large (max 32MB). Try with a smaller file.", F::ContextTooLong)]
    #[case(Some(400), "unknown", "API Error: 400 messages.0 something wrong", F::BadRequest)]
    #[case(Some(404), "model_not_found", "There's an issue with the selected model (x).", F::ModelNotFound)]
    #[case(None, "authentication_failed", "Not logged in · Please run /login", F::LoginRequired)]
    #[case(None, "server_error", "API Error: Unable to connect to API (ConnectionRefused)", F::Connection)]
    #[case(None, "unknown", "API Error: API returned an empty or malformed response (HTTP 200)", F::Garbage)]
    #[case(None, "max_output_tokens", "API Error: Claude's response exceeded the 64000 output token maximum.", F::ContextTooLong)]
    #[case(None, "max_output_tokens", "API Error: The model has reached its context window limit.", F::ContextTooLong)]
    #[case(None, "unknown", "something new", F::Crashed)]
    fn a_failed_request_has_its_class(#[case] status: Option<i64>, #[case] word: &str, #[case] text: &str, #[case] class: F) {
        assert_eq!(request(status, word, text), class);
    }

    #[rstest]
    #[case(Some(1), None, "Error: Session ID 8ed6a78e-2946-47f1-96c6-a3591188bb7f is already in use.", F::ConversationInUse)]
    #[case(Some(1), None, "No conversation found with session ID: 99999999-9999-4999-8999-999999999999", F::ConversationUnknown)]
    #[case(Some(1), None, "bwrap: Creating new namespace failed: Operation not permitted", F::SandboxFailed)]
    #[case(Some(1), None, "bwrap: execvp /opt/swarm/bin/claude: No such file or directory", F::SandboxFailed)]
    #[case(Some(1), None, "--dangerously-skip-permissions cannot be used with root/sudo privileges", F::SandboxFailed)]
    #[case(Some(1), None, "error: unknown option '--no-such-flag'", F::BadRequest)]
    #[case(Some(1), None, "Error: --json-schema is not valid JSON: JSON Parse error", F::BadRequest)]
    #[case(Some(127), None, "", F::SandboxFailed)]
    #[case(Some(0), None, "", F::ResultMissing)]
    #[case(Some(137), None, "", F::Crashed)]
    #[case(Some(137), None, "Invalid API key", F::Crashed)]
    #[case(None, Some(9), "", F::Crashed)]
    #[case(Some(1), None, "TypeError: undefined is not a function", F::Crashed)]
    fn an_ending_without_a_result_has_its_class(
        #[case] exit: Option<i32>,
        #[case] signal: Option<i32>,
        #[case] stderr_tail: &str,
        #[case] class: F,
    ) {
        assert_eq!(ending(&Ending { exit, signal, stderr_tail }), class);
    }

    #[rstest]
    #[case(Some(429), "rate_limit", F::RateLimited)]
    #[case(Some(529), "overloaded", F::Overloaded)]
    #[case(Some(401), "authentication_failed", F::LoginRequired)]
    #[case(Some(500), "server_error", F::ServerError)]
    #[case(None, "unknown", F::Connection)]
    fn a_retry_has_its_class(#[case] status: Option<i64>, #[case] word: &str, #[case] class: F) {
        assert_eq!(retry(status, word), class);
    }
}
