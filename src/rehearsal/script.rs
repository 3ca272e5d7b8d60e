//! The choice of an answer: from a request and the scenario to what is played. Pure, but for the count of failures already played.
//!
//! Here: matching a script, and putting together what the other files work out. Not here: HTTP, time, events.

use std::time::Duration;

use super::answer::{Answer, Usage};
use super::compose::blocks;
use super::conversation::{Conversation, Task};
use super::error::ApiError;
use super::failures::{Played, due_failure};
use super::progress::Progress;
use super::request::MessagesRequest;
use super::scenario::{Fault, Scenario, Script};
use super::yaml::When;

/// The longest name of a model that is repeated to the client, in characters.
const MODEL_CHARS: usize = 200;

/// What is done with a request.
#[derive(Debug)]
pub(super) struct Chosen {
    /// The task that the request is about.
    pub(super) task: Option<Task>,
    /// The turn that is played, from 0.
    pub(super) turn: Option<usize>,
    /// How it is played.
    pub(super) play: Play,
}

/// How a request is answered.
#[derive(Debug)]
pub(super) enum Play {
    /// With an answer, perhaps not to its end.
    Answer { answer: Answer, wait: Duration, ending: Ending },
    /// With bytes that are no answer.
    Garbage,
    /// With an error.
    Error(ApiError),
}

/// How far an answer is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// To its end.
    Complete,
    /// Until the connection breaks, after so many events.
    Cut { after_events: usize },
    /// Until silence, after so many events.
    Stall { after_events: usize },
}

/// Chooses what to do with a request whose body was `body_bytes` long. `unique` tells the answer's ids from all others.
pub(super) fn choose(
    scenario: &Scenario,
    request: &MessagesRequest,
    body_bytes: usize,
    unique: &str,
    played: &mut Played,
) -> Chosen {
    let conversation = match Conversation::read(&request.messages) {
        Ok(conversation) => conversation,
        Err(error) => return Chosen { task: None, turn: None, play: Play::Error(ApiError::invalid(error.to_string())) },
    };
    let found = find_script(scenario, conversation.task.as_ref());
    let Some((number, script)) = found else {
        let play = Play::Error(ApiError::invalid(no_script(scenario, conversation.task.as_ref())));
        return Chosen { task: conversation.task, turn: None, play };
    };
    let offers_result_tool = request.offers_result_tool();
    let progress = Progress::read(&script.turns, &conversation.answers, offers_result_tool);
    let turn = progress.turn;
    let fault = due_failure(script, number, conversation.task.as_ref(), turn, played).map(|failure| failure.fault.clone());
    let ending = match fault {
        None => Ending::Complete,
        Some(Fault::Cut { after_events }) => Ending::Cut { after_events },
        Some(Fault::Stall { after_events }) => Ending::Stall { after_events },
        Some(Fault::Garbage) => return Chosen { task: conversation.task, turn: Some(turn), play: Play::Garbage },
        Some(Fault::Status { status, headers, kind, message }) => {
            let play = Play::Error(ApiError { status, headers, kind, message, rehearsed: true });
            return Chosen { task: conversation.task, turn: Some(turn), play };
        }
    };
    let play = match blocks(scenario, script, &conversation, &progress, offers_result_tool, unique) {
        Ok(blocks) => {
            let usage = Usage::derive(body_bytes, conversation.fresh_bytes, conversation.answers.is_empty(), &blocks);
            let usage = scenario.models.get(&request.model).map_or(usage, |fixed| usage.with_fixed(fixed));
            let model = request.model.chars().take(MODEL_CHARS).collect();
            let answer = Answer { id: format!("msg_rehearsal_{unique}"), model, blocks, usage };
            let wait = script.turns.get(turn).and_then(|turn| turn.pace).unwrap_or(scenario.pace);
            Play::Answer { answer, wait, ending }
        }
        Err(error) => {
            let task = conversation.task.as_ref().map_or("this conversation".to_owned(), |task| format!("task {}", task.id));
            Play::Error(ApiError::invalid(format!("scenario \"{}\", turn {turn}, {task}: {error}", scenario.name())))
        }
    };
    Chosen { task: conversation.task, turn: Some(turn), play }
}

/// The script for a task and its number; `otherwise` comes last.
fn find_script<'a>(scenario: &'a Scenario, task: Option<&Task>) -> Option<(usize, &'a Script)> {
    let matching = task.and_then(|task| scenario.scripts.iter().enumerate().find(|(_, script)| matches(&script.when, task)));
    matching.or_else(|| scenario.otherwise.as_ref().map(|script| (scenario.scripts.len(), script)))
}

