//! The tree itself: what serde-saphyr reads, with the place of every key and value kept.
//!
//! Anchors, aliases and merge keys are resolved by the parser; a node that came by an alias has the place where it was written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{MessageFormatter, Spanned};

use crate::config::problem::Place;

/// One value of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it begins; none for what the document leaves out.
    pub place: Option<Place>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`; `yes`, `no`, `on` and `off` are texts.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// Everything else that is one word or text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// One key of a mapping with what it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key is.
    pub place: Option<Place>,
    /// Its value.
    pub node: Node,
}

/// Reads one document; an empty one is [`Value::Null`].
///
/// # Errors
/// What the parser says, in one line, and where.
pub fn parse(text: &str) -> Result<Node, (String, Option<Place>)> {
    let nothing = Node { value: Value::Null, place: None };
    if text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(nothing);
    }
    // YAML 1.2's booleans only: `mode: off` is the word `off`.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location().and_then(place_of);
        let message = serde_saphyr::UserMessageFormatter.format_message(error);
        (crate::domain::text::one_line(&message, 300), place)
    })
}

fn place_of(location: serde_saphyr::Location) -> Option<Place> {
    (location.line() > 0).then(|| Place { line: location.line(), column: location.column() })
}

impl Node {
    /// The entries of a mapping; none for everything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// Where the field of this path (`types.publish.on.done[0].create`) is, or else what encloses it most nearly. An item of a list
    /// can also be called by its `name`.
    pub fn locate(&self, path: &str) -> Option<Place> {
        let mut node = self;
        let mut place = self.place;
        let mut rest = path;
        while !rest.is_empty() {
            let step = node.step(rest);
            let Some((next, at, left)) = step else { break };
            (node, rest) = (next, left.strip_prefix('.').unwrap_or(left));
            place = at.or(place);
        }
        place
    }

    /// The first step of a path: the node it leads to, where that is, and the rest of the path.
    fn step<'a, 'p>(&'a self, path: &'p str) -> Option<(&'a Self, Option<Place>, &'p str)> {
        let ends = |rest: &str| rest.is_empty() || rest.starts_with('.') || rest.starts_with('[');
        match &self.value {
            // The longest key that fits, because keys may hold dots.
            Value::Map(entries) => entries
                .iter()
                .filter_map(|entry| {
                    let rest = path.strip_prefix(entry.key.as_str()).filter(|rest| ends(rest))?;
                    Some((&entry.node, entry.place.or(entry.node.place), rest))
                })
                .min_by_key(|(_, _, rest)| rest.len()),
            Value::List(items) => {
                let by_index = path.strip_prefix('[').and_then(|rest| rest.split_once(']')).and_then(|(index, rest)| {
                    let item = items.get(index.parse::<usize>().ok()?)?;
                    Some((item, item.place, rest))
                });
                by_index.or_else(|| {
                    items.iter().find_map(|item| match item.get("name").map(|name| &name.value) {
                        Some(Value::Text(name)) => {
                            let rest = path.strip_prefix(name.as_str()).filter(|rest| ends(rest))?;
                            Some((item, item.place, rest))
                        }
                        _ => None,
                    })
                })
            }
            _ => None,
        }
    }

    /// The value as a person wrote it, shortened, for a message.
    pub fn shown(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => format!("{:?}", crate::domain::text::one_line(text, 60)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { place: place_of(spanned.defined), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            entries.push(Entry { place: place_of(key.defined), key: key.value, node: map.next_value()? });
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, path: &str) -> Option<u64> {
        parse(text).unwrap().locate(path).map(|place| place.line)
    }

    #[test]
    fn every_field_has_its_line() {
        let text = "# first\na:\n  b: 1\n  c:\n    - x: 1\n    - {x: 2,\n       y: 3}\nd.e: {f: 1}\nchecks:\n  - name: tests\n    command: []\n";
        assert_eq!(line(text, "a"), Some(2));
        assert_eq!(line(text, "a.b"), Some(3));
        assert_eq!(line(text, "a.c[1]"), Some(6));
        assert_eq!(line(text, "a.c[1].y"), Some(7));
        assert_eq!(line(text, "d.e.f"), Some(8));
        assert_eq!(line(text, "checks.tests.command"), Some(11));
        // What is not there has the place of what encloses it.
        assert_eq!(line(text, "a.c[7].y"), Some(4));
        assert_eq!(line(text, "a.nothing.at.all"), Some(2));
    }

    #[test]
    fn aliases_are_resolved_and_keep_the_place_where_they_were_written() {
        let text = "a: &x\n  b: {c: 1}\nd: *x\ne:\n  <<: *x\n  f: 2\n";
        let tree = parse(text).unwrap();
        assert_eq!(tree.get("d").unwrap().get("b").unwrap().get("c").unwrap().value, Value::Number(1.into()));
        assert_eq!(line(text, "d"), Some(3));
        assert_eq!(line(text, "d.b.c"), Some(2));
        assert_eq!(tree.get("e").unwrap().entries().len(), 2);
    }

    #[test]
    fn off_is_a_word_and_true_is_not() {
        let tree = parse("a: off\nb: true\nc: 'true'\nd: 1.5\ne: 007\nf: ~\ng: 12:30\n").unwrap();
        let values: Vec<String> = tree.entries().iter().map(|entry| entry.node.shown()).collect();
        assert_eq!(values, ["\"off\"", "true", "\"true\"", "1.5", "7.0", "nothing", "\"12:30\""]);
    }

    #[test]
    fn an_empty_document_is_nothing() {
        for text in ["", "\n\n", "# only a comment\n"] {
            assert_eq!(parse(text).unwrap().value, Value::Null, "{text:?}");
        }
    }

    #[test]
    fn broken_yaml_has_a_place() {
        for (text, at) in [("a: [1,\nb: 2\n", 1), ("a: 1\n\tb: 2\n", 1), ("a: 1\na: 2\n", 2), ("a: *gone\n", 1), ("a: \"x\n", 1)]
        {
            let (message, place) = parse(text).unwrap_err();
            assert!(!message.contains('\n') && !message.is_empty(), "{message}");
            assert!(place.is_some_and(|place| place.line >= at), "{text:?}: {message} at {place:?}");
        }
    }
}
