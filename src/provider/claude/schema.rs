//! Reduces a JSON Schema to what the CLI's validator accepts.
//!
//! The CLI compiles the schema with a strict draft-07 validator. One keyword that it does not know (`$schema` of a later draft,
//! `$id`, `unevaluatedProperties`, an `x-` extension, a `format`) makes every answer fail, after five paid attempts, with no word about
//! the cause. What is dropped here is still checked by us, on the result, with the full schema.

use serde_json::{Map, Value};

use crate::provider::launch::LaunchError;

/// Keywords whose value is not a schema.
const PLAIN: [&str; 24] = [
    "$ref",
    "$comment",
    "type",
    "title",
    "description",
    "default",
    "examples",
    "enum",
    "const",
    "required",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "readOnly",
];
/// Keywords whose value is a schema, a list of schemas or a boolean.
const NESTED: [&str; 12] = [
    "items",
    "additionalProperties",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "allOf",
    "anyOf",
    "oneOf",
    "additionalItems",
];
/// Keywords whose value maps names to schemas.
const NAMED: [&str; 4] = ["properties", "patternProperties", "definitions", "$defs"];

/// The schema with only the keywords that the CLI knows, and with `"type": "object"` at its top.
pub fn accepted(schema: &Value) -> Result<Value, LaunchError> {
    let Value::Object(top) = schema else {
        return Err(LaunchError::SchemaNotAnObject { found: schema.to_string() });
    };
    match top.get("type") {
        None => {}
        Some(Value::String(one)) if one == "object" => {}
        Some(other) => return Err(LaunchError::SchemaNotAnObject { found: other.to_string() }),
    }
    let mut reduced = object(top);
    reduced.insert("type".to_owned(), Value::from("object"));
    Ok(Value::Object(reduced))
}

fn reduce(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => Value::Object(object(members)),
        Value::Array(list) => list.iter().map(reduce).collect(),
        other => other.clone(),
    }
}

fn object(members: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    for (key, value) in members {
        let reduced = match key.as_str() {
            key if PLAIN.contains(&key) => value.clone(),
            key if NESTED.contains(&key) => reduce(value),
            key if NAMED.contains(&key) => match value {
                Value::Object(named) => named.iter().map(|(name, schema)| (name.clone(), reduce(schema))).collect(),
                other => other.clone(),
            },
            _ => continue,
        };
        kept.insert(key.clone(), reduced);
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_cli_does_not_know_is_dropped_at_every_depth() {
        let full = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:x", "x-note": 1,
            "properties": {
                "format": { "type": "string", "format": "uri", "minLength": 1 },
                "list": { "type": "array", "items": { "$ref": "#/$defs/item" }, "prefixItems": [{ "type": "string" }] }
            },
            "required": ["format"], "unevaluatedProperties": false, "additionalProperties": false,
            "$defs": { "item": { "anyOf": [{ "type": "string", "x-note": 1 }, { "type": "null" }] } },
            "default": { "format": "kept: this is data" }
        });
        assert_eq!(
            accepted(&full).unwrap(),
            json!({
                "type": "object",
                "properties": {
                    "format": { "type": "string", "minLength": 1 },
                    "list": { "type": "array", "items": { "$ref": "#/$defs/item" } }
                },
                "required": ["format"], "additionalProperties": false,
                "$defs": { "item": { "anyOf": [{ "type": "string" }, { "type": "null" }] } },
                "default": { "format": "kept: this is data" }
            })
        );
    }

    #[test]
    fn a_result_that_is_no_object_is_refused_with_its_type() {
        let error = accepted(&json!({ "type": "array" })).unwrap_err();
        assert_eq!(error.to_string(), "the result schema describes \"array\", and a result must be an object: wrap it in one");
        assert!(accepted(&json!(true)).is_err());
    }
}