fn matches(when: &When, task: &Task) -> bool {
    let has =
        |field: &str, key: &String, value: &serde_json::Value| task.json.get(field).and_then(|map| map.get(key)) == Some(value);
    when.r#type.as_ref().is_none_or(|kind| *kind == task.kind)
        && when.round.is_none_or(|round| round == task.round)
        && when.attempt.is_none_or(|attempt| attempt == task.attempt)
        && when.payload.iter().all(|(key, value)| has("payload", key, value))
        && when.product.iter().all(|(key, value)| has("product", key, value))
}

fn no_script(scenario: &Scenario, task: Option<&Task>) -> String {
    let name = scenario.name();
    match task {
        Some(Task { id, kind, attempt, round, .. }) => {
            let kind: String = kind.chars().take(100).collect();
            format!(
                "scenario \"{name}\" has no script for a task of type \"{kind}\" (task {id}, attempt {attempt}, round {round})"
            )
        }
        None => format!("scenario \"{name}\": no message of this conversation has a <task> block"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::answer::AnswerBlock;
    use super::super::request::RESULT_TOOL;
    use super::*;

    const SCENARIO: &str = r#"
name: choosing
acknowledge: "Noted: {{message}}"
models: {fixed-model: {input_tokens: 1, output_tokens: 2}}
tasks:
  - when: {type: build, round: 2}
    turns: [{say: "again, for {{feedback}}"}]
  - when: {type: build, payload: {size: 2}, product: {slug: big}}
    turns: [{say: by payload and product}]
  - when: {type: build}
    turns:
      - {say: "I build {{product.title}}.", tool: {name: Bash, input: {command: "make {{payload.size}}", size: "{{payload.size}}"}}}
      - result: {verdict: done, quote: "{{last_tool_result}}"}
    fail:
      - {at_turn: 0, times: 2, status: 529}
      - {at_turn: 0, cut_after_events: 3}
  - when: {type: bare}
    turns: [{result: "{{payload.result}}"}]
"#;

    fn request(task: &Value, more: &[Value], offers_result_tool: bool) -> MessagesRequest {
        let mut messages = vec![json!({"role": "user", "content": format!("<task>\n{task}\n</task>")})];
        messages.extend_from_slice(more);
        let tools = if offers_result_tool { json!([{"name": RESULT_TOOL}]) } else { json!([]) };
        let body = json!({"model": "m", "messages": messages, "tools": tools});
        MessagesRequest::parse(body.to_string().as_bytes()).unwrap()
    }

    fn play(request: &MessagesRequest, played: &mut Played) -> Chosen {
        choose(&Scenario::parse(SCENARIO).unwrap(), request, 400, "u", played)
    }

    /// What is answered when nothing fails.
    fn answer(request: &MessagesRequest) -> Value {
        let mut played = Played::default();
        for _ in 0..9 {
            if let Play::Answer { answer, ending: Ending::Complete, .. } = play(request, &mut played).play {
                return answer.to_json();
            }
        }
        panic!("no answer: {:?}", play(request, &mut played));
    }

    fn build() -> Value {
        json!({"id": 7, "type": "build", "payload": {"size": 2}, "product": {"title": "Links", "slug": "links"}})
    }

    fn tool_ran(id: &str) -> [Value; 2] {
        [
            json!({"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "Bash", "input": {}}]}),
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "3 passed"}]}),
        ]
    }

    #[test]
    fn a_turn_says_and_calls() {
        let answer = answer(&request(&build(), &[], true));
        let call =
            json!({"type": "tool_use", "id": "toolu_rehearsal_0_0_u", "name": "Bash", "input": {"command": "make 2", "size": 2}});
        assert_eq!(answer["content"], json!([{"type": "text", "text": "I build Links."}, call]));
        assert_eq!(answer["stop_reason"], "tool_use");
    }

    #[test]
    fn the_result_is_a_call_or_a_text_and_is_repeated_past_the_end() {
        let mut more = tool_ran("toolu_rehearsal_0_0_x").to_vec();
        let by_tool = answer(&request(&build(), &more, true));
        let result = json!({"verdict": "done", "quote": "3 passed"});
        let call = json!({"type": "tool_use", "id": "toolu_rehearsal_1_0_u", "name": RESULT_TOOL, "input": result});
        assert_eq!(by_tool["content"], json!([call]));
        let by_text = answer(&request(&build(), &more, false));
        assert_eq!((&by_text["content"][0]["text"], &by_text["stop_reason"]), (&json!(result.to_string()), &json!("end_turn")));
        more.push(json!({"role": "assistant", "content": [call]}));
        more.push(json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_rehearsal_1_0_u", "content": "does not match"}]}));
        let again = answer(&request(&build(), &more, true));
        assert_eq!((&again["content"][0]["id"], &again["content"][0]["input"]), (&json!("toolu_rehearsal_2_0_u"), &result));
    }

    #[test]
    fn a_person_is_acknowledged_once() {
        let mut more = tool_ran("toolu_rehearsal_0_0_x").to_vec();
        more.push(json!({"role": "user", "content": "Please hurry."}));
        let noted = answer(&request(&build(), &more, true));
        assert_eq!(noted["content"][0]["text"], "Noted: Please hurry.");
        assert_eq!(noted["content"][1]["name"], RESULT_TOOL, "the turn is played all the same");
        more.push(json!({"role": "assistant", "content": noted["content"]}));
        assert_eq!(answer(&request(&build(), &more, true))["content"][0]["type"], "tool_use");
    }

    #[test]
    fn the_first_script_that_holds_is_played() {
        let mut task = build();
        task["product"]["slug"] = json!("big");
        assert_eq!(answer(&request(&task, &[], true))["content"][0]["text"], "by payload and product");
        task["round"] = json!(2);
        assert_eq!(answer(&request(&task, &[], true))["content"][0]["text"], "again, for ");
    }

    #[test]
    fn failures_are_used_up_for_each_task() {
        let (mut played, request_of) = (Played::default(), |id: i64| {
            let mut task = build();
            task["id"] = json!(id);
            request(&task, &[], true)
        });
        let mut kinds = |id| match play(&request_of(id), &mut played).play {
            Play::Error(error) => error.kind,
            Play::Answer { ending, .. } => format!("{ending:?}"),
            Play::Garbage => "garbage".to_owned(),
        };
        let expected = ["overloaded_error", "overloaded_error", "Cut { after_events: 3 }", "Complete", "Complete"];
        assert_eq!([kinds(1), kinds(1), kinds(1), kinds(1), kinds(1)], expected);
        assert_eq!(kinds(2), "overloaded_error");
    }

    fn refusal(request: &MessagesRequest) -> String {
        match play(request, &mut Played::default()).play {
            Play::Error(error) => format!("{} {}: {}", error.status.as_u16(), error.kind, error.message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        insta::assert_snapshot!(refusal(&request(&json!({"id": 7, "type": "paint"}), &[], true)), @r#"400 invalid_request_error: scenario "choosing" has no script for a task of type "paint" (task 7, attempt 1, round 1)"#);
        insta::assert_snapshot!(refusal(&request(&json!({"type": "paint"}), &[], true)), @"400 invalid_request_error: the <task> block cannot be read: missing field `id`");
        insta::assert_snapshot!(refusal(&request(&json!({"id": 7, "type": "bare"}), &[], true)), @r#"400 invalid_request_error: scenario "choosing", turn 0, task 7: `{{payload.result}}` has no value"#);
        insta::assert_snapshot!(refusal(&request(&json!({"id": 7, "type": "bare", "payload": {"result": 3}}), &[], true)), @r#"400 invalid_request_error: scenario "choosing", turn 0, task 7: the template that stands for the `result` is no mapping here"#);
        let no_task = MessagesRequest::parse(br#"{"messages": [{"role": "user", "content": "hello"}]}"#).unwrap();
        insta::assert_snapshot!(refusal(&no_task), @r#"400 invalid_request_error: scenario "choosing": no message of this conversation has a <task> block"#);
    }

    #[test]
    fn otherwise_answers_what_no_script_does() {
        let scenario = Scenario::parse("{name: n, otherwise: [{say: not rehearsed}]}").unwrap();
        let no_task = MessagesRequest::parse(br#"{"messages": [{"role": "user", "content": "hello"}]}"#).unwrap();
        for request in [no_task, request(&build(), &[], true)] {
            let Play::Answer { answer, .. } = choose(&scenario, &request, 1, "u", &mut Played::default()).play else { panic!() };
            assert_eq!(answer.blocks, [AnswerBlock::Text("not rehearsed".to_owned())]);
        }
    }
}
