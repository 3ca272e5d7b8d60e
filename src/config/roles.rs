//! `agents/*.md`: who there is, and what each is told to be.
//!
//! A file whose text begins with `---` is a role; one in capitals without it (MASTER.md) is text that roles share. A role's prompt is
//! MASTER.md, what it shares, its own text, its skills, and for whoever writes specifications the outline of one.
//! Not here: cutting a file into front matter and text (`front_matter`).

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::folder::{Text, read_folder};
use super::front_matter::{self, FrontMatter};
use super::home::Home;
use super::problem::{Place, Problem, Severity};
use super::yaml::Report;
use crate::domain::agent::Role;
use crate::domain::name::{AgentName, is_name};
use crate::domain::pipeline::{Executor, Pipeline};

/// The most that a prompt may have, in bytes: one argument of a command line holds 128 KiB.
pub const PROMPT_MAX_BYTES: usize = 120_000;

/// The text that stands before every role's.
const MASTER: &str = "MASTER";

/// The type whose roles are given the outline of a specification.
const SPEC_TYPE: &str = "write_spec";

/// What roles are put together from.
struct Parts<'a> {
    agents: &'a BTreeMap<String, Text>,
    skills: &'a BTreeMap<String, Text>,
    spec_template: Option<&'a str>,
}

/// Reads all roles, sorted by name. Roles with problems are left out of the answer, which is then of no use. Without a pipeline, task
/// types are not looked at.
pub fn read(home: &Home, pipeline: Option<&Pipeline>, spec_template: Option<&str>, problems: &mut Vec<Problem>) -> Vec<Role> {
    let agents = read_folder(home, &home.agents_dir(), problems);
    let skills = read_folder(home, &home.skills_dir(), problems);
    let parts = Parts { agents: &agents, skills: &skills, spec_template };
    if !agents.contains_key(MASTER) {
        let remedy = "`claude-swarm init` of another folder writes one that can be copied";
        problems.push(Problem::error("agents/MASTER.md", "is missing; every prompt begins with it").remedy(remedy));
    }
    let mut roles = Vec::new();
    for (stem, text) in &agents {
        let report = Report::on(&text.file);
        let role = role(stem, text, &parts, pipeline, &report);
        problems.extend(report.into_problems());
        roles.extend(role);
    }
    if roles.is_empty() && problems.is_empty() {
        problems.push(Problem::error("agents", "holds no role").remedy("write one: agents/hunter.md"));
    }
    check_agents(&roles, home, problems);
    // A role that is wrong takes its types with it, which is no news.
    if let Some(pipeline) = pipeline.filter(|_| problems.iter().all(|problem| problem.severity == Severity::Warning)) {
        check_types(&roles, pipeline, problems);
    }
    roles
}

/// The role in a file; none if the file is shared text, or wrong.
fn role(stem: &str, text: &Text, parts: &Parts<'_>, pipeline: Option<&Pipeline>, report: &Report) -> Option<Role> {
    let is_shared_name = stem.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let Some(cut) = front_matter::cut(&text.content) else {
        if !is_shared_name {
            let remedy =
                "begin the file with `---`, lines like `title: Hunter`, and `---` again; shared texts are named in CAPITALS";
            report.refuse(Some(Place { line: 1, column: 1 }), "", ("has no front matter".to_owned(), remedy.to_owned()));
        }
        return None;
    };
    let cut = cut.map_err(|refusal| report.refuse(Some(Place { line: 1, column: 1 }), "", refusal)).ok()?;
    if !is_name(stem) {
        let message = format!("{stem:?} is not a name of a role");
        report.add(Problem::error(&text.file, message).remedy("name the file in lower-case letters, digits and inner hyphens"));
    }
    let front = front_matter::read(&cut.front, report)?;
    if cut.body.trim().is_empty() {
        let place = Place { line: cut.body_line, column: 1 };
        report.refuse(
            Some(place),
            "",
            ("says nothing below its front matter".to_owned(), "write what the role is to do".to_owned()),
        );
    }
    let prompt = prompt(stem, cut.body, &front, parts, report)?;
    if let Some(pipeline) = pipeline {
        front.check_types(pipeline, report);
    }
    let FrontMatter { title, provider, model, task_types, count, .. } = front;
    let prompt_hash = hex::encode(Sha256::digest(prompt.as_bytes()));
    let task_types = task_types.into_iter().map(|named| named.name).collect();
    Some(Role { name: stem.to_owned(), title, provider, model, task_types, count, prompt, prompt_hash })
}

