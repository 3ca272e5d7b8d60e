//! `agents/*.md`: who there is, and what each is told to be.
//!
//! A file whose text begins with `---` is a role; one named in capitals without it (MASTER.md) is text that roles share. A role's prompt is
//! MASTER.md, what it shares, its own text, its skills, and for whoever writes specifications the outline of one.
//! Not here: cutting a file into front matter and text (`front_matter`).

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::folder::{Text, read_folder};
use super::front_matter::{self, FrontMatter, Named};
use super::home::Home;
use super::problem::{Place, Problem, Severity};
use super::yaml::Report;
use crate::domain::agent::Role;
use crate::domain::name::{AgentName, is_name};
use crate::domain::pipeline::words::WRITE_SPEC;
use crate::domain::pipeline::{Executor, Pipeline};

/// The most that a prompt may have, in bytes: one argument of a command line holds 128 KiB.
pub const PROMPT_MAX_BYTES: usize = 120_000;

/// The text that stands before every role's.
const MASTER: &str = "MASTER";

/// Texts that roles are put together from.
struct Parts<'a> {
    /// In `agents`, without those that are roles.
    shared: BTreeMap<String, Text>,
    /// In `skills`.
    skills: BTreeMap<String, Text>,
    /// For whoever writes specifications.
    spec_template: Option<&'a str>,
    /// Files that are there and that something is wrong with already.
    known_bad: Vec<String>,
}

/// Reads all roles, sorted by name. Roles with problems are left out of the answer, which is then of no use. Without a pipeline, task
/// types are not looked at.
pub fn read(home: &Home, pipeline: Option<&Pipeline>, spec_template: Option<&str>, problems: &mut Vec<Problem>) -> Vec<Role> {
    let agents = read_folder(home, &home.agents_dir(), problems);
    let skills = read_folder(home, &home.skills_dir(), problems);
    let (roles, shared) = agents.into_iter().partition::<BTreeMap<_, _>, _>(|(stem, text)| {
        front_matter::cut(&text.content).is_some() || stem.contains(|c: char| c.is_lowercase())
    });
    let known_bad = problems.iter().map(|problem| problem.file.clone()).collect();
    let parts = Parts { shared, skills, spec_template, known_bad };
    let master = format!("agents/{MASTER}.md");
    if !parts.shared.contains_key(MASTER) && !parts.known_bad.contains(&master) {
        let remedy = "`claude-swarm init` of another folder writes one that can be copied";
        problems.push(Problem::error(master, "is missing; every prompt begins with it").remedy(remedy));
    }
    if roles.is_empty() {
        problems.push(Problem::error("agents", "holds no role").remedy("write one: agents/hunter.md"));
    }
    let mut sound = Vec::new();
    for (stem, text) in &roles {
        let report = Report::on(&text.file);
        sound.extend(role(stem, text, &parts, pipeline, &report));
        problems.extend(report.into_problems());
    }
    check_agents(&sound, problems);
    // A role that is wrong takes its types with it, which is no news.
    if let Some(pipeline) = pipeline.filter(|_| problems.iter().all(|problem| problem.severity == Severity::Warning)) {
        check_types(&sound, pipeline, problems);
    }
    sound
}

/// The role in a file; none if it is wrong.
fn role(stem: &str, text: &Text, parts: &Parts<'_>, pipeline: Option<&Pipeline>, report: &Report) -> Option<Role> {
    let top = Some(Place { line: 1, column: 1 });
    let Some(cut) = front_matter::cut(&text.content) else {
        let remedy = "begin the file with `---`, lines like `title: Hunter`, and `---` again; shared texts are named in CAPITALS";
        report.refuse(top, "", ("has no front matter".to_owned(), remedy.to_owned()));
        return None;
    };
    let cut = cut.map_err(|refusal| report.refuse(top, "", refusal)).ok()?;
    if !is_name(stem) {
        let message = format!("{stem:?} is not a name of a role");
        report.add(Problem::error(&text.file, message).remedy("name the file in lower-case letters, digits and inner hyphens"));
    }
    if cut.body.trim().is_empty() {
        let place = Place { line: cut.body_line, column: 1 };
        report.refuse(
            Some(place),
            "",
            ("says nothing below its front matter".to_owned(), "write what the role is to do".to_owned()),
        );
    }
    let front = front_matter::read(&cut.front, pipeline, report)?;
    let prompt = prompt(stem, cut.body, &front, parts, report)?;
    let FrontMatter { title, provider, model, task_types, count, .. } = front;
    let prompt_hash = hex::encode(Sha256::digest(prompt.as_bytes()));
    let task_types = task_types.into_iter().map(|named| named.name).collect();
    let role = Role { name: stem.to_owned(), title, provider, model, task_types, count, prompt, prompt_hash };
    is_name(stem).then_some(role)
}

