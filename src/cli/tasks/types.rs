//! `claude-tasks types`.

use clap::Args;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::cli::table::{Table, cell};
use crate::cli::terminal::{Terminal, Tone};
use crate::domain::error::Error;
use crate::protocol::tasks::TypeView;

#[derive(Debug, Args)]
pub(super) struct Types {
    /// One type, with the fields that it takes and answers
    name: Option<String>,
}

impl Types {
    pub async fn run(self, context: &Context) -> Done {
        let types = context.operator()?.types().await?;
        let Some(name) = self.name else {
            return if context.terminal.json {
                context.terminal.say_json(&types)
            } else {
                context.terminal.say(list(&context.terminal, &types))
            };
        };
        let Some(found) = types.iter().find(|it| it.name == name) else {
            let known: Vec<&str> = types.iter().map(|it| it.name.as_str()).collect();
            let error = Error::not_found(format!("there is no type {name:?}"));
            return Err(error.hint(format!("one of: {}", known.join(", "))).into());
        };
        if context.terminal.json {
            context.terminal.say_json(found)
        } else {
            context.terminal.say(page(&context.terminal, found))
        }
    }
}

fn list(terminal: &Terminal, types: &[TypeView]) -> String {
    let mut table = Table::new(terminal, &["TYPE", "PRIORITY", "TAKES", "AGENTS", "WHAT"]);
    for it in types {
        let fields: Vec<String> = fields(&it.payload).map(|field| field.short()).collect();
        let agents = if it.agents.is_empty() { cell("the daemon").tone(Tone::Dim) } else { cell(it.agents.join(" ")) };
        table.row([cell(&it.name), cell(it.priority).right(), cell(fields.join(" ")), agents, cell(&it.summary)]);
    }
    format!("{}\n\nA field with ? may be left out. `claude-tasks types NAME` tells more.", table.show())
}

fn page(terminal: &Terminal, it: &TypeView) -> String {
    let mut lines = vec![format!("{}  {}", terminal.paint(Tone::Strong, &it.name), it.summary)];
    lines.push(format!("priority {} unless said otherwise", it.priority));
    lines.push(match it.agents.as_slice() {
        [] => "done by the daemon, after a person's approval; not created by hand".to_owned(),
        agents => format!("taken by {}", agents.join(", ")),
    });
    for (title, schema) in [("takes", &it.payload), ("answers", &it.result)] {
        lines.push(String::new());
        lines.push(terminal.paint(Tone::Strong, title));
        let mut table = Table::new(terminal, &["FIELD", "", "WHAT"]);
        for field in fields(schema) {
            table.row([cell(field.name), cell(if field.required { "required" } else { "" }), cell(described(field.schema))]);
        }
        lines.push(if table.is_empty() { "nothing".to_owned() } else { table.show() });
    }
    if !it.agents.is_empty() {
        lines.push(String::new());
        lines.push(format!("claude-tasks create --type {} --payload '{}'", it.name, example(&it.payload)));
    }
    lines.join("\n")
}

/// A property of a schema.
struct Field<'a> {
    name: &'a str,
    required: bool,
    schema: &'a Value,
}

impl Field<'_> {
    fn short(&self) -> String {
        if self.required { self.name.to_owned() } else { format!("{}?", self.name) }
    }
}

fn fields(schema: &Value) -> impl Iterator<Item = Field<'_>> {
    let required = schema.get("required").and_then(Value::as_array);
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.map(move |(name, schema)| {
        let required = required.is_some_and(|names| names.iter().any(|it| it == name));
        Field { name, required, schema }
    })
}

/// A schema in a few words.
fn described(schema: &Value) -> String {
    let number = |name: &str| schema.get(name).map(Value::to_string);
    let words = match schema.get("type").and_then(Value::as_str) {
        _ if schema.get("enum").is_some() => {
            let choices = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            format!(
                "one of {}",
                choices.map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
            )
        }
        Some("object") => {
            let inner: Vec<String> = fields(schema).map(|field| field.short()).collect();
            format!("object of {}", inner.join(" "))
        }
        Some("array") => {
            let most = number("maxItems").map(|most| format!("up to {most} ")).unwrap_or_default();
            format!("list of {most}× {}", schema.get("items").map(described).unwrap_or_default())
        }
        Some("string") => {
            let most = number("maxLength").map(|most| format!(", up to {most} characters")).unwrap_or_default();
            format!("text{most}")
        }
        Some(kind @ ("integer" | "number")) => match (number("minimum"), number("maximum")) {
            (Some(from), Some(to)) => format!("{kind} from {from} to {to}"),
            (Some(from), None) => format!("{kind} from {from}"),
            (None, Some(to)) => format!("{kind} up to {to}"),
            (None, None) => kind.to_owned(),
        },
        Some("boolean") => "true or false".to_owned(),
        other => other.unwrap_or("anything").to_owned(),
    };
    match schema.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description} ({words})"),
        None => words,
    }
}

/// A payload that only has to be filled in.
fn example(schema: &Value) -> Value {
    if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|choices| choices.first()) {
        return first.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => {
            let required = fields(schema).filter(|field| field.required);
            Value::Object(required.map(|field| (field.name.to_owned(), example(field.schema))).collect())
        }
        Some("array") => Value::Array(schema.get("items").map(example).into_iter().collect()),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 1.into()),
        Some("boolean") => false.into(),
        _ => "…".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_is_told_in_words_and_by_example() {
        let schema = json!({"type": "object", "required": ["topic", "idea"], "properties": {
            "topic": {"type": "string", "maxLength": 400},
            "idea": {"type": "object", "required": ["category"], "properties": {
                "category": {"enum": ["service", "bounty"]}, "price": {"type": "number", "minimum": 0}}},
            "tags": {"type": "array", "maxItems": 3, "items": {"type": "string"}}
        }});
        let told: Vec<String> = fields(&schema).map(|field| format!("{}: {}", field.short(), described(field.schema))).collect();
        assert_eq!(
            told,
            ["topic: text, up to 400 characters", "idea: object of category price?", "tags?: list of up to 3 × text"]
        );
        assert_eq!(example(&schema), json!({"topic": "…", "idea": {"category": "service"}}));
    }
}
