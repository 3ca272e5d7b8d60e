//! Reading a file field by field, so that one bad field does not hide the next.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::tree::{Entry, Node, Value, parse};
use crate::config::problem::{Place, Problem};

/// Why a field's value is not taken: what is wrong with it, and what to write.
pub type Refusal = (String, String);

/// The problems found in one file so far.
#[derive(Debug)]
pub struct Report {
    file: String,
    problems: RefCell<Vec<Problem>>,
}

impl Report {
    /// A report on this file, which has no problems yet.
    pub fn on(file: &str) -> Self {
        Self { file: file.to_owned(), problems: RefCell::default() }
    }

    /// Adds an error.
    pub fn refuse(&self, place: Option<Place>, field: &str, (message, remedy): Refusal) {
        self.add(Problem::error(&self.file, message).at(place).field(field).remedy(remedy));
    }

    /// Adds a warning.
    pub fn warn(&self, place: Option<Place>, field: &str, (message, remedy): Refusal) {
        self.add(Problem::warning(&self.file, message).at(place).field(field).remedy(remedy));
    }

    /// Adds a problem.
    pub fn add(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Reads a document; one that is no YAML is a problem.
    pub fn parse(&self, text: &str) -> Option<Node> {
        parse(text)
            .map_err(|(message, place)| {
                let remedy = "mend the YAML; indent with spaces, and quote texts that hold `: ` or ` #`";
                self.add(Problem::error(&self.file, format!("is not YAML: {message}")).at(place).remedy(remedy));
            })
            .ok()
    }

    /// How many were found so far.
    pub fn count(&self) -> usize {
        self.problems.borrow().len()
    }

    /// What was found, in the order of the file; what has no line comes last.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line.unwrap_or(u64::MAX), problem.column));
        problems
    }
}

/// A mapping that is being read. Drop it with [`Section::end`], which finds the fields that nobody asked for.
#[derive(Debug)]
pub struct Section<'a> {
    entries: &'a [Entry],
    place: Option<Place>,
    path: String,
    asked: Vec<&'static str>,
    report: &'a Report,
}

impl<'a> Section<'a> {
    /// The mapping that a node is; anything else but nothing is a problem.
    pub fn new(node: Option<&'a Node>, path: String, place: Option<Place>, report: &'a Report) -> Self {
        let entries = match node.map(|node| (&node.value, node)) {
            None | Some((Value::Null, _)) => &[][..],
            Some((Value::Map(entries), _)) => entries,
            Some((_, node)) => {
                let refusal = (format!("{} is not a mapping", node.shown()), "write `key: value` lines below it".to_owned());
                report.refuse(place.or(node.place), &path, refusal);
                &[]
            }
        };
        Self { entries, place, path, asked: Vec::new(), report }
    }

    /// The path of a field of this section.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where a field is, or the section.
    pub fn place(&self, key: &str) -> Option<Place> {
        self.entry(key).map_or(self.place, |entry| entry.place.or(entry.node.place))
    }

    fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The node of a field that has a value.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entry(key).map(|entry| &entry.node).filter(|node| node.value != Value::Null)
    }

    /// A section inside this one.
    pub fn section(&mut self, key: &'static str) -> Self {
        let node = self.node(key);
        Self::new(node, self.path(key), self.place(key), self.report)
    }

    /// A field that may be left out.
    pub fn optional<T>(&mut self, key: &'static str, read: impl FnOnce(&Node) -> Result<T, Refusal>) -> Option<T> {
        let node = self.node(key)?;
        read(node).map_err(|refusal| self.refuse(key, refusal)).ok()
    }

    /// A field with a default.
    pub fn field<T>(&mut self, key: &'static str, default: T, read: impl FnOnce(&Node) -> Result<T, Refusal>) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// A field that must be there.
    pub fn required<T>(&mut self, key: &'static str, remedy: &str, read: impl FnOnce(&Node) -> Result<T, Refusal>) -> Option<T> {
        if self.node(key).is_none() {
            self.report.refuse(self.place(key), &self.path(key), ("is missing".to_owned(), remedy.to_owned()));
        }
        self.optional(key, read)
    }

    /// The entries of a mapping whose keys are free.
    pub fn entries(&mut self, key: &'static str) -> Vec<&'a Entry> {
        self.section(key).entries.iter().collect()
    }

    /// Says that a field is wrong.
    pub fn refuse(&self, key: &str, refusal: Refusal) {
        self.report.refuse(self.place(key), &self.path(key), refusal);
    }

    /// Says that a field deserves a look.
    pub fn warn(&self, key: &str, refusal: Refusal) {
        self.report.warn(self.place(key), &self.path(key), refusal);
    }

    /// Says that something inside a field is wrong; `key` is its path from here.
    pub fn refuse_at(&self, place: Option<Place>, key: &str, refusal: Refusal) {
        self.report.refuse(place, &self.path(key), refusal);
    }

    /// Says that something inside a field deserves a look.
    pub fn warn_at(&self, place: Option<Place>, key: &str, refusal: Refusal) {
        self.report.warn(place, &self.path(key), refusal);
    }

    /// Reports the fields that nobody asked for.
    pub fn end(self) {
        for entry in self.entries.iter().filter(|entry| !self.asked.contains(&entry.key.as_str())) {
            let remedy = format!("take it out, or write one of: {}", self.asked.join(", "));
            let refusal = ("there is no such field".to_owned(), remedy);
            self.report.refuse(entry.place.or(entry.node.place), &self.path(&entry.key), refusal);
        }
    }
}

/// Reads a whole number in a range. `unit` is what it is a number of, for the remedy.
pub fn whole<T>(range: RangeInclusive<T>, unit: &str) -> impl FnOnce(&Node) -> Result<T, Refusal>
where
    T: PartialOrd + Display + TryFrom<u64>,
{
    move |node| {
        let remedy = format!("write a whole number of {unit} from {} to {}", range.start(), range.end());
        let Value::Number(number) = &node.value else {
            return Err((format!("{} is not a number", node.shown()), remedy));
        };
        match number.as_u64().and_then(|number| T::try_from(number).ok()).filter(|number| range.contains(number)) {
            Some(number) => Ok(number),
            None if number.is_f64() => Err((format!("{number} is not a whole number"), remedy)),
            None => Err((format!("{number} is out of range"), remedy)),
        }
    }
}

/// Reads a text.
pub fn text(remedy: &str) -> impl Fn(&Node) -> Result<String, Refusal> {
    move |node| match &node.value {
        Value::Text(text) if crate::domain::text::check("", text, 4096).is_ok() => Ok(text.clone()),
        Value::Text(_) => {
            Err((format!("{} is too long or holds control characters", node.shown()), "write it in plain text".to_owned()))
        }
        Value::Number(_) | Value::Bool(_) => Err((
            format!("{} is not a text", node.shown()),
            format!("{remedy}; in quotes if it looks like a number or a yes or no"),
        )),
        _ => Err((format!("{} is not a text", node.shown()), remedy.to_owned())),
    }
}

/// Reads what people are to be shown on one line: a name, a title. `what` says which, for the refusal.
pub fn line(what: &str) -> impl Fn(&Node) -> Result<String, Refusal> {
    move |node| {
        let remedy = format!("write a {what} of at most 80 characters on one line");
        let line = text(&remedy)(node)?;
        if line.trim().is_empty() || line.chars().count() > 80 || line.contains('\n') {
            return Err((format!("{} is not a {what}", node.shown()), remedy));
        }
        Ok(line.trim().to_owned())
    }
}

/// Reads one of a few words.
pub fn word<T: Copy>(words: &[(&str, T)]) -> impl Fn(&Node) -> Result<T, Refusal> {
    move |node| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let refusal = || (format!("{} is not known", node.shown()), format!("write one of: {}", known.join(", ")));
        let Value::Text(text) = &node.value else { return Err(refusal()) };
        words.iter().find(|(word, _)| word == text).map(|(_, value)| *value).ok_or_else(refusal)
    }
}

/// Reads a list of which each item is read by `read`.
pub fn list_of<T>(read: impl Fn(&Node) -> Result<T, Refusal>) -> impl FnOnce(&Node) -> Result<Vec<T>, Refusal> {
    move |node| match &node.value {
        Value::List(items) => items.iter().map(read).collect(),
        _ => Err((format!("{} is not a list", node.shown()), "write a list, like [one, two]".to_owned())),
    }
}
