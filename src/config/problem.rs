//! What is wrong with a file of the home: where, what, and the way out.
//!
//! Not here: finding it (`settings`, `roles`, `pipeline`), and showing it (`cli`, `daemon`).

use std::fmt;

use crate::domain::error::Error;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, counted from 1.
    pub line: u64,
    /// The character in the line, counted from 1.
    pub column: u64,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The home cannot be used like this.
    Error,
    /// It can, but somebody should know.
    Warning,
}

/// One thing that is wrong with a home's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, relative to the home: `config/settings.yaml`.
    pub file: String,
    /// The line, counted from 1, where one is to blame.
    pub line: Option<u64>,
    /// The character in the line, counted from 1.
    pub column: Option<u64>,
    /// The field, as a path: `budget.daily_usd`.
    pub field: Option<String>,
    /// What is wrong, with the value.
    pub message: String,
    /// What to do.
    pub remedy: Option<String>,
    /// How bad it is.
    pub severity: Severity,
}

impl Problem {
    /// Something that makes the home unusable.
    pub fn error(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
            field: None,
            message: message.into(),
            remedy: None,
            severity: Severity::Error,
        }
    }

    /// Something that somebody should know.
    pub fn warning(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, message) }
    }

    /// Adds where it is.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.line = place.map(|place| place.line);
        self.column = place.map(|place| place.column);
        self
    }

    /// Adds which field it is; an empty path is none.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into()).filter(|field| !field.is_empty());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The problems as one refusal, for a caller that answers with one.
    pub fn refusal(problems: &[Self]) -> Error {
        let shown: Vec<String> = problems.iter().map(Self::to_string).collect();
        Error::invalid("configuration", shown.join("\n")).hint("mend the files named above; nothing was changed")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n  → {remedy}"),
            None => Ok(()),
        }
    }
}
