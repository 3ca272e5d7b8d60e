//! `{{path.to.value}}` in the strings of a scenario: read once when the scenario is, filled at each answer.
//!
//! Here: the grammar, and filling from a [`Context`]. Not here: which strings are templates (that is `scenario.rs`).
//!
//! A path is names or list positions joined by dots; its first name must be a known root. `\{{` is a literal `{{`, and so is a
//! `{{` that no path and `}}` follow (`style={{color: 'red'}}`). A string that is one template and nothing else takes the value with its JSON
//! type; inside a longer string a text is inserted as it is, null as nothing, and the rest as JSON.

use serde_json::Value;

/// The roots of a task's own JSON.
const TASK_ROOTS: [&str; 7] = ["id", "type", "attempt", "round", "payload", "product", "feedback"];
/// The text that the newest tool printed.
const LAST_TOOL_RESULT: &str = "last_tool_result";
/// What a person just said; only where an acknowledgement is written.
const MESSAGE: &str = "message";

/// What templates are filled from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    /// The JSON of the task block; null when the conversation has none.
    pub(super) task: &'a Value,
    /// Text of the newest tool result.
    pub(super) last_tool_result: Option<&'a str>,
    /// What a person said since the last answer.
    pub(super) message: Option<&'a str>,
}

/// Where a template stands, which decides what it may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A turn or a failure.
    Turn,
    /// The acknowledgement of a person's message.
    Acknowledgement,
}

/// A template that names a root that does not exist in its place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{{{{{path}}}}}` does not begin with one of {}; write `\\{{{{` for braces that are meant literally", .roots.join(", "))]
pub(super) struct UnknownRoot {
    path: String,
    roots: Vec<&'static str>,
}

/// A template whose value this request does not have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{{{{{0}}}}}` has no value")]
pub(super) struct NoValue(String);

/// A string with templates in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Path(Vec<String>),
}

impl Text {
    /// Reads a string. The error names the first template that asks for something that cannot be there.
    pub(super) fn parse(source: &str, place: Place) -> Result<Self, UnknownRoot> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = source;
        while let Some(at) = rest.find("{{") {
            let (before, braces) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('\\') {
                literal.push_str(before);
                literal.push_str("{{");
                rest = &braces[2..];
            } else if let Some((path, after)) = read_path(braces) {
                literal.push_str(before);
                known_root(&path, place)?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Path(path));
                rest = after;
            } else {
                // One brace only, so that the second may begin a template: `{{{id}}`.
                literal.push_str(before);
                literal.push('{');
                rest = &braces[1..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// The template that this string is, if it is one and nothing else.
    pub(super) fn is_one_template(&self) -> bool {
        matches!(self.0.as_slice(), [Part::Path(_)])
    }

    /// The string with every template replaced by its value.
    pub(super) fn fill(&self, context: Context<'_>) -> Result<String, NoValue> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => filled.push_str(literal),
                Part::Path(path) => match context.look_up(path)? {
                    Value::String(text) => filled.push_str(&text),
                    Value::Null => {}
                    other => filled.push_str(&other.to_string()),
                },
            }
        }
        Ok(filled)
    }

    fn fill_typed(&self, context: Context<'_>) -> Result<Value, NoValue> {
        match self.0.as_slice() {
            [Part::Path(path)] => context.look_up(path),
            _ => self.fill(context).map(Value::String),
        }
    }
}

/// A JSON value whose strings are templates.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// A string.
    Text(Text),
    /// Null, a boolean or a number.
    Plain(Value),
    /// An array.
    List(Vec<Self>),
    /// An object, in the order of its keys as written.
    Map(Vec<(String, Self)>),
}

impl Tree {
    /// Reads every string of a value.
    pub(super) fn parse(source: &Value, place: Place) -> Result<Self, UnknownRoot> {
        Ok(match source {
            Value::String(text) => Self::Text(Text::parse(text, place)?),
            Value::Array(items) => Self::List(items.iter().map(|item| Self::parse(item, place)).collect::<Result<_, _>>()?),
            Value::Object(map) => {
                Self::Map(map.iter().map(|(key, value)| Ok((key.clone(), Self::parse(value, place)?))).collect::<Result<_, _>>()?)
            }
            plain => Self::Plain(plain.clone()),
        })
    }

    /// The value with every template replaced by its value.
    pub(super) fn fill(&self, context: Context<'_>) -> Result<Value, NoValue> {
        Ok(match self {
            Self::Text(text) => text.fill_typed(context)?,
            Self::Plain(plain) => plain.clone(),
            Self::List(items) => Value::Array(items.iter().map(|item| item.fill(context)).collect::<Result<_, _>>()?),
            Self::Map(entries) => Value::Object(
                entries.iter().map(|(key, value)| Ok((key.clone(), value.fill(context)?))).collect::<Result<_, _>>()?,
            ),
        })
    }
}

