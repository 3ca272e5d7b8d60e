//! `config/pipeline.yaml`: read into the domain's type, with a line for every problem.
//!
//! Not here: the shape and its rules (`domain::pipeline`).

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::yaml::{Node, Refusal, Report, Section, Value, whole};
use crate::domain::approval::canonical;
use crate::domain::pipeline::Pipeline;

/// A pipeline, and the text that a product pins.
#[derive(Debug, Clone, PartialEq)]
pub struct PinnedPipeline {
    /// What it says.
    pub pipeline: Pipeline,
    /// The same as canonical JSON: sorted keys, no spaces, aliases resolved. It reads back as the same pipeline.
    pub json: String,
    /// SHA-256 of `json`, in hex.
    pub sha256: String,
}

impl PinnedPipeline {
    /// Pins a pipeline.
    pub fn new(pipeline: Pipeline) -> Self {
        let json = canonical(&serde_json::to_value(&pipeline).unwrap_or_default());
        let sha256 = hex::encode(Sha256::digest(json.as_bytes()));
        Self { pipeline, json, sha256 }
    }
}

/// Reads the pipeline; none if the report has an error about it. Each type and each approval is read by itself, so that all that are
/// wrong are named.
pub fn read(file: &str, source: &str, report: &Report) -> Option<PinnedPipeline> {
    let tree = report.parse(source)?;
    let mut top = Section::new(Some(&tree), String::new(), None, report);
    let version = top.required("version", "write `version: 1`", version);
    let max_rounds = top.required("max_rounds", "write `max_rounds: 3`", whole(0..=1000, "rounds"));
    let types = parts(&mut top, "types", file, report);
    let approvals = parts(&mut top, "approvals", file, report);
    top.end();
    let pipeline = Pipeline { version: version?, max_rounds: max_rounds?, types: types?, approvals: approvals? };
    let mut sound = true;
    for name in pipeline.types.keys().filter(|name| !is_type_name(name)) {
        sound = false;
        let remedy = "write lower-case letters, digits and _, a letter first, at most 60".to_owned();
        let field = format!("types.{name}");
        report.refuse(tree.locate(&field), &field, (format!("{name:?} is not a name of a task type"), remedy));
    }
    for (field, message, remedy) in pipeline.problems() {
        sound = false;
        report.refuse(tree.locate(&field), &field, (message, remedy));
    }
    sound.then(|| PinnedPipeline::new(pipeline))
}

/// The entries of a mapping, each read by itself; none if one is wrong.
fn parts<T: DeserializeOwned>(
    top: &mut Section<'_>,
    key: &'static str,
    file: &str,
    report: &Report,
) -> Option<BTreeMap<String, T>> {
    let mut parts = BTreeMap::new();
    let before = report.count();
    let entries = top.entries(key);
    if entries.is_empty() && report.count() == before {
        top.refuse(key, ("there are none".to_owned(), format!("write the {key} below `{key}:`")));
    }
    for entry in entries {
        let path = format!("{key}.{}", entry.key);
        if !matches!(entry.node.value, Value::Map(_)) {
            let refusal = (format!("{} is not a mapping", entry.node.shown()), "write `key: value` lines below it".to_owned());
            report.refuse(entry.place, &path, refusal);
            continue;
        }
        match entry.node.read::<T>() {
            Ok(part) => drop(parts.insert(entry.key.clone(), part)),
            Err(misfit) => report.add(misfit.problem(file, &path)),
        }
    }
    (report.count() == before).then_some(parts)
}

fn version(node: &Node) -> Result<u32, Refusal> {
    whole(1..=1, "")(node).map_err(|(message, _)| (message, "write `version: 1`, the only format there is".to_owned()))
}

