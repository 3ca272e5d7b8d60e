//! The shape of `pipeline.yaml`, and the checks that need only the file itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::schema;

/// A whole pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Of this format. Only 1 exists.
    pub version: u32,
    /// How often review and test may send a product back before a person is asked.
    pub max_rounds: u32,
    /// The types of task, by name.
    pub types: BTreeMap<String, TaskType>,
    /// What follows a person's decision, by kind of approval.
    pub approvals: BTreeMap<String, ApprovalSpec>,
}

/// Who does a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executor {
    /// An agent, with a model.
    #[default]
    Agent,
    /// The daemon, without.
    Daemon,
}

/// What a task finds in its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tree {
    /// An empty folder.
    #[default]
    None,
    /// The product's own tree; its changes stay, and become the product's next snapshot.
    Write,
    /// A throw-away copy of the product's last snapshot.
    Snapshot,
}

/// One type of task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskType {
    /// What it is, for people; one line.
    pub summary: String,
    /// Who does it.
    #[serde(default)]
    pub executor: Executor,
    /// What it works on.
    #[serde(default)]
    pub tree: Tree,
    /// Used where a task names none, 1–10, 10 first.
    pub priority: i64,
    /// The most one attempt may cost, in US dollars.
    #[serde(default = "one_dollar")]
    pub budget_usd: f64,
    /// The longest one attempt may take, in minutes.
    #[serde(default = "half_an_hour")]
    pub timeout_minutes: u32,
    /// How many attempts may come to nothing.
    #[serde(default = "three")]
    pub attempts: u32,
    /// JSON Schema of the payload.
    pub payload: Value,
    /// JSON Schema of the result.
    pub result: Value,
    /// Which files must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What the worker runs itself.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// By verdict: what must hold in the result for it to count.
    #[serde(default)]
    pub requires: BTreeMap<String, BTreeMap<String, Value>>,
    /// By verdict: what follows.
    #[serde(default)]
    pub on: BTreeMap<String, Vec<Action>>,
}

/// What is wrong with a daemon's task that no person's yes leads to.
const UNAPPROVED: &str = "would be done by the daemon without a person's yes";

fn one_dollar() -> f64 {
    1.0
}

fn half_an_hour() -> u32 {
    30
}

fn three() -> u32 {
    3
}

fn ten() -> u32 {
    10
}

/// Files that must exist in the workspace before a task may be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Where in the result the declared files are listed (`$result.files`).
    pub files: String,
    /// Files that this type must always leave.
    #[serde(default)]
    pub must_have: Vec<String>,
}

/// What a failed check means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The attempt failed, and the next one is told why.
    #[default]
    Retry,
    /// The task is done with the verdict `fail`, whatever the model said.
    FailVerdict,
}

/// A command that the worker runs in the sandbox, without network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What it is called.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// How long it may take, in minutes.
    #[serde(default = "ten")]
    pub timeout_minutes: u32,
    /// What a failure means.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// What follows a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalSpec {
    /// What the person is asked.
    pub question: String,
    /// What follows a yes.
    #[serde(default)]
    pub approve: Vec<Action>,
    /// What follows a no; `$reason` is the person's.
    #[serde(default)]
    pub reject: Vec<Action>,
}

/// One thing that follows. Exactly one of `create`, `ask_person`, `start_product` and `shelve_product` is given.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Create a task of this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<String>,
    /// Ask a person, with an approval of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_person: Option<String>,
    /// Begin a product: `title` and `idea`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_product: Option<BTreeMap<String, Value>>,
    /// Give the product up, for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelve_product: Option<String>,
    /// With `create`: once for every item of this list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<String>,
    /// With `create`: the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// With `create`: the priority, if not the type's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// With `create`: a key that makes a second creation the same task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup: Option<String>,
    /// With `create`: it opens the product's next round of the bounded loop.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub next_round: bool,
    /// With `ask_person`: what else is agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Value>,
}

