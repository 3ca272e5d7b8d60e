//! A scenario as a person writes it. This file is the reference of the format.
//!
//! ```yaml
//! name: link checker
//! pace_ms: 300                      # the wait before each answer; the server's pace scales it
//! acknowledge: "Noted: {{message}}" # said at the next answer when a person wrote a line; left out: not acknowledged
//! models: {some-model: {input_tokens: 900}}       # fixed usage; what is left out is derived from lengths
//! tasks:                            # the first whose `when` holds is played
//!   - when: {type: build_product, round: 1}       # also attempt, payload: {key: value}, product: {key: value}
//!     turns:
//!       - say: I start with the tests.
//!         tool: {name: Bash, input: {command: "sh ./test.sh"}}
//!       - result: {verdict: done, summary: "{{product.title}}: {{last_tool_result}}"}
//!     fail:                         # each is played `times` times for a task id, one after the other, then never again
//!       - {at_turn: 0, times: 2, status: 429, headers: {retry-after: "1"}, error: {message: Slow down}}
//!       - {at_turn: 1, cut_after_events: 2}
//! otherwise:                        # turns for what no script matches; left out: a clear error
//!   - say: Nothing is rehearsed for this.
//! ```
//!
//! In what is said, in inputs and results `{{path.to.value}}` stands for a value of the task block, `{{last_tool_result}}` for what the newest
//! tool printed; the grammar is in `template.rs`. Past the last turn the last `result` is handed in again.
//!
//! Here: the shapes. Not here: what makes sense together (that is `scenario.rs`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

/// The whole document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) pace_ms: Option<u64>,
    pub(super) acknowledge: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) models: BTreeMap<String, Usage>,
    #[serde(default)]
    pub(super) tasks: Vec<Spanned<Script>>,
    pub(super) otherwise: Option<Spanned<Vec<Spanned<Turn>>>>,
}

/// Usage numbers for one model name, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Usage {
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) cache_creation_input_tokens: Option<u64>,
    pub(super) cache_read_input_tokens: Option<u64>,
}

/// What is played for the tasks that `when` names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    #[serde(default)]
    pub(super) when: When,
    pub(super) turns: Vec<Spanned<Turn>>,
    #[serde(default)]
    pub(super) fail: Vec<Spanned<Failure>>,
}

/// Conditions on a task; what is left out holds for any.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    pub(super) r#type: Option<String>,
    pub(super) round: Option<u32>,
    pub(super) attempt: Option<u32>,
    /// Keys of the payload and the values they must equal.
    #[serde(default)]
    pub(super) payload: Map<String, Value>,
    /// Keys of the product and the values they must equal.
    #[serde(default)]
    pub(super) product: Map<String, Value>,
}

/// One answer of the model: something said, then tools or the result.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    pub(super) say: Option<String>,
    pub(super) tool: Option<Tool>,
    pub(super) tools: Option<Vec<Tool>>,
    pub(super) result: Option<Value>,
    /// The wait before this answer, in milliseconds, instead of the scenario's.
    pub(super) pace_ms: Option<u64>,
}

/// A call of one tool.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    pub(super) name: String,
    #[serde(default)]
    pub(super) input: Map<String, Value>,
}

/// A failure: exactly one of `status`, `cut_after_events`, `stall` and `garbage`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failure {
    /// The turn before which it is played, from 0.
    pub(super) at_turn: usize,
    /// How often; 1 if left out.
    pub(super) times: Option<u32>,
    /// An HTTP error status.
    pub(super) status: Option<u16>,
    /// Headers of the error.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Value>,
    /// The body of the error.
    pub(super) error: Option<ApiError>,
    /// The connection breaks after this many events of the answer.
    pub(super) cut_after_events: Option<usize>,
    /// Silence until the client goes away.
    #[serde(default)]
    pub(super) stall: bool,
    /// With `stall`: the silence begins after this many events; 0 if left out.
    pub(super) after_events: Option<usize>,
    /// A body that is no answer at all.
    #[serde(default)]
    pub(super) garbage: bool,
}

/// What an error says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiError {
    /// The provider's name of the kind of error; if left out, the one that goes with the status.
    pub(super) r#type: Option<String>,
    /// A sentence for a person.
    pub(super) message: Option<String>,
}
