//! What can be wrong with a pipeline beside its shape: numbers out of range, names that lead nowhere, publishing without a yes, and words
//! missing that the code needs. Only the pipeline itself is looked at.

use serde_json::{Value, json};

use super::words::{
    APPROVAL, CONTINUE, DIRECTIVE, FAIL, ORDER, POSTS, PUBLISH, QUESTION, RESPOND_TO_HUMAN, SUMMARY, URL, WRITE_SPEC,
};
use super::{Action, ApprovalSpec, Creation, Executor, OnFailure, Pipeline, TaskType};
use crate::domain::schema;

/// What is wrong with a daemon's task that no person's yes leads to.
const UNAPPROVED: &str = "would be done by the daemon without a person's yes";

impl Pipeline {
    /// What is wrong with it, as (path of the field, what, remedy); empty when nothing is.
    pub fn problems(&self) -> Vec<(String, String, String)> {
        let mut search = Search { pipeline: self, found: Vec::new() };
        if self.version != 1 {
            search.say("version", format!("format {} is not known", self.version), "write `version: 1`");
        }
        if self.max_rounds == 0 {
            search.say("max_rounds", "0 would ask a person before the first fix", "write 1 or more");
        }
        for (name, spec) in &self.types {
            search.task_type(name, spec);
        }
        for (kind, spec) in &self.approvals {
            search.approval(kind, spec);
        }
        search.words();
        search.found
    }
}

struct Search<'a> {
    pipeline: &'a Pipeline,
    found: Vec<(String, String, String)>,
}

