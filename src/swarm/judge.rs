//! Whether an attempt is done: its result keeps to the schema, its verdict does not contradict itself, its files are there, and the
//! checks that its type names were run. The model's word alone is never enough. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::steps;
use crate::domain::error::Error;
use crate::domain::failure::FailureClass;
use crate::domain::pipeline::words::{FAIL, FINDINGS, SUMMARY, VERDICT};
use crate::domain::pipeline::{Lookup, OnFailure, Pipeline, Step, TaskType, Tree, follow};
use crate::domain::report::{CheckReport, Complete};
use crate::domain::snapshot::Manifest;
use crate::domain::task::JSON_MAX_BYTES;
use crate::domain::{schema, text};
use crate::store::{ArtifactRow, ProductRow, TaskRow};

/// A result that counts.
pub(super) struct Accepted {
    pub result: Value,
    pub verdict: String,
    pub steps: Vec<Step>,
}

/// A result that does not, and what the next attempt should know.
pub(super) struct Refused {
    pub class: FailureClass,
    pub detail: String,
}

fn refuse(class: FailureClass) -> impl Fn(Error) -> Refused {
    move |error| {
        let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        Refused { class, detail: format!("{error}{hint}") }
    }
}

pub(super) fn judge(
    pipeline: &Pipeline,
    spec: &TaskType,
    task: &TaskRow,
    product: Option<&ProductRow>,
    complete: &Complete,
) -> Result<Accepted, Refused> {
    let missing = refuse(FailureClass::ResultMissing);
    let mut result = text::clean_json(complete.result.clone());
    let size = result.to_string().len();
    if size > JSON_MAX_BYTES {
        return Err(missing(
            Error::invalid("result", format!("{size} bytes are too many")).hint(format!("at most {JSON_MAX_BYTES}")),
        ));
    }
    schema::validate("result", &spec.result, &result).map_err(&missing)?;
    files(spec, &result, complete.manifest.as_ref())?;
    let failed = checks(spec, &complete.checks)?;
    if let Some((name, tail)) = failed {
        turn(spec, &mut result, name, tail);
        schema::validate("result", &spec.result, &result).map_err(&missing)?;
    }
    let verdict = spec.verdict_of(&result);
    let lookup = lookup(task, product, &[("result", result.clone())]);
    spec.check_verdict(&verdict, &lookup).map_err(&missing)?;
    let none = Vec::new();
    let actions = spec.on.get(&verdict).unwrap_or(&none);
    let steps = follow(actions, &lookup).map_err(&missing)?;
    let has_snapshot = spec.tree == Tree::Write || task.snapshot.is_some();
    steps::check(pipeline, &steps, product.is_some(), has_snapshot).map_err(&missing)?;
    Ok(Accepted { result, verdict, steps })
}

/// The model may have said `pass`; what was run says otherwise.
fn turn(spec: &TaskType, result: &mut Value, check: &str, tail: &str) {
    let Some(result) = result.as_object_mut() else { return };
    result.insert(VERDICT.to_owned(), json!(FAIL));
    if let Some(summary) = result.get_mut(SUMMARY) {
        *summary = json!(text::one_line(&format!("the check {check} failed when the worker ran it"), 400));
    }
    if let Some(findings) = result.get_mut(FINDINGS).and_then(Value::as_array_mut) {
        let most = spec.result.pointer(&format!("/properties/{FINDINGS}/maxItems")).and_then(Value::as_u64);
        let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        findings.truncate(most.saturating_sub(1));
        let tail: String = text::clean(tail).chars().take(1500).collect();
        findings.insert(0, json!({ "severity": "blocker", "where": check, "what": format!("the check failed:\n{tail}") }));
    }
}

/// Every file that was declared, and every one that the type must leave, is in the manifest.
fn files(spec: &TaskType, result: &Value, manifest: Option<&Manifest>) -> Result<(), Refused> {
    let missing = refuse(FailureClass::EvidenceMissing);
    let empty = Manifest::default();
    let manifest = match (spec.tree, manifest) {
        (Tree::Write, None) => return Err(missing(Error::invalid("snapshot", "the worker sent none"))),
        (_, manifest) => manifest.unwrap_or(&empty),
    };
    let Some(evidence) = &spec.evidence else { return Ok(()) };
    let declared = Lookup(json!({ "result": result })).get(&evidence.files);
    let declared = declared.as_array().into_iter().flatten().filter_map(Value::as_str);
    let declared = declared.map(|path| path.trim_start_matches("./").trim_start_matches("/workspace/"));
    for path in declared.chain(evidence.must_have.iter().map(String::as_str)) {
        if manifest.get(path).is_none() {
            return Err(missing(
                Error::invalid("files", format!("{:?} is not in /workspace", text::one_line(path, 200)))
                    .hint("a plain file must be there; naming it, or a link to it, is not enough"),
            ));
        }
    }
    Ok(())
}

/// Every check of the type was run. Answers with the first that failed and turns the verdict, if one did.
fn checks<'a>(spec: &'a TaskType, reports: &'a [CheckReport]) -> Result<Option<(&'a str, &'a str)>, Refused> {
    let by_name: BTreeMap<&str, &CheckReport> = reports.iter().map(|report| (report.name.as_str(), report)).collect();
    let mut turned = None;
    for check in &spec.checks {
        let Some(report) = by_name.get(check.name.as_str()) else {
            return Err(Refused {
                class: FailureClass::EvidenceMissing,
                detail: format!("the check {} was not run", check.name),
            });
        };
        if report.exit == Some(0) {
            continue;
        }
        match check.on_failure {
            OnFailure::FailVerdict => turned = turned.or(Some((check.name.as_str(), report.tail.as_str()))),
            OnFailure::Retry => {
                let how = report.exit.map_or("did not end by itself".to_owned(), |code| format!("exited with {code}"));
                let detail = format!("the check `{}` {how} when the worker ran it:\n{}", check.command.join(" "), report.tail);
                return Err(Refused { class: FailureClass::ChecksFailed, detail });
            }
        }
    }
    Ok(turned)
}

/// What `$…` in a pipeline is looked up in.
pub(super) fn lookup(task: &TaskRow, product: Option<&ProductRow>, more: &[(&str, Value)]) -> Lookup {
    let mut lookup = Lookup(json!({
        "payload": task.payload,
        "task": { "id": task.id, "type": task.kind, "round": task.round },
        "product": product.map(|product| json!({ "id": product.id, "slug": product.slug, "title": product.title, "idea": product.idea })),
    }));
    for (name, value) in more {
        lookup = lookup.with(name, value.clone());
    }
    lookup
}

/// The rows under which the logs of the checks are kept.
pub(super) fn logs(complete: &Complete, attempt: i64) -> Vec<ArtifactRow> {
    let row = |check: &CheckReport| ArtifactRow {
        attempt,
        name: format!("check:{}", text::one_line(&check.name, 60)),
        sha256: check.sha256.clone(),
        size: check.size,
    };
    complete.checks.iter().map(row).collect()
}