/// The whole prompt; none if a part of it is missing.
fn prompt(stem: &str, body: &str, front: &FrontMatter, parts: &Parts<'_>, report: &Report) -> Option<String> {
    let mut sections = Vec::new();
    let mut complete = true;
    let mut add = |folder: &str, texts: &BTreeMap<String, Text>, field: &str, name: &str, place: Option<Place>| {
        if let Some(text) = texts.get(name) {
            sections.push(section(name, &text.content));
        } else {
            complete = false;
            let there: Vec<&str> =
                texts.keys().map(String::as_str).filter(|there| folder == "skills" || !is_name(there)).collect();
            let remedy = if there.is_empty() {
                format!("write {folder}/{name}.md, or take the name out")
            } else {
                format!("write {folder}/{name}.md, or one of: {}", there.join(", "))
            };
            report.refuse(place, field, (format!("there is no {folder}/{name}.md"), remedy));
        }
    };
    if parts.agents.contains_key(MASTER) {
        add("agents", parts.agents, "", MASTER, None);
    }
    for named in &front.shared {
        add("agents", parts.agents, "shared", &named.name, named.place);
    }
    for named in &front.skills {
        add("skills", parts.skills, "skills", &named.name, named.place);
    }
    if !complete {
        return None;
    }
    // Skills stand after the role's own text.
    let skills = sections.split_off(sections.len() - front.skills.len());
    sections.push(section(stem, body));
    sections.extend(skills);
    if let Some(template) = parts.spec_template.filter(|_| front.takes(SPEC_TYPE)) {
        sections.push(format!("# Template: SPEC.md\n\n```markdown\n{}\n```", template.trim()));
    }
    let prompt = format!("{}\n", sections.join("\n\n"));
    if prompt.len() > PROMPT_MAX_BYTES {
        let remedy = format!("shorten the role, or name fewer skills; at most {PROMPT_MAX_BYTES} bytes");
        report.refuse(None, "", (format!("its whole prompt has {} bytes", prompt.len()), remedy));
    }
    Some(prompt)
}

/// A part of a prompt under a heading: its own, or its name.
fn section(name: &str, text: &str) -> String {
    let text = text.trim();
    if text.starts_with("# ") { text.to_owned() } else { format!("# {name}\n\n{text}") }
}

/// Agents' names must be of use and theirs alone, and their sockets' paths short enough.
fn check_agents(roles: &[Role], home: &Home, problems: &mut Vec<Problem>) {
    let mut holders: BTreeMap<AgentName, &str> = BTreeMap::new();
    for role in roles {
        let file = format!("agents/{}.md", role.name);
        let agents = role.agents();
        if agents.len() != role.count as usize {
            let message = format!("{}-{} is too long for a name of an agent", role.name, role.count);
            problems.push(Problem::error(&file, message).field("count").remedy("give the role a shorter name"));
        }
        for agent in agents {
            let socket = home.agent_socket(&agent);
            let length = socket.as_os_str().len();
            if length > super::home::SOCKET_PATH_MAX {
                let message = format!("the socket of {agent} would have a path of {length} bytes: {}", socket.display());
                let remedy = format!("move the home to a shorter path; at most {} bytes", super::home::SOCKET_PATH_MAX);
                problems.push(Problem::error(&file, message).remedy(remedy));
                break;
            }
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
