//! JSON for people: names and values, indented; long texts as they were written.

use serde_json::Value;

use crate::domain::text::clean;

/// The value as lines, each indented by so many spaces.
pub(crate) fn outline(value: &Value, indent: usize) -> String {
    let mut lines = Vec::new();
    put(value, indent, &mut lines);
    lines.join("\n")
}

fn put(value: &Value, indent: usize, lines: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(fields) if fields.is_empty() => lines.push(format!("{pad}(nothing)")),
        Value::Object(fields) => {
            for (name, value) in fields {
                entry(&format!("{}:", clean(name)), value, indent, lines);
            }
        }
        Value::Array(items) if items.is_empty() => lines.push(format!("{pad}(none)")),
        Value::Array(items) => items.iter().for_each(|item| entry("-", item, indent, lines)),
        Value::String(text) => lines.extend(clean(text).lines().map(|line| format!("{pad}{line}"))),
        other => lines.push(format!("{pad}{other}")),
    }
}

/// A value behind its name: on the same line if it fits there.
fn entry(name: &str, value: &Value, indent: usize, lines: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    let short = match value {
        Value::String(text) if !text.contains('\n') => Some(clean(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(items) if items.is_empty() => Some("(none)".to_owned()),
        Value::Object(fields) if fields.is_empty() => Some("(nothing)".to_owned()),
        _ => None,
    };
    match short {
        Some(short) => lines.push(format!("{pad}{name} {short}").trim_end().to_owned()),
        None => {
            lines.push(format!("{pad}{name}"));
            put(value, indent + 2, lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_values_and_long_texts() {
        let value = json!({
            "title": "Link checker", "price_usd": 3.5, "tags": [], "text": "one\n\u{1b}[2Jtwo",
            "findings": [{"where": "a.rs", "what": "x"}, "plain"]
        });
        let shown = "  title: Link checker\n  price_usd: 3.5\n  tags: (none)\n  text:\n    one\n    [2Jtwo\n  findings:\n    -\n      where: a.rs\n      what: x\n    - plain";
        assert_eq!(outline(&value, 2), shown);
        assert_eq!(outline(&json!({}), 2), "  (nothing)");
    }
}
