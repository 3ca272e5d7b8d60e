//! A turn or a failure of a scenario, from the shape that a person wrote to the type that can be played.
//!
//! Here: what must hold within one turn or failure. Not here: the scenario as a whole (`scenario.rs`).

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use super::scenario::{Act, Failure, Fault, ScenarioError, ToolCall, Turn, wrong};
use super::template::{Place, Text, Tree, UnknownRoot};
use super::yaml;

/// Checks a list of turns; `list` is where it stands.
pub(super) fn turns(raw: &[Spanned<yaml::Turn>], list: Location) -> Result<Vec<Turn>, ScenarioError> {
    if raw.is_empty() {
        return Err(wrong(list, "there are no turns: write at least one"));
    }
    raw.iter().map(turn).collect()
}

fn turn(raw: &Spanned<yaml::Turn>) -> Result<Turn, ScenarioError> {
    let place = raw.referenced;
    let template = |error: UnknownRoot| wrong(place, error.to_string());
    let say = raw.value.say.as_ref().map(|text| Text::parse(text, Place::Turn).map_err(template)).transpose()?;
    let tools: Vec<&yaml::Tool> = match (&raw.value.tool, &raw.value.tools) {
        (Some(_), Some(_)) => return Err(wrong(place, "both `tool` and `tools`: list them all under `tools`")),
        (None, Some(tools)) if tools.is_empty() => return Err(wrong(place, "`tools` is empty")),
        (tool, tools) => tool.iter().chain(tools.iter().flatten()).collect(),
    };
    let act = match &raw.value.result {
        Some(_) if !tools.is_empty() => return Err(wrong(place, "a turn calls tools or hands in the result, not both")),
        Some(result) => {
            let tree = Tree::parse(result, Place::Turn).map_err(template)?;
            let fits = matches!(&tree, Tree::Map(_)) || matches!(&tree, Tree::Text(text) if text.is_one_template());
            if !fits {
                return Err(wrong(place, "`result` must be a mapping, or one template that stands for one"));
            }
            Act::Result(tree)
        }
        None if tools.is_empty() && say.is_none() => return Err(wrong(place, "a turn needs `say`, `tool`, `tools` or `result`")),
        None if tools.is_empty() => Act::Nothing,
        None => Act::Tools(tools.into_iter().map(|tool| tool_call(tool, place)).collect::<Result<_, _>>()?),
    };
    Ok(Turn { say, act, pace: raw.value.pace_ms.map(Duration::from_millis) })
}

fn tool_call(raw: &yaml::Tool, place: Location) -> Result<ToolCall, ScenarioError> {
    let input = Tree::parse(&Value::Object(raw.input.clone()), Place::Turn).map_err(|error| wrong(place, error.to_string()))?;
    Ok(ToolCall { name: raw.name.clone(), input })
}

/// Checks a failure of a script that has so many `turns`.
pub(super) fn failure(raw: &Spanned<yaml::Failure>, turns: usize) -> Result<Failure, ScenarioError> {
    let (failure, place) = (&raw.value, raw.referenced);
    if failure.at_turn >= turns {
        let message = format!("`at_turn: {}` is past the last turn, which is {}: they count from 0", failure.at_turn, turns - 1);
        return Err(wrong(place, message));
    }
    let times = failure.times.unwrap_or(1);
    if times == 0 {
        return Err(wrong(place, "`times: 0` is no failure: leave it out"));
    }
    let faults = [
        failure.status.map(|status| status_fault(failure, status, place)),
        failure.cut_after_events.map(|after_events| Ok(Fault::Cut { after_events })),
        failure.stall.then(|| Ok(Fault::Stall { after_events: failure.after_events.unwrap_or(0) })),
        failure.garbage.then_some(Ok(Fault::Garbage)),
    ];
    let mut faults = faults.into_iter().flatten();
    let (Some(fault), None) = (faults.next(), faults.next()) else {
        return Err(wrong(place, "a failure is exactly one of `status`, `cut_after_events`, `stall: true` and `garbage: true`"));
    };
    if failure.status.is_none() && (failure.error.is_some() || !failure.headers.is_empty()) {
        return Err(wrong(place, "`error` and `headers` belong to a `status`"));
    }
    if failure.after_events.is_some() && !failure.stall {
        return Err(wrong(place, "`after_events` belongs to `stall: true`"));
    }
    Ok(Failure { at_turn: failure.at_turn, times, fault: fault? })
}

