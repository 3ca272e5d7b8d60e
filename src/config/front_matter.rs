//! The front matter of a role's file: the YAML between two lines of `---`.

use super::problem::Place;
use super::settings::is_model;
use super::yaml::{Node, Refusal, Report, Section, Value, line, text, whole, word};
use crate::domain::pipeline::{Executor, Pipeline};

/// A file cut in two.
pub struct Cut<'a> {
    /// The YAML, behind an empty line in place of the first `---`, so that its lines have the file's numbers.
    pub front: String,
    /// What stands below.
    pub body: &'a str,
    /// The line that the body begins on.
    pub body_line: u64,
}

/// A name in a list, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Where.
    pub place: Option<Place>,
}

/// What a role's front matter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontMatter {
    /// `title`: for people.
    pub title: String,
    /// `provider`: default `claude`.
    pub provider: String,
    /// `model`: as the provider knows it.
    pub model: String,
    /// `task_types`: what it takes.
    pub task_types: Vec<Named>,
    /// `skills`: names of files in `skills/`. Default none.
    pub skills: Vec<Named>,
    /// `shared`: names of files in `agents/`. Default none.
    pub shared: Vec<Named>,
    /// `count`: how many agents hold the role, 0 to 99. Default 1.
    pub count: u32,
}

/// Cuts a file in two; none if it has no front matter.
pub fn cut(content: &str) -> Option<Result<Cut<'_>, Refusal>> {
    let mut lines = content.split_inclusive('\n');
    let first = lines.next().filter(|line| line.trim_end() == "---")?;
    let mut end = first.len();
    for (line, text) in (2..).zip(lines) {
        if text.trim_end() == "---" {
            let front = format!("\n{}", &content[first.len()..end]);
            return Some(Ok(Cut { front, body: &content[end + text.len()..], body_line: line + 1 }));
        }
        end += text.len();
    }
    Some(Err(("its front matter is not closed".to_owned(), "write a line `---` below the last of its fields".to_owned())))
}

/// Reads the YAML; none if a field is missing or wrong. Without a pipeline, task types are not looked at.
pub fn read(front: &str, pipeline: Option<&Pipeline>, report: &Report) -> Option<FrontMatter> {
    let tree = report.parse(front)?;
    let before = report.count();
    let place = Some(Place { line: 1, column: 1 });
    let mut top = Section::new(Some(&tree), String::new(), place, report);
    let title = top.required("title", "add a line like `title: Hunter`", line("title"));
    let model = top.required("model", "add a line like `model: sonnet`", model);
    let provider = top.field("provider", "claude", word(&[("claude", "claude")])).to_owned();
    let task_types = top.required("task_types", "add a line like `task_types: [research]`", names);
    if let (Some(named), Some(pipeline)) = (&task_types, pipeline) {
        check_types(named, top.place("task_types"), pipeline, report);
    }
    let skills = top.field("skills", Vec::new(), names);
    let shared = top.field("shared", Vec::new(), names);
    let count = top.field("count", 1, whole(0..=99, "agents"));
    top.end();
    if report.count() > before {
        return None;
    }
    Some(FrontMatter { title: title?, provider, model: model?, task_types: task_types?, skills, shared, count })
}

fn model(node: &Node) -> Result<String, Refusal> {
    let remedy = "write a model's name, for example sonnet";
    let model = text(remedy)(node)?;
    if is_model(&model) { Ok(model) } else { Err((format!("{} is not a name of a model", node.shown()), remedy.to_owned())) }
}

/// A list of names that are parts of paths or keys.
fn names(node: &Node) -> Result<Vec<Named>, Refusal> {
    let remedy = "write a list of names in letters, digits, _ and -, like [one, two]";
    let Value::List(items) = &node.value else { return Err((format!("{} is not a list", node.shown()), remedy.to_owned())) };
    let mut names: Vec<Named> = Vec::new();
    for item in items {
        let name = text(remedy)(item)?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            return Err((format!("{} is not a name", item.shown()), remedy.to_owned()));
        }
        if names.iter().any(|named| named.name == name) {
            return Err((format!("{name} is there twice"), "take one out".to_owned()));
        }
        names.push(Named { name, place: item.place });
    }
    Ok(names)
}

impl FrontMatter {
    /// Whether it names this type of task.
    pub fn takes(&self, task_type: &str) -> bool {
        self.task_types.iter().any(|named| named.name == task_type)
    }
}

/// Reports types that are not in the pipeline or that no agent does.
fn check_types(named: &[Named], place: Option<Place>, pipeline: &Pipeline, report: &Report) {
    if named.is_empty() {
        let remedy = "name a type, or take the file away";
        report.warn(place, "task_types", ("is empty: its agents would never have work".to_owned(), remedy.to_owned()));
    }
    for Named { name, place } in named {
        match pipeline.types.get(name) {
            None => {
                let of_agents = pipeline.types.iter().filter(|(_, spec)| spec.executor == Executor::Agent);
                let known: Vec<&str> = of_agents.map(|(name, _)| name.as_str()).collect();
                let refusal = (format!("there is no task type {name:?}"), format!("write one of: {}", known.join(", ")));
                report.refuse(*place, "task_types", refusal);
            }
            Some(spec) if spec.executor == Executor::Daemon => {
                let refusal = (format!("{name} is done by the daemon, without an agent"), "take it out".to_owned());
                report.refuse(*place, "task_types", refusal);
            }
            Some(_) => {}
        }
    }
}