/// Whether a text can be a type of task: it is typed in commands and stands in rows.
fn is_type_name(text: &str) -> bool {
    text.len() <= 60
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = include_str!("../../config/pipeline.yaml");

    fn problems(source: &str) -> String {
        let report = Report::on("p");
        let pinned = read("p", source, &report);
        let problems = report.into_problems();
        assert_eq!(pinned.is_some(), problems.is_empty());
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_pipeline_of_the_source_tree_reads_as_serde_alone_would_read_it() {
        let report = Report::on("p");
        let pinned = read("p", REAL, &report).unwrap();
        assert_eq!(pinned.pipeline, serde_saphyr::from_str::<Pipeline>(REAL).unwrap());
        assert_eq!(serde_json::from_str::<Pipeline>(&pinned.json).unwrap(), pinned.pipeline);
        // What came by an alias is there in full.
        let fix = &pinned.pipeline.types["fix_product"];
        assert_eq!(fix.result, pinned.pipeline.types["build_product"].result);
        assert_eq!(fix.checks[0].command, ["sh", "./test.sh"]);
    }

    #[test]
    fn the_hash_is_of_what_it_says_and_not_of_how_it_is_written() {
        let hash = |source: &str| read("p", source, &Report::on("p")).unwrap().sha256;
        assert_eq!(hash(REAL), hash(&format!("# another comment\n{REAL}\n")));
        assert_ne!(hash(REAL), hash(&REAL.replace("max_rounds: 3", "max_rounds: 4")));
    }

    #[test]
    fn every_problem_has_its_line() {
        let source = REAL
            .replace("max_rounds: 3", "max_rounds: 0")
            .replace("create: evaluate_idea", "create: evaluate_ideas")
            .replace("      reject: []", "      maybe: []");
        insta::assert_snapshot!(problems(&source), @r#"
        p:19: max_rounds: 0 would ask a person before the first fix
          → write 1 or more
        p:56: types.scan_platform.on.done[0].create: there is no type "evaluate_ideas"
          → name a key of `types`
        p:74: types.research.on.done[0].create: there is no type "evaluate_ideas"
          → name a key of `types`
        p:106: types.evaluate_idea.on: "maybe" is no verdict of this type
          → one of: approve, reject
        "#);
    }

    #[test]
    fn a_type_that_does_not_fit_does_not_hide_the_next() {
        let source = REAL
            .replace("    priority: 5\n    budget_usd: 2.00", "    priority: high\n    budget_usd: 2.00")
            .replace("summary: Write the specification", "sumary: Write the specification")
            .replace("executor: daemon", "executor: demon")
            .replace("version: 1", "version: one\nmax_round: 3");
        insta::assert_snapshot!(problems(&source), @r#"
        p:16: version: "one" is not a number
          → write `version: 1`, the only format there is
        p:17: max_round: there is no such field
          → take it out, or write one of: version, max_rounds, types, approvals
        p:25: types.scan_platform.priority: "high" is not a whole number
          → write a whole number
        p:63: types.research.priority: "high" is not a whole number
          → write a whole number
        p:115: types.write_spec.sumary: there is no such field
          → one of: summary, executor, tree, priority, budget_usd, timeout_minutes, attempts, payload, result, evidence, checks, requires, on
        p:291: types.publish.executor: "demon" is not known
          → one of: agent, daemon
        p:344: types.post.executor: "demon" is not known
          → one of: agent, daemon
        p:353: types.implement_proposal.priority: "high" is not a whole number
          → write a whole number
        "#);
    }

    #[test]
    fn a_field_in_the_wrong_place_is_named_with_those_that_would_be_right() {
        let misplaced = |old: &str, new: &str| problems(&REAL.replacen(old, new, 1));
        insta::assert_snapshot!(misplaced("terms: {summary: $result.summary}", "payload: {summary: $result.summary}"), @r"
        p:138: types.write_spec.on.done[0].payload: there is no such field
          → one of: ask_person, terms
        ");
        insta::assert_snapshot!(misplaced("- create: test_product", "- create: test_product\n          terms: {a: 1}"), @r"
        p:202: types.code_review.on.pass[0].terms: there is no such field
          → one of: create, for_each, payload, priority, dedup, next_round
        ");
        insta::assert_snapshot!(misplaced("{title: $payload.idea.title, idea:", "{titel: $payload.idea.title, idea:"), @r"
        p:108: types.evaluate_idea.on.approve[0].start_product.titel: there is no such field
          → one of: title, idea
        ");
        insta::assert_snapshot!(misplaced("- shelve_product: $reason", "- shelve_product: $reason\n        create: market"), @r"
        p:500: approvals.continue.reject[0]: does not say one thing to do
          → give exactly one of create, ask_person, start_product, shelve_product
        ");
        insta::assert_snapshot!(misplaced("- create: test_product", "- creat: test_product"), @r"
        p:201: types.code_review.on.pass[0].creat: there is no such field
          → one of: create, ask_person, start_product, shelve_product, for_each, payload, priority, dedup, next_round, terms
        ");
        insta::assert_snapshot!(misplaced("- create: test_product", "- next_round: true"), @r"
        p:201: types.code_review.on.pass[0]: does not say one thing to do
          → give exactly one of create, ask_person, start_product, shelve_product
        ");
    }

    #[test]
    fn words_that_the_code_needs_are_missed() {
        let source = REAL
            .replace("  respond_to_human:", "  answer_human:")
            .replace("ask_person: publish", "ask_person: release")
            .replace("  publish:\n    question", "  release:\n    question")
            .replace("required: [order]", "required: [order, by]")
            .replace("required: [approval]", "required: []")
            .replace("required: [url]", "required: [link]")
            .replace("{approval: $approval.id}", "{approval: 1}")
            .replace("terms: {posts:", "terms: {texts:")
            .replace("payload: {from: person, summary: $reason}", "payload: {from: person}");
        insta::assert_snapshot!(problems(&source), @r"
        p:21: types: `respond_to_human` is missing
          → keep this name: `claude-swarm ask` creates such tasks
        p:282: types.prepare_listing.on.done[0].terms: has no `posts`, all that an approval other than `publish` puts on an outlet
          → write `posts: $result.posts` or the like
        p:292: types.publish.payload: does not require `approval`, by which the daemon knows what it may publish
          → write `required: [approval]`, and an integer of that name
        p:298: types.publish.result: `url` alone does not satisfy it, and is all that the daemon answers
          → write `required: [url]`, and a string of that name
        p:339: types.market.on.done[0].terms: has no `posts`, all that an approval other than `publish` puts on an outlet
          → write `posts: $result.posts` or the like
        p:345: types.post.payload: does not require `approval`, by which the daemon knows what it may publish
          → write `required: [approval]`, and an integer of that name
        p:346: types.post.result: `url` alone does not satisfy it, and is all that the daemon answers
          → write `required: [url]`, and a string of that name
        p:391: types.directive.payload: `order` alone does not satisfy it
          → `claude-swarm order` creates such tasks, with a text of that name and nothing else
        p:468: approvals: `publish` is missing
          → keep this name: only what it allows puts the product itself on an outlet
        p:480: approvals.release.approve[0].payload: does not name the approval that allows it
          → write `payload: {approval: $approval.id}`
        p:484: approvals.release.reject[0].payload: has no `summary`, which a person is shown who is asked for another round
          → write `summary: $result.summary` or the like
        p:489: approvals.post.approve[0].payload: does not name the approval that allows it
          → write `payload: {approval: $approval.id}`
        ");
    }

    #[test]
    fn broken_yaml_is_one_problem() {
        insta::assert_snapshot!(problems("version: 1\nmax_rounds: 3\ntypes: {a: [}\n"), @r"
        p:3: is not YAML: mismatched bracket '[' closed by '}'
          → mend the YAML; indent with spaces, and quote texts that hold `: ` or ` #`
        ");
        insta::assert_snapshot!(problems("version: 1\nmax_rounds: 3\ntypes: 4\napprovals: {x: 5}\n"), @r"
        p:3: types: 4 is not a mapping
          → write `key: value` lines below it
        p:4: approvals.x: 5 is not a mapping
          → write `key: value` lines below it
        ");
    }
}