impl Context<'_> {
    fn look_up(self, path: &[String]) -> Result<Value, NoValue> {
        let no_value = || NoValue(path.join("."));
        let Some((root, rest)) = path.split_first() else { return Err(no_value()) };
        let spoken = match root.as_str() {
            LAST_TOOL_RESULT => Some(self.last_tool_result),
            MESSAGE => Some(self.message),
            _ => None,
        };
        if let Some(text) = spoken {
            return text.filter(|_| rest.is_empty()).map(Value::from).ok_or_else(no_value);
        }
        // A prompt may leave out what is null.
        let optional = rest.is_empty() && matches!(root.as_str(), "product" | "feedback");
        let found = path.iter().try_fold(self.task, |value, step| match value {
            Value::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
            value => value.get(step),
        });
        match found {
            Some(value) => Ok(value.clone()),
            None if optional && self.task.is_object() => Ok(Value::Null),
            None => Err(no_value()),
        }
    }
}

/// Reads `{{path}}` at the beginning of `source`: the path and what follows it. None if it is something else.
fn read_path(source: &str) -> Option<(Vec<String>, &str)> {
    let (inside, after) = source.strip_prefix("{{")?.split_once("}}")?;
    let steps: Vec<String> = inside.trim().split('.').map(str::to_owned).collect();
    let named = |step: &String| !step.is_empty() && step.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    steps.iter().all(named).then_some((steps, after))
}

fn known_root(path: &[String], place: Place) -> Result<(), UnknownRoot> {
    let mut roots = TASK_ROOTS.to_vec();
    roots.push(LAST_TOOL_RESULT);
    if place == Place::Acknowledgement {
        roots.push(MESSAGE);
    }
    if path.first().is_some_and(|root| roots.contains(&root.as_str())) {
        Ok(())
    } else {
        Err(UnknownRoot { path: path.join("."), roots })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn context(task: &Value) -> Context<'_> {
        Context { task, last_tool_result: Some("3 passed"), message: None }
    }

    fn fill(source: &str) -> String {
        let task = json!({"id": 12, "payload": {"idea": {"title": "Links"}, "tags": ["a", "b"]}, "product": null});
        Text::parse(source, Place::Turn).unwrap().fill(context(&task)).unwrap()
    }

    #[rstest::rstest]
    #[case("plain", "plain")]
    #[case("", "")]
    #[case("{{payload.idea.title}}", "Links")]
    #[case("task {{id}}: {{ payload.idea.title }}!", "task 12: Links!")]
    #[case("{{payload.tags.1}} of {{payload.tags}}", "b of [\"a\",\"b\"]")]
    #[case("[{{product}}{{feedback}}]", "[]")]
    #[case("it says {{last_tool_result}}", "it says 3 passed")]
    #[case(r"\{{id}} and {{id}}", "{{id}} and 12")]
    #[case("style={{color: 'red'}}", "style={{color: 'red'}}")]
    #[case("{{{id}}}", "{12}")]
    #[case("open {{ only", "open {{ only")]
    fn a_string_is_filled(#[case] source: &str, #[case] expected: &str) {
        assert_eq!(fill(source), expected);
    }

    #[test]
    fn a_string_that_is_one_template_keeps_the_type() {
        let task = json!({"id": 12, "payload": {"tags": ["a"]}});
        let tree = Tree::parse(
            &json!({"n": "{{id}}", "tags": "{{payload.tags}}", "deep": [{"s": "no. {{id}}"}], "b": true}),
            Place::Turn,
        );
        let filled = tree.unwrap().fill(context(&task)).unwrap();
        assert_eq!(filled, json!({"n": 12, "tags": ["a"], "deep": [{"s": "no. 12"}], "b": true}));
    }

    #[test]
    fn an_unknown_root_is_refused_with_the_way_out() {
        let error = Text::parse("{{paylod.x}}", Place::Turn).unwrap_err().to_string();
        assert!(error.starts_with("`{{paylod.x}}` does not begin with one of id, type,"), "{error}");
        assert!(error.ends_with(r"write `\{{` for braces that are meant literally"), "{error}");
        assert!(Text::parse("{{message}}", Place::Turn).is_err());
        assert!(Text::parse("{{message}}", Place::Acknowledgement).is_ok());
    }

    #[test]
    fn what_a_request_does_not_have_is_named() {
        let task = json!({"id": 1, "payload": {}, "product": null});
        for path in ["payload.idea", "product.slug", "type", "last_tool_result.x"] {
            let text = Text::parse(&format!("{{{{{path}}}}}"), Place::Turn).unwrap();
            assert_eq!(text.fill(context(&task)), Err(NoValue(path.into())));
        }
        let text = Text::parse("{{feedback}}", Place::Turn).unwrap();
        let none = Context { task: &Value::Null, last_tool_result: None, message: None };
        assert_eq!(text.fill(none).unwrap_err().to_string(), "`{{feedback}}` has no value");
    }
}
