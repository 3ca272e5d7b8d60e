//! `claude-tasks create`.

use std::io::Read;

use clap::Args;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::domain::error::Error;
use crate::domain::text::one_line;
use crate::protocol::BODY_MAX;
use crate::protocol::tasks::CreateTask;

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Its type; `claude-tasks types` lists them
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// 1 to 10, 10 first; otherwise the type's own
    #[arg(long, value_name = "N")]
    priority: Option<i64>,
    /// What it is given: JSON, @FILE, or - for the standard input
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    payload: Option<String>,
    /// A task that must be done first; may be given more than once
    #[arg(long, alias = "after", value_name = "ID", num_args = 1.., value_delimiter = ',')]
    needs: Vec<i64>,
    /// Asking again under the same key is asking once
    #[arg(long, value_name = "KEY")]
    dedup_key: Option<String>,
    /// The product it is for
    #[arg(long, value_name = "ID")]
    product: Option<i64>,
}

impl Create {
    pub async fn run(self, context: &Context) -> Done {
        let task = CreateTask {
            kind: self.kind,
            priority: self.priority,
            payload: self.payload.as_deref().map(payload).transpose()?.unwrap_or_else(|| Value::Object(Default::default())),
            needs: self.needs,
            dedup_key: self.dedup_key,
            product: self.product,
        };
        let created = context.operator()?.create_task(&task).await?;
        if context.terminal.json {
            return context.terminal.say_json_line(&created);
        }
        let verb = if created.existed { "was there already" } else { "created" };
        context.terminal.say(format!("task {} {verb}", created.id))
    }
}

/// The payload that an argument stands for.
fn payload(argument: &str) -> Result<Value, Error> {
    let text = match argument.strip_prefix('@') {
        Some(path) => {
            let file = std::fs::File::open(path);
            let file = file.map_err(|error| Error::invalid("payload", format!("{}: {error}", one_line(path, 200))))?;
            read(file)?
        }
        None if argument == "-" => read(std::io::stdin().lock())?,
        None => argument.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| {
        Error::invalid("payload", format!("is not JSON: {error}"))
            .hint(r#"write for example --payload '{"topic": "link checkers"}', or --payload @FILE"#)
    })
}

/// At most what a request may hold.
fn read(from: impl Read) -> Result<String, Error> {
    let mut text = String::new();
    let limit = u64::try_from(BODY_MAX).unwrap_or(u64::MAX);
    let size = from.take(limit + 1).read_to_string(&mut text);
    match size {
        Ok(size) if size > BODY_MAX => Err(Error::invalid("payload", format!("is larger than {BODY_MAX} bytes"))
            .hint("put what is large into a file of the product")),
        Ok(_) => Ok(text),
        Err(error) => Err(Error::invalid("payload", format!("cannot be read: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_payload_is_json_or_a_file_with_json() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), r#"{"a": [1]}"#).unwrap();
        assert_eq!(payload(&format!("@{}", file.path().display())).unwrap(), json!({"a": [1]}));
        assert_eq!(payload(r#"{"b": null}"#).unwrap(), json!({"b": null}));
        for bad in ["", "{", "@/no/such/file", "topic=x", "{} {}"] {
            assert_eq!(payload(bad).unwrap_err().field.as_deref(), Some("payload"), "{bad:?}");
        }
        std::fs::write(file.path(), vec![b' '; BODY_MAX + 1]).unwrap();
        assert!(payload(&format!("@{}", file.path().display())).unwrap_err().message.contains("larger"));
    }
}
