//! A scenario that was checked: everything that can be known to be wrong before the first request is an error here.
//!
//! Here: the checked types, and the document as a whole. Not here: the checks of a single turn or failure (`checks.rs`), playing them
//! (`script.rs`).

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use serde_saphyr::{Location, Spanned};

use super::template::{Place, Text, Tree};
use super::{checks, yaml};

/// The wait before an answer when a scenario does not say.
const DEFAULT_PACE: Duration = Duration::from_millis(300);

/// What the server answers to which task, read and checked.
#[derive(Debug)]
pub struct Scenario {
    name: String,
    pub(super) pace: Duration,
    pub(super) acknowledge: Option<Text>,
    pub(super) models: BTreeMap<String, yaml::Usage>,
    pub(super) scripts: Vec<Script>,
    /// Turns for what no script matches.
    pub(super) otherwise: Option<Script>,
}

/// Why a text is no scenario, and where. Lines and columns count from 1; what is wrong with the whole is wrong at its beginning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ScenarioError {
    /// The line of the place that is wrong.
    pub line: u64,
    /// The column of the place that is wrong, in characters.
    pub column: u64,
    /// What is wrong there, without the place.
    pub message: String,
}

/// The answers to one kind of task.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) when: yaml::When,
    /// Never empty.
    pub(super) turns: Vec<Turn>,
    pub(super) failures: Vec<Failure>,
}

/// One answer.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) say: Option<Text>,
    pub(super) act: Act,
    pub(super) pace: Option<Duration>,
}

/// What an answer does besides talking.
#[derive(Debug)]
pub(super) enum Act {
    /// Nothing: the answer ends the conversation for now.
    Nothing,
    /// Calls tools; never empty.
    Tools(Vec<ToolCall>),
    /// Hands in the result.
    Result(Tree),
}

/// A call of one tool.
#[derive(Debug)]
pub(super) struct ToolCall {
    pub(super) name: String,
    pub(super) input: Tree,
}

/// A failure that is played a few times before the turn.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) at_turn: usize,
    pub(super) times: u32,
    pub(super) fault: Fault,
}

/// How an answer fails.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// An HTTP error instead of an answer.
    Status { status: StatusCode, headers: HeaderMap, kind: String, message: String },
    /// The connection breaks after so many events.
    Cut { after_events: usize },
    /// Silence after so many events.
    Stall { after_events: usize },
    /// Bytes that are no answer.
    Garbage,
}

impl Scenario {
    /// Reads and checks a scenario in YAML. The format is described in `rehearsal/yaml.rs`.
    ///
    /// # Errors
    /// The first thing that is wrong with its line and column: YAML that is none, an unknown key, a turn that does nothing, a failure at a
    /// turn that does not exist, a template that cannot have a value, a script that an earlier one hides.
    pub fn parse(source: &str) -> Result<Self, ScenarioError> {
        // `yes` and `on` are words here: they stand in files and commands that the scenario writes.
        let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
        let raw: yaml::Scenario = serde_saphyr::from_str_with_options(source, options).map_err(|error| syntax(&error))?;
        let scripts = raw.tasks.iter().map(script).collect::<Result<Vec<_>, _>>()?;
        for (at, later) in scripts.iter().enumerate() {
            if let Some(hiding) = scripts[..at].iter().position(|earlier| hides(&earlier.when, &later.when)) {
                let line = raw.tasks[hiding].referenced.line();
                return Err(wrong(raw.tasks[at].referenced, format!("never played: the script in line {line} matches first")));
            }
        }
        let otherwise = raw.otherwise.as_ref().map(|list| {
            let turns = checks::turns(&list.value, list.referenced)?;
            Ok(Script { when: yaml::When::default(), turns, failures: Vec::new() })
        });
        let otherwise = otherwise.transpose()?;
        if scripts.is_empty() && otherwise.is_none() {
            return Err(wrong(Location::UNKNOWN, "neither `tasks` nor `otherwise`: nothing could be answered"));
        }
        let acknowledge = raw.acknowledge.as_ref().map(|text| {
            Text::parse(&text.value, Place::Acknowledgement).map_err(|error| wrong(text.referenced, error.to_string()))
        });
        Ok(Self {
            name: raw.name,
            pace: raw.pace_ms.map_or(DEFAULT_PACE, Duration::from_millis),
            acknowledge: acknowledge.transpose()?,
            models: raw.models,
            scripts,
            otherwise,
        })
    }

    /// The name that the scenario gives itself.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Turn {
    /// How many tool calls this turn's answer holds; a result is a call only if the request `offers_result_tool`.
    pub(super) fn calls(&self, offers_result_tool: bool) -> usize {
        match &self.act {
            Act::Nothing => 0,
            Act::Tools(tools) => tools.len(),
            Act::Result(_) => usize::from(offers_result_tool),
        }
    }
}

fn script(raw: &Spanned<yaml::Script>) -> Result<Script, ScenarioError> {
    let turns = checks::turns(&raw.value.turns, raw.referenced)?;
    let failures = raw.value.fail.iter().map(|failure| checks::failure(failure, turns.len())).collect::<Result<_, _>>()?;
    Ok(Script { when: raw.value.when.clone(), turns, failures })
}