/// The whole prompt; none if a part of it is missing.
fn prompt(stem: &str, body: &str, front: &FrontMatter, parts: &Parts<'_>, report: &Report) -> Option<String> {
    let master = parts.shared.get(MASTER).map(|text| section(MASTER, &text.content));
    let shared = sections("agents", &parts.shared, "shared", &front.shared, parts, report);
    let skills = sections("skills", &parts.skills, "skills", &front.skills, parts, report);
    let own = section(stem, body);
    let template = parts.spec_template.filter(|_| front.takes(WRITE_SPEC));
    let template = template.map(|text| format!("# Template of SPEC.md\n\n<template>\n{}\n</template>", text.trim()));
    let sections: Vec<String> = master.into_iter().chain(shared?).chain([own]).chain(skills?).chain(template).collect();
    let prompt = format!("{}\n", sections.join("\n\n"));
    if prompt.len() > PROMPT_MAX_BYTES {
        let remedy = format!("shorten the role, or name fewer skills; at most {PROMPT_MAX_BYTES} bytes");
        report.refuse(None, "", (format!("its whole prompt has {} bytes", prompt.len()), remedy));
    }
    Some(prompt)
}

/// The texts that a role names; none if one is not there.
fn sections(
    folder: &str,
    texts: &BTreeMap<String, Text>,
    field: &str,
    named: &[Named],
    parts: &Parts<'_>,
    report: &Report,
) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for Named { name, place } in named {
        let file = format!("{folder}/{name}.md");
        if let Some(text) = texts.get(name) {
            found.push(section(name, &text.content));
        } else if !parts.known_bad.contains(&file) {
            let there: Vec<&str> = texts.keys().map(String::as_str).collect();
            let remedy = if there.is_empty() {
                format!("write {file}, or take the name out")
            } else {
                format!("write {file}, or one of: {}", there.join(", "))
            };
            let message =
                if folder == "agents" { format!("there is no shared text {file}") } else { format!("there is no {file}") };
            report.refuse(*place, field, (message, remedy));
        }
    }
    (found.len() == named.len()).then_some(found)
}

/// A part of a prompt under a heading: its own, or its name.
fn section(name: &str, text: &str) -> String {
    let text = text.trim();
    if text.starts_with("# ") { text.to_owned() } else { format!("# {name}\n\n{text}") }
}

/// Agents' names must be of use and theirs alone.
fn check_agents(roles: &[Role], problems: &mut Vec<Problem>) {
    let mut holders: BTreeMap<AgentName, &str> = BTreeMap::new();
    for role in roles {
        let file = format!("agents/{}.md", role.name);
        let agents = role.agents();
        if agents.len() != role.count as usize {
            let message = format!("{}-{} is too long for a name of an agent", role.name, role.count);
            problems.push(Problem::error(&file, message).field("count").remedy("give the role a shorter name"));
        }
        for agent in agents {
            if let Some(other) = holders.insert(agent.clone(), &role.name).filter(|other| *other != role.name) {
                let message = format!("its agent {agent} would have the name of one of agents/{other}.md");
                problems.push(Problem::error(&file, message).field("count").remedy("rename one of the two roles"));
            }
        }
    }
}

/// A type that nobody takes waits for ever.
fn check_types(roles: &[Role], pipeline: &Pipeline, problems: &mut Vec<Problem>) {
    for (name, spec) in &pipeline.types {
        let taken = roles.iter().any(|role| role.count > 0 && role.task_types.contains(name));
        if spec.executor == Executor::Agent && !taken {
            let remedy = format!("add {name} to the task_types of a role in agents/");
            problems.push(
                Problem::warning("agents", format!("no role takes tasks of the type {name}; they would wait")).remedy(remedy),
            );
        }
    }
}
