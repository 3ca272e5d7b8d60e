//! The login: is there one where the daemon will look. Nothing of it is kept or shown; whether it still works is not asked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::Deserialize;

use super::Finding;
use crate::cli::time;
use crate::config::{Config, Environment, Home, HomeKind};
use crate::domain::time::Millis;

const NAME: &str = "login";

/// Looks where the daemon looks, in its order: the home's files, the variables, the person's own Claude CLI.
pub(super) fn check(environment: &Environment, home: Option<&Home>, config: Option<&Config>) -> Finding {
    if config.is_some_and(|config| config.kind == HomeKind::Rehearsal) {
        return Finding::ok(NAME, "not needed: in a rehearsal a script plays the models");
    }
    if let Some(home) = home {
        for name in ["anthropic_api_key", "claude_code_oauth_token"] {
            if let Some(finding) = file(&home.secrets_dir().join(name)) {
                return finding;
            }
        }
    }
    let variables = [
        ("ANTHROPIC_API_KEY", &environment.anthropic_api_key),
        ("CLAUDE_CODE_OAUTH_TOKEN", &environment.claude_code_oauth_token),
    ];
    if let Some((name, _)) = variables.iter().find(|(_, value)| value.as_deref().is_some_and(|value| !value.trim().is_empty())) {
        return Finding::ok(NAME, format!("{name} is set; `claude-swarm start` hands it to the daemon"));
    }
    let own = environment.user_home.as_ref().map(|home| home.join(".claude/.credentials.json"));
    if let Some(finding) = own.and_then(|path| own_login(&path)) {
        return finding;
    }
    let folder = home.map_or_else(|| "config/secrets".to_owned(), |home| home.secrets_dir().display().to_string());
    let remedy = format!(
        "write an API key into {folder}/anthropic_api_key, or the token of `claude setup-token` into \
         {folder}/claude_code_oauth_token (chmod 600); or run `claude` once and log in"
    );
    Finding::fail(NAME, "none found in config/secrets, in the environment or in ~/.claude", remedy)
}

/// None if it is not there.
fn file(path: &Path) -> Option<Finding> {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Finding::fail(NAME, format!("{shown}: {error}"), "make it readable for you only")),
    };
    let mode = metadata.permissions().mode() & 0o777;
    Some(if mode & 0o077 != 0 {
        let remedy = format!("chmod 600 {shown}; if others may have read it, ask for a new one");
        Finding::fail(NAME, format!("{shown} can be read or changed by others: its mode is {mode:o}"), remedy)
    } else if metadata.len() == 0 {
        Finding::fail(NAME, format!("{shown} is empty"), "write the key or token into it, on one line")
    } else {
        Finding::ok(NAME, format!("{shown}"))
    })
}

#[derive(Deserialize)]
struct OwnLogin {
    #[serde(rename = "claudeAiOauth")]
    oauth: Option<Expiry>,
}

/// Of the login only when it ends is read.
#[derive(Deserialize)]
struct Expiry {
    #[serde(rename = "expiresAt")]
    expires_at: Option<i64>,
}

/// None if there is no login in it.
fn own_login(path: &Path) -> Option<Finding> {
    let shown = path.display();
    let oauth = serde_json::from_str::<OwnLogin>(&fs::read_to_string(path).ok()?).ok()?.oauth?;
    let lasting = "`claude setup-token` makes one that lasts, for config/secrets/claude_code_oauth_token";
    Some(match oauth.expires_at.map(Millis) {
        Some(end) if end <= crate::clock::now() => {
            let remedy = format!("run `claude` once, which renews it; {lasting}");
            Finding::fail(NAME, format!("{shown} ended at {}", time::moment(end)), remedy)
        }
        Some(end) => Finding::warn(NAME, format!("{shown}, until {}", time::moment(end)), lasting),
        None => Finding::ok(NAME, shown.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("config/secrets")).unwrap();
        fs::write(folder.path().join("config/settings.yaml"), "").unwrap();
        let home = Home::open(folder.path()).unwrap();
        (folder, home)
    }

    #[test]
    fn a_file_that_others_may_read_is_not_passed_over() {
        let (_folder, home) = home();
        let key = home.secrets_dir().join("anthropic_api_key");
        fs::write(&key, "sk-secret").unwrap();
        let environment = Environment { claude_code_oauth_token: Some("token".into()), ..Environment::default() };
        for (mode, verdict) in [(0o644, Verdict::Fail), (0o600, Verdict::Ok)] {
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            let finding = check(&environment, Some(&home), None);
            assert_eq!(finding.verdict, verdict);
            assert!(!format!("{finding:?}").contains("sk-secret"));
        }
    }

    #[test]
    fn the_variable_then_the_persons_own_login_then_nothing() {
        let (folder, home) = home();
        let mut environment = Environment { anthropic_api_key: Some("sk-secret".into()), ..Environment::default() };
        let finding = check(&environment, Some(&home), None);
        assert!(finding.message.starts_with("ANTHROPIC_API_KEY") && !finding.message.contains("sk-secret"), "{finding:?}");
        environment = Environment { user_home: Some(folder.path().into()), ..Environment::default() };
        assert_eq!(check(&environment, Some(&home), None).verdict, Verdict::Fail);
        fs::create_dir(folder.path().join(".claude")).unwrap();
        let own = folder.path().join(".claude/.credentials.json");
        for (expires, verdict) in [("1", Verdict::Fail), ("99999999999999", Verdict::Warn)] {
            fs::write(&own, format!(r#"{{"claudeAiOauth": {{"accessToken": "own-token", "expiresAt": {expires}}}}}"#)).unwrap();
            let finding = check(&environment, Some(&home), None);
            assert_eq!(finding.verdict, verdict);
            assert!(!format!("{finding:?}").contains("own-token"));
        }
    }
}
