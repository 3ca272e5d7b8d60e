//! Reading a type with serde out of the tree, with errors that know path, place and remedy.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::tree::{Entry, Node, Value};
use crate::config::problem::{Place, Problem};

/// Why a node is not what a type needs.
#[derive(Debug)]
pub struct Misfit {
    message: String,
    remedy: Option<String>,
    path: String,
    place: Option<Place>,
}

impl Misfit {
    /// The problem that it is, in this file, for the field `under` or one inside it.
    pub fn problem(self, file: &str, under: &str) -> Problem {
        let path = match (under.is_empty(), self.path.is_empty() || self.path.starts_with('[')) {
            (true, _) => self.path,
            (false, true) => format!("{under}{}", self.path),
            (false, false) => format!("{under}.{}", self.path),
        };
        let problem = Problem::error(file, self.message).at(self.place).field(path);
        match self.remedy {
            Some(remedy) => problem.remedy(remedy),
            None => problem,
        }
    }

    fn new(message: String, remedy: Option<String>) -> Self {
        Self { message, remedy, path: String::new(), place: None }
    }

    /// Adds a step to the front of the path.
    fn inside(mut self, step: &str) -> Self {
        let joint = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{joint}{}", self.path);
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

fn one_of(words: &'static [&'static str]) -> Option<String> {
    Some(format!("one of: {}", words.join(", ")))
}

/// What serde calls a type, as a person would.
fn in_words(expected: &str) -> String {
    let words = match expected {
        "i64" => "a whole number",
        "u32" | "u64" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        "a string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a mapping",
        other if other.starts_with("struct ") => "a mapping",
        other => other,
    };
    words.to_owned()
}

fn found_in_words(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        Unexpected::Str(text) => format!("{:?}", crate::domain::text::one_line(text, 60)),
        Unexpected::Unit => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        other => other.to_string(),
    }
}

impl de::Error for Misfit {
    /// What a type of ours says of itself may bring its remedy: `what is wrong → what to write`.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        match message.split_once(" → ") {
            Some((message, remedy)) => Self::new(message.to_owned(), Some(remedy.to_owned())),
            None => Self::new(message, None),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let expected = in_words(&expected.to_string());
        Self::new(format!("{} is not {expected}", found_in_words(&found)), Some(format!("write {expected}")))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let expected = in_words(&expected.to_string());
        Self::new(format!("{} is out of range", found_in_words(&found)), Some(format!("write {expected}")))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("{variant:?} is not known"), one_of(expected))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self { path: field.to_owned(), ..Self::new("there is no such field".to_owned(), one_of(expected)) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { path: field.to_owned(), ..Self::new("is missing".to_owned(), Some(format!("add `{field}:`"))) }
    }
}

impl Node {
    /// Reads a type. Where a misfit is, is looked up by its path afterwards: a type may find out that a field is wrong only when it has
    /// read all of them.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn read<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Misfit> {
        T::deserialize(self).map_err(|misfit| Misfit { place: self.locate(&misfit.path), ..misfit })
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, value) => visitor.visit_f64(value.unwrap_or_default()),
            },
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items { items: items.iter(), index: 0 }),
            Value::Map(entries) => visitor.visit_map(Entries { entries: entries.iter(), current: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.value == Value::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    /// Only words: no type that is read here has variants with something in them.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match &self.value {
            Value::Text(text) => visitor.visit_enum(IntoDeserializer::<Misfit>::into_deserializer(text.as_str())),
            _ => Err(Misfit::new(format!("is {}", self.shown()), one_of(words))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier ignored_any
    }
}

struct Items<'de> {
    items: std::slice::Iter<'de, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let step = format!("[{}]", self.index);
        self.index += 1;
        seed.deserialize(item).map(Some).map_err(|misfit| misfit.inside(&step))
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, Entry>,
    current: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.current = Some(entry);
        let key: StrDeserializer<'_, Misfit> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let entry = self.current.take().ok_or_else(|| de::Error::custom("a value was asked for before its key"))?;
        seed.deserialize(&entry.node).map_err(|misfit| misfit.inside(&entry.key))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::tree::parse;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        One,
        Two,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        word: Word,
        count: u32,
        #[serde(default)]
        share: Option<f64>,
    }

    fn misfit(text: &str) -> String {
        let tree = parse(text).unwrap();
        let misfit = tree.read::<std::collections::BTreeMap<String, Vec<Inner>>>().unwrap_err();
        misfit.problem("f", "top").to_string()
    }

    #[test]
    fn types_are_read() {
        let tree = parse("word: one\ncount: 3\nshare: 2\n").unwrap();
        assert_eq!(tree.read::<Inner>().unwrap(), Inner { word: Word::One, count: 3, share: Some(2.0) });
    }

    #[test]
    fn what_does_not_fit_has_a_path_a_place_and_a_remedy() {
        insta::assert_snapshot!(misfit("a:\n  - word: one\n    count: many\n"), @r#"
        f:3: top.a[0].count: "many" is not a whole number, 0 or more
          → write a whole number, 0 or more
        "#);
        insta::assert_snapshot!(misfit("a:\n  - word: three\n    count: 1\n"), @r#"
        f:2: top.a[0].word: "three" is not known
          → one of: one, two
        "#);
        insta::assert_snapshot!(misfit("a:\n  - word: one\n    count: 1\n    cuont: 2\n"), @r"
        f:4: top.a[0].cuont: there is no such field
          → one of: word, count, share
        ");
        insta::assert_snapshot!(misfit("a:\n  - word: one\n"), @r"
        f:2: top.a[0].count: is missing
          → add `count:`
        ");
    }
}