fn status_fault(failure: &yaml::Failure, status: u16, place: Location) -> Result<Fault, ScenarioError> {
    let status = StatusCode::from_u16(status).ok().filter(|status| status.is_client_error() || status.is_server_error());
    let Some(status) = status else { return Err(wrong(place, "`status` must be an HTTP error, 400 to 599")) };
    let mut headers = HeaderMap::new();
    for (name, value) in &failure.headers {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(text).ok());
        let Some((name, value)) = header else { return Err(wrong(place, format!("`{name}` is no header with a value"))) };
        headers.insert(name, value);
    }
    let error = failure.error.as_ref();
    let kind = error.and_then(|error| error.r#type.clone()).unwrap_or_else(|| usual_kind(status).to_owned());
    let message = error.and_then(|error| error.message.clone()).unwrap_or_else(|| format!("A rehearsed failure ({status})."));
    Ok(Fault::Status { status, headers, kind, message })
}

/// The provider's name for the kind of error that a status stands for.
fn usual_kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Scenario;

    fn error(source: &str) -> String {
        Scenario::parse(source).unwrap_err().to_string()
    }

    fn turn_error(turn: &str) -> String {
        error(&format!("name: n\ntasks:\n  - turns:\n      - {{say: fine}}\n      - {turn}\n"))
    }

    #[test]
    fn a_turn_that_is_wrong_is_pointed_at() {
        insta::assert_snapshot!(turn_error("{}"), @"line 5, column 9: a turn needs `say`, `tool`, `tools` or `result`");
        insta::assert_snapshot!(turn_error("{sya: hi}"), @"line 5, column 10: unknown field `sya`, expected one of say, tool, tools, result, pace_ms");
        insta::assert_snapshot!(turn_error("{say: '{{produkt.title}}'}"), @r"line 5, column 9: `{{produkt.title}}` does not begin with one of id, type, attempt, round, payload, product, feedback, last_tool_result; write `\{{` for braces that are meant literally");
        insta::assert_snapshot!(turn_error("{tool: {name: A, input: {x: ['{{who}}']}}}"), @r"line 5, column 9: `{{who}}` does not begin with one of id, type, attempt, round, payload, product, feedback, last_tool_result; write `\{{` for braces that are meant literally");
        insta::assert_snapshot!(turn_error("{tool: {name: A}, tools: [{name: B}]}"), @"line 5, column 9: both `tool` and `tools`: list them all under `tools`");
        insta::assert_snapshot!(turn_error("{tools: []}"), @"line 5, column 9: `tools` is empty");
        insta::assert_snapshot!(turn_error("{tool: {name: A}, result: {}}"), @"line 5, column 9: a turn calls tools or hands in the result, not both");
        insta::assert_snapshot!(turn_error("{result: done}"), @"line 5, column 9: `result` must be a mapping, or one template that stands for one");
        insta::assert_snapshot!(turn_error("{say: [a]}"), @"line 5, column 15: expected string scalar");
    }

    fn failure_error(failure: &str) -> String {
        error(&format!("name: n\ntasks:\n  - turns: [{{say: fine}}]\n    fail:\n      - {failure}\n"))
    }

    #[test]
    fn a_failure_that_is_wrong_is_pointed_at() {
        insta::assert_snapshot!(failure_error("{at_turn: 1, garbage: true}"), @"line 5, column 9: `at_turn: 1` is past the last turn, which is 0: they count from 0");
        insta::assert_snapshot!(failure_error("{at_turn: 0}"), @"line 5, column 9: a failure is exactly one of `status`, `cut_after_events`, `stall: true` and `garbage: true`");
        insta::assert_snapshot!(failure_error("{at_turn: 0, status: 429, stall: true}"), @"line 5, column 9: a failure is exactly one of `status`, `cut_after_events`, `stall: true` and `garbage: true`");
        insta::assert_snapshot!(failure_error("{at_turn: 0, status: 200}"), @"line 5, column 9: `status` must be an HTTP error, 400 to 599");
        insta::assert_snapshot!(failure_error("{at_turn: 0, status: 429, headers: {'a b': c}}"), @"line 5, column 9: `a b` is no header with a value");
        insta::assert_snapshot!(failure_error("{at_turn: 0, garbage: true, headers: {a: c}}"), @"line 5, column 9: `error` and `headers` belong to a `status`");
        insta::assert_snapshot!(failure_error("{at_turn: 0, garbage: true, after_events: 1}"), @"line 5, column 9: `after_events` belongs to `stall: true`");
        insta::assert_snapshot!(failure_error("{at_turn: 0, times: 0, garbage: true}"), @"line 5, column 9: `times: 0` is no failure: leave it out");
    }
}