/// Whether everything that `later` matches is matched by `earlier` already.
fn hides(earlier: &yaml::When, later: &yaml::When) -> bool {
    fn same<T: PartialEq>(earlier: Option<&T>, later: Option<&T>) -> bool {
        earlier.is_none() || earlier == later
    }
    same(earlier.r#type.as_ref(), later.r#type.as_ref())
        && same(earlier.round.as_ref(), later.round.as_ref())
        && same(earlier.attempt.as_ref(), later.attempt.as_ref())
        && earlier.payload.iter().all(|(key, value)| later.payload.get(key) == Some(value))
        && earlier.product.iter().all(|(key, value)| later.product.get(key) == Some(value))
}

pub(super) fn wrong(place: Location, message: impl Into<String>) -> ScenarioError {
    // A place that is not known is the whole document, which begins at 1.
    ScenarioError { line: place.line().max(1), column: place.column().max(1), message: message.into() }
}

fn syntax(error: &serde_saphyr::Error) -> ScenarioError {
    let place = error.location().unwrap_or(Location::UNKNOWN);
    let message = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let said_already = format!(" at line {}, column {}", place.line(), place.column());
    wrong(place, message.trim_end_matches(&said_already))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_scenario_is_read() {
        let scenario = Scenario::parse(
            r#"
name: everything
pace_ms: 20
acknowledge: "Noted: {{message}}"
models: {some-model: {output_tokens: 5}}
tasks:
  - when: {type: build_product, round: 1, attempt: 1, payload: {size: 2}, product: {slug: a}}
    turns:
      - {say: hi, tool: {name: Bash, input: {command: "yes | head", flag: on, n: 3, real: true}}, pace_ms: 0}
      - tools: [{name: A}, {name: B}]
      - result: "{{payload.result}}"
    fail:
      - {at_turn: 0, times: 2, status: 429, headers: {retry-after: 1}, error: {message: slow}}
      - {at_turn: 0, status: 529}
      - {at_turn: 1, cut_after_events: 2}
      - {at_turn: 1, stall: true, after_events: 3}
      - {at_turn: 2, garbage: true}
otherwise:
  - say: nothing rehearsed
"#,
        )
        .unwrap();
        assert_eq!((scenario.name(), scenario.pace), ("everything", Duration::from_millis(20)));
        let script = &scenario.scripts[0];
        let calls = |offered| script.turns.iter().map(|turn| turn.calls(offered)).collect::<Vec<_>>();
        assert_eq!((calls(true), calls(false)), (vec![1, 2, 1], vec![1, 2, 0]));
        let Act::Tools(tools) = &script.turns[0].act else { panic!("{script:?}") };
        let input =
            Tree::parse(&serde_json::json!({"command": "yes | head", "flag": "on", "n": 3, "real": true}), Place::Turn).unwrap();
        assert_eq!(tools[0].input, input, "words such as `on` stay words");
        let Fault::Status { status, headers, kind, message } = &script.failures[0].fault else { panic!("{script:?}") };
        assert_eq!((status.as_u16(), kind.as_str(), message.as_str()), (429, "rate_limit_error", "slow"));
        assert_eq!(headers["retry-after"], "1");
        let Fault::Status { kind, .. } = &script.failures[1].fault else { panic!("{script:?}") };
        assert_eq!((kind.as_str(), script.failures[0].times, script.failures[1].times), ("overloaded_error", 2, 1));
        assert_eq!(scenario.otherwise.unwrap().turns.len(), 1);
    }

    fn error(source: &str) -> String {
        Scenario::parse(source).unwrap_err().to_string()
    }

    #[test]
    fn a_document_that_is_wrong_is_pointed_at() {
        insta::assert_snapshot!(error(""), @"line 1, column 1: unexpected end of file");
        insta::assert_snapshot!(error("name: n"), @"line 1, column 1: neither `tasks` nor `otherwise`: nothing could be answered");
        insta::assert_snapshot!(error("name: n\nname: m"), @"line 2, column 1: duplicate mapping key: name not allowed here");
        insta::assert_snapshot!(error("name: n\ntasks: [}"), @"line 2, column 8: mismatched bracket '[' closed by '}'");
        insta::assert_snapshot!(error("name: n\ntasks:\n  - when: {type: a}\n    turns: []\n"), @"line 3, column 5: there are no turns: write at least one");
        insta::assert_snapshot!(error("name: n\nacknowledge: 'x {{m}}'\notherwise: [{say: a}]"), @r"line 2, column 14: `{{m}}` does not begin with one of id, type, attempt, round, payload, product, feedback, last_tool_result, message; write `\{{` for braces that are meant literally");
        let hidden = "name: n\ntasks:\n  - when: {type: a}\n    turns: [{say: a}]\n  - when: {type: a, payload: {k: 1}}\n    turns: [{say: b}]\n";
        insta::assert_snapshot!(error(hidden), @"line 5, column 5: never played: the script in line 3 matches first");
    }

    #[test]
    fn a_narrower_script_first_hides_nothing() {
        let source = "{name: n, tasks: [{when: {type: a, round: 2}, turns: [{say: b}]}, {when: {type: a}, turns: [{say: a}]}]}";
        assert_eq!(Scenario::parse(source).unwrap().scripts.len(), 2);
    }
}
