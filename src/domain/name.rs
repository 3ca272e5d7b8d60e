//! Names that end up in paths, session names and addresses, and are therefore narrow.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::Error;

/// The longest name, in bytes; with the prefix `claude-` it still fits everywhere.
pub const NAME_MAX: usize = 40;

/// The name of an agent: `hunter`, `developer-3`. Lower-case letters, digits and inner hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgentName(String);

impl AgentName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AgentName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if is_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid("agent", format!("{text:?} is not a name of an agent")).hint(format!(
                "a name begins with a letter, holds lower-case letters, digits and inner hyphens, and is at most {NAME_MAX} long"
            )))
        }
    }
}

impl TryFrom<String> for AgentName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<AgentName> for String {
    fn from(name: AgentName) -> Self {
        name.0
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is safe as a name of an agent, role or product.
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// A name made of a title: `Markdown link checker!` becomes `markdown-link-checker`. Falls back to `product`.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        if slug.len() >= NAME_MAX - 8 {
            break;
        }
        if c.is_ascii_lowercase() || (c.is_ascii_digit() && !slug.is_empty()) {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let cut = if slug.len() < NAME_MAX - 8 { slug.len() } else { slug.rfind('-').filter(|at| *at > 8).unwrap_or(slug.len()) };
    let slug = slug[..cut].trim_matches('-');
    if slug.is_empty() { "product".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_names() {
        for title in ["Markdown link checker!", "  42 things", "Ünïcode — only", "日本語", "-", "a", &"x y ".repeat(60)] {
            assert!(is_name(&slug(title)), "{title:?} gave {:?}", slug(title));
        }
        assert_eq!(slug("Markdown link checker!"), "markdown-link-checker");
    }

    #[test]
    fn names_that_could_leave_a_folder_are_refused() {
        for bad in ["", "..", "a/b", "A", "-a", "a-", "1a", "a b", "a\n", &"a".repeat(41)] {
            assert!(bad.parse::<AgentName>().is_err(), "{bad:?}");
        }
    }
}
