//! The login: is there one where the daemon will look. Nothing of it is shown; whether it still works is not asked.

use super::Finding;
use crate::cli::time;
use crate::clock;
use crate::config::{Config, Environment, Home, HomeKind};
use crate::secrets::{Login, Sources, claude_credentials};

const NAME: &str = "login";

/// Looks where the daemon looks, by the same function.
pub(super) fn check(environment: &Environment, home: Option<&Home>, config: Option<&Config>) -> Finding {
    if config.is_some_and(|config| config.kind == HomeKind::Rehearsal) {
        return Finding::ok(NAME, "not needed: in a rehearsal a script plays the models");
    }
    let secrets_dir = home.map(Home::secrets_dir);
    let sources = Sources {
        secrets_dir: secrets_dir.as_deref(),
        user_home: environment.user_home.as_deref(),
        api_key: environment.anthropic_api_key.as_deref(),
        oauth_token: environment.claude_code_oauth_token.as_deref(),
        now: clock::now(),
    };
    match claude_credentials(&sources) {
        Ok(Login::Found { source, expires_at: Some(end), .. }) => {
            let lasting = "`claude setup-token` makes one that lasts, for config/secrets/claude_code_oauth_token";
            Finding::warn(NAME, format!("{source}, until {}", time::moment(end)), lasting)
        }
        Ok(Login::Found { source, expires_at: None, .. }) => Finding::ok(NAME, source),
        Ok(Login::Expired { source, expired_at, remedy }) => {
            Finding::fail(NAME, format!("{source} ended at {}", time::moment(expired_at)), remedy)
        }
        Ok(Login::None { remedy, .. }) => {
            Finding::fail(NAME, "none found in config/secrets, in the environment or in ~/.claude", remedy)
        }
        Err(error) => {
            let remedy = error.hint.clone().unwrap_or_else(|| "make it readable for you only".to_owned());
            Finding::fail(NAME, error.to_string(), remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

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
        assert!(finding.message.contains("ANTHROPIC_API_KEY") && !finding.message.contains("sk-secret"), "{finding:?}");
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