impl Pipeline {
    /// The type of this name.
    ///
    /// # Errors
    /// `Invalid`, with the names that exist.
    pub fn task_type(&self, name: &str) -> Result<&TaskType, crate::domain::error::Error> {
        self.types.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.types.keys().map(String::as_str).collect();
            crate::domain::error::Error::invalid(
                "type",
                format!("there is no task type {:?}", crate::domain::text::one_line(name, 60)),
            )
            .hint(format!("one of: {}", known.join(", ")))
        })
    }

    /// What is wrong with the file, as (path of the field, what, remedy); empty when nothing is.
    pub fn problems(&self) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        let mut say = |path: String, what: String, remedy: &str| found.push((path, what, remedy.to_owned()));
        if self.version != 1 {
            say("version".into(), format!("format {} is not known", self.version), "write `version: 1`");
        }
        if self.max_rounds == 0 {
            say("max_rounds".into(), "0 would ask a person before the first fix".into(), "write 1 or more");
        }
        for (name, spec) in &self.types {
            let at = |field: &str| format!("types.{name}.{field}");
            if !(1..=10).contains(&spec.priority) {
                say(at("priority"), format!("{} is out of range", spec.priority), "1 to 10, 10 first");
            }
            if !(spec.budget_usd > 0.0 && spec.budget_usd <= 10_000.0) {
                say(at("budget_usd"), format!("{} is not a budget", spec.budget_usd), "a number of US dollars above 0");
            }
            for (field, value) in [("timeout_minutes", spec.timeout_minutes), ("attempts", spec.attempts)] {
                if value == 0 {
                    say(at(field), "0 would allow nothing".into(), "write 1 or more");
                }
            }
            for (field, value) in [("payload", &spec.payload), ("result", &spec.result)] {
                if let Err(error) = schema::check(value) {
                    say(at(field), format!("is no JSON Schema: {error}"), "see json-schema.org/understanding-json-schema");
                }
            }
            let verdicts = spec.verdicts();
            for check in &spec.checks {
                let at = |field: &str| at(&format!("checks.{}.{field}", check.name));
                if check.command.is_empty() {
                    say(at("command"), "is empty".into(), "name a program and its arguments");
                }
                if check.on_failure == OnFailure::FailVerdict && !verdicts.iter().any(|verdict| verdict == "fail") {
                    say(at("on_failure"), "the type has no verdict `fail`".into(), "write `on_failure: retry`");
                }
            }
            for verdict in spec.on.keys().chain(spec.requires.keys()) {
                if !verdicts.contains(verdict) {
                    let remedy = format!("one of: {}", verdicts.join(", "));
                    say(at("on"), format!("{verdict:?} is no verdict of this type"), &remedy);
                }
            }
            for (verdict, actions) in &spec.on {
                for (i, action) in actions.iter().enumerate() {
                    let at = at(&format!("on.{verdict}[{i}]"));
                    self.check_action(&at, action, &mut say);
                    if self.is_daemons(action) {
                        say(format!("{at}.create"), UNAPPROVED.into(), "create it in the `approve` of an approval");
                    }
                }
            }
        }
        for (kind, spec) in &self.approvals {
            for (field, actions) in [("approve", &spec.approve), ("reject", &spec.reject)] {
                for (i, action) in actions.iter().enumerate() {
                    self.check_action(&format!("approvals.{kind}.{field}[{i}]"), action, &mut say);
                }
            }
            if spec.reject.iter().any(|action| self.is_daemons(action)) {
                say(format!("approvals.{kind}.reject"), UNAPPROVED.into(), "create it in `approve`");
            }
            let outward = spec.approve.iter().filter(|action| self.is_daemons(action));
            if outward.clone().count() > 1 || outward.clone().any(|action| action.for_each.is_some()) {
                let what = "one decision would publish more than once";
                say(format!("approvals.{kind}.approve"), what.into(), "create one task of the daemon's, without `for_each`");
            }
        }
        if !self.approvals.contains_key("continue") {
            say("approvals".into(), "`continue` is missing".into(), "it is asked when a product is past max_rounds");
        }
        found
    }

    /// Whether an action makes the daemon put something on an outlet.
    fn is_daemons(&self, action: &Action) -> bool {
        let created = action.create.as_ref().and_then(|kind| self.types.get(kind));
        created.is_some_and(|spec| spec.executor == Executor::Daemon)
    }

    fn check_action(&self, at: &str, action: &Action, say: &mut impl FnMut(String, String, &str)) {
        let named = [
            action.create.is_some(),
            action.ask_person.is_some(),
            action.start_product.is_some(),
            action.shelve_product.is_some(),
        ];
        if named.into_iter().filter(|named| *named).count() != 1 {
            let remedy = "give exactly one of create, ask_person, start_product, shelve_product";
            say(at.to_owned(), "does not say one thing to do".into(), remedy);
        }
        if let Some(created) = &action.create
            && !self.types.contains_key(created)
        {
            say(format!("{at}.create"), format!("there is no type {created:?}"), "name a key of `types`");
        }
        if let Some(kind) = &action.ask_person
            && !self.approvals.contains_key(kind)
        {
            say(format!("{at}.ask_person"), format!("there is no approval {kind:?}"), "name a key of `approvals`");
        }
        if let Some(priority) = action.priority
            && !(1..=10).contains(&priority)
        {
            say(format!("{at}.priority"), format!("{priority} is out of range"), "1 to 10, 10 first");
        }
    }
}

impl TaskType {
    /// The verdicts that a result of this type may carry; `done` for a type without.
    pub fn verdicts(&self) -> Vec<String> {
        let listed = self.result.pointer("/properties/verdict/enum").and_then(Value::as_array);
        match listed {
            Some(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => vec!["done".to_owned()],
        }
    }

    /// The verdict of a result.
    pub fn verdict_of(&self, result: &Value) -> String {
        result.get("verdict").and_then(Value::as_str).unwrap_or("done").to_owned()
    }
}