impl Search<'_> {
    fn say(&mut self, path: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) {
        self.found.push((path.into(), what.into(), remedy.into()));
    }

    fn task_type(&mut self, name: &str, spec: &TaskType) {
        let at = |field: &str| format!("types.{name}.{field}");
        self.priority(at("priority"), spec.priority);
        if !(spec.budget_usd > 0.0 && spec.budget_usd <= 10_000.0) {
            self.say(at("budget_usd"), format!("{} is not a budget", spec.budget_usd), "a number of US dollars above 0");
        }
        for (field, value) in [("timeout_minutes", spec.timeout_minutes), ("attempts", spec.attempts)] {
            if value == 0 {
                self.say(at(field), "0 would allow nothing", "write 1 or more");
            }
        }
        for (field, value) in [("payload", &spec.payload), ("result", &spec.result)] {
            if let Err(error) = schema::check(value) {
                let remedy = "see json-schema.org/understanding-json-schema";
                self.say(at(field), format!("is no JSON Schema: {error}"), remedy);
            }
        }
        if spec.executor == Executor::Daemon {
            self.daemons_type(name, spec);
        }
        let verdicts = spec.verdicts();
        self.checks(name, spec, &verdicts);
        for verdict in spec.on.keys().chain(spec.requires.keys()) {
            if !verdicts.contains(verdict) {
                let remedy = format!("one of: {}", verdicts.join(", "));
                self.say(at("on"), format!("{verdict:?} is no verdict of this type"), remedy);
            }
        }
        for (verdict, actions) in &spec.on {
            for (i, action) in actions.iter().enumerate() {
                let at = at(&format!("on.{verdict}[{i}]"));
                self.action(&at, action);
                if self.pipeline.publishes(action) {
                    self.say(format!("{at}.create"), UNAPPROVED, "create it in the `approve` of an approval");
                }
            }
        }
    }

    /// The daemon reads which approval allows a publication, and answers with where it is.
    fn daemons_type(&mut self, name: &str, spec: &TaskType) {
        let needed = spec.payload.get("required").and_then(Value::as_array).into_iter().flatten();
        if property(&spec.payload, APPROVAL).is_none() || !needed.clone().any(|field| field == APPROVAL) {
            let what = format!("does not require `{APPROVAL}`, by which the daemon knows what it may publish");
            self.say(
                format!("types.{name}.payload"),
                what,
                format!("write `required: [{APPROVAL}]`, and an integer of that name"),
            );
        }
        if schema::check(&spec.result).is_ok()
            && schema::validate("", &spec.result, &json!({ URL: "https://shop.example/a" })).is_err()
        {
            let what = format!("`{URL}` alone does not satisfy it, and is all that the daemon answers");
            self.say(format!("types.{name}.result"), what, format!("write `required: [{URL}]`, and a string of that name"));
        }
    }

    fn checks(&mut self, name: &str, spec: &TaskType, verdicts: &[String]) {
        for check in &spec.checks {
            let at = |field: &str| format!("types.{name}.checks.{}.{field}", check.name);
            if check.command.is_empty() {
                self.say(at("command"), "is empty", "name a program and its arguments");
            }
            if check.on_failure == OnFailure::FailVerdict && !verdicts.iter().any(|verdict| verdict == FAIL) {
                self.say(at("on_failure"), format!("the type has no verdict `{FAIL}`"), "write `on_failure: retry`");
            }
        }
    }

    fn approval(&mut self, kind: &str, spec: &ApprovalSpec) {
        for (field, actions) in [("approve", &spec.approve), ("reject", &spec.reject)] {
            for (i, action) in actions.iter().enumerate() {
                self.action(&format!("approvals.{kind}.{field}[{i}]"), action);
            }
        }
        if spec.reject.iter().any(|action| self.pipeline.publishes(action)) {
            self.say(format!("approvals.{kind}.reject"), UNAPPROVED, "create it in `approve`");
        }
        let mut publications = 0;
        for (i, action) in spec.approve.iter().enumerate() {
            let Action::Create(Creation { for_each, payload, .. }) = action else { continue };
            if !self.pipeline.publishes(action) {
                continue;
            }
            publications += if for_each.is_some() { 2 } else { 1 };
            if payload.as_ref().and_then(|payload| payload.get(APPROVAL)) != Some(&json!("$approval.id")) {
                let remedy = format!("write `payload: {{{APPROVAL}: $approval.id}}`");
                self.say(format!("approvals.{kind}.approve[{i}].payload"), "does not name the approval that allows it", remedy);
            }
        }
        if publications > 1 {
            let what = "one decision would publish more than once";
            self.say(format!("approvals.{kind}.approve"), what, "create one task of the daemon's, without `for_each`");
        }
    }

    fn action(&mut self, at: &str, action: &Action) {
        match action {
            Action::Create(Creation { kind, payload, priority, next_round, .. }) => {
                if !self.pipeline.types.contains_key(kind) {
                    self.say(format!("{at}.create"), format!("there is no type {kind:?}"), "name a key of `types`");
                }
                if let Some(priority) = priority {
                    self.priority(format!("{at}.priority"), *priority);
                }
                // A payload that is looked up as a whole is not known here.
                let looked_up = payload.as_ref().is_some_and(Value::is_string);
                if *next_round && !looked_up && payload.as_ref().is_none_or(|payload| payload.get(SUMMARY).is_none()) {
                    let what = format!("has no `{SUMMARY}`, which a person is shown who is asked for another round");
                    self.say(format!("{at}.payload"), what, format!("write `{SUMMARY}: $result.{SUMMARY}` or the like"));
                }
            }
            Action::AskPerson { kind, terms } => match self.pipeline.approvals.get(kind) {
                None => {
                    self.say(format!("{at}.ask_person"), format!("there is no approval {kind:?}"), "name a key of `approvals`")
                }
                Some(spec) => {
                    let outward = kind != PUBLISH && spec.approve.iter().any(|action| self.pipeline.publishes(action));
                    if outward && terms.as_ref().is_none_or(|terms| terms.get(POSTS).is_none()) {
                        let what = format!("has no `{POSTS}`, all that an approval other than `{PUBLISH}` puts on an outlet");
                        self.say(format!("{at}.terms"), what, format!("write `{POSTS}: $result.{POSTS}` or the like"));
                    }
                }
            },
            Action::StartProduct { .. } | Action::ShelveProduct { .. } => {}
        }
    }

    /// What people and the code call by name is there.
    fn words(&mut self) {
        let types = [
            (WRITE_SPEC, None, "roles that take it are given the outline of a specification"),
            (RESPOND_TO_HUMAN, Some(QUESTION), "`claude-swarm ask` creates such tasks"),
            (DIRECTIVE, Some(ORDER), "`claude-swarm order` creates such tasks"),
        ];
        for (name, field, why) in types {
            let Some(spec) = self.pipeline.types.get(name) else {
                self.say("types", format!("`{name}` is missing"), format!("keep this name: {why}"));
                continue;
            };
            let Some(field) = field.filter(|_| schema::check(&spec.payload).is_ok()) else { continue };
            if schema::validate("", &spec.payload, &json!({ field: "What was sold this week?" })).is_err() {
                let what = format!("`{field}` alone does not satisfy it");
                self.say(format!("types.{name}.payload"), what, format!("{why}, with a text of that name and nothing else"));
            }
        }
        let approvals = [
            (CONTINUE, "it is asked when a product is past max_rounds"),
            (PUBLISH, "only what it allows puts the product itself on an outlet"),
        ];
        for (kind, why) in approvals {
            if !self.pipeline.approvals.contains_key(kind) {
                self.say("approvals", format!("`{kind}` is missing"), format!("keep this name: {why}"));
            }
        }
    }

    fn priority(&mut self, at: String, priority: i64) {
        if !(1..=10).contains(&priority) {
            self.say(at, format!("{priority} is out of range"), "1 to 10, 10 first");
        }
    }
}

/// What a schema says about a property.
fn property<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema.get("properties")?.get(name)
}
