//! JSON Schema, as far as the product uses it: is this schema one, and does this value keep to it?

use serde_json::Value;

use super::error::Error;

/// Says whether `schema` is a usable JSON Schema.
///
/// # Errors
/// What is wrong with it, in one line.
pub fn check(schema: &Value) -> Result<(), String> {
    jsonschema::validator_for(schema).map(drop).map_err(|error| error.to_string())
}

/// Holds `value` to `schema`; `field` is what the value is called in the answer (`payload`, `result`).
///
/// # Errors
/// `Invalid`, naming the first place that misses the schema and how many others do.
pub fn validate(field: &str, schema: &Value, value: &Value) -> Result<(), Error> {
    let validator =
        jsonschema::validator_for(schema).map_err(|error| Error::invalid(field, format!("its schema is broken: {error}")))?;
    let mut errors = validator.iter_errors(value);
    let Some(first) = errors.next() else { return Ok(()) };
    let more = errors.count();
    let path = first.instance_path().to_string().replace('/', ".");
    let message = super::text::one_line(&first.to_string(), 300);
    let error = Error::invalid(format!("{field}{path}"), message);
    Err(if more > 0 {
        error.hint(format!("{more} more like this; `claude-tasks types` shows what each type takes"))
    } else {
        error.hint("`claude-tasks types` shows what each type takes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_place_is_named() {
        let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}}});
        assert!(validate("payload", &schema, &json!({"a": {"b": 1}})).is_ok());
        let error = validate("payload", &schema, &json!({"a": {"b": "x"}})).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("payload.a.b"));
        assert!(validate("payload", &schema, &json!({})).is_err());
    }
}
