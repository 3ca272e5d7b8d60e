//! The login for a provider: where it is looked for, in which order, and what is said if there is none.
//!
//! Not here: what the paths and variables are (`config`), handing the login on (`worker`).

use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;

use super::file::read_secret;
use crate::domain::credential::Credential;
use crate::domain::error::Error;
use crate::domain::time::Millis;

/// What came of looking for a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// There is one.
    Found {
        /// The login.
        credential: Credential,
        /// Where it was, for people.
        source: String,
        /// When it ends, if that is known.
        expires_at: Option<Millis>,
    },
    /// The only one there is has ended.
    Expired {
        /// Where it was, for people.
        source: String,
        /// When it ended.
        expired_at: Millis,
        /// What to do.
        remedy: String,
    },
    /// There is none.
    None {
        /// Where was looked, and what was there, for people.
        looked_at: Vec<String>,
        /// What to do.
        remedy: String,
    },
}

/// Where to look.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The home's folder for logins, where there is a home.
    pub secrets_dir: Option<&'a Path>,
    /// The person's HOME, in which the Claude CLI keeps its own login.
    pub user_home: Option<&'a Path>,
    /// `ANTHROPIC_API_KEY` of the daemon's environment.
    pub api_key: Option<&'a str>,
    /// `CLAUDE_CODE_OAUTH_TOKEN` of the daemon's environment.
    pub oauth_token: Option<&'a str>,
    /// The time of day.
    pub now: Millis,
}

/// Looks for a login for Claude: `anthropic_api_key`, then `claude_code_oauth_token` in the home's folder, then the two variables, then
/// the login of the person's own Claude CLI, of which the token that can renew it is never taken.
///
/// # Errors
/// `Denied` for a file in the home's folder that others may read, `Invalid` for one that holds no single word, `Unavailable` for one
/// that cannot be read. None of these is passed over in favour of the next place: whoever put the file there meant it.
pub fn claude_credentials(sources: &Sources<'_>) -> Result<Login, Error> {
    type Kind = fn(String) -> Credential;
    let mut looked_at = Vec::new();
    let found = |credential, source| Ok(Login::Found { credential, source, expires_at: None });
    let files = [("anthropic_api_key", Credential::ApiKey as Kind), ("claude_code_oauth_token", Credential::OauthToken as Kind)];
    for (name, kind) in files {
        let Some(file) = sources.secrets_dir.map(|folder| folder.join(name)) else { continue };
        match read_secret(&file)? {
            Some(secret) => return found(kind(secret.expose().to_owned()), file.display().to_string()),
            None => looked_at.push(format!("{}: not there", file.display())),
        }
    }
    for (name, value, kind) in [
        ("ANTHROPIC_API_KEY", sources.api_key, Credential::ApiKey as Kind),
        ("CLAUDE_CODE_OAUTH_TOKEN", sources.oauth_token, Credential::OauthToken as Kind),
    ] {
        match value.map(str::trim).filter(|value| !value.is_empty()) {
            Some(value) => return found(kind(value.to_owned()), format!("the variable {name}")),
            None => looked_at.push(format!("the variable {name}: not set")),
        }
    }
    let folder = sources.secrets_dir.unwrap_or(Path::new("config/secrets")).display();
    let remedy = format!(
        "write an API key into {folder}/anthropic_api_key or the token of `claude setup-token` into {folder}/claude_code_oauth_token, \
         chmod 600; or run `claude` once and log in"
    );
    match sources.user_home.map(|home| home.join(".claude/.credentials.json")) {
        Some(file) => match own_login(&file) {
            Ok((_, Some(expired_at))) if expired_at <= sources.now => {
                let remedy = "run `claude` once, which renews it, or `claude setup-token` for one that lasts".to_owned();
                return Ok(Login::Expired { source: file.display().to_string(), expired_at, remedy });
            }
            Ok((token, expires_at)) => {
                let credential = Credential::OauthToken(token);
                return Ok(Login::Found { credential, source: file.display().to_string(), expires_at });
            }
            Err(why) => looked_at.push(format!("{}: {why}", file.display())),
        },
        None => looked_at.push("~/.claude/.credentials.json: HOME is not set".to_owned()),
    }
    Ok(Login::None { looked_at, remedy })
}

/// The token of the person's own CLI, and when it ends.
fn own_login(file: &Path) -> Result<(String, Option<Millis>), String> {
    let text = std::fs::read_to_string(file).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "not there".to_owned(),
        _ => error.to_string(),
    })?;
    let value: Value = serde_json::from_str(&text).map_err(|_| "is not JSON".to_owned())?;
    let login = value.get("claudeAiOauth").ok_or("holds no login (claudeAiOauth)")?;
    let token = login.get("accessToken").and_then(Value::as_str).map(str::trim).filter(|token| !token.is_empty());
    let token = token.ok_or("holds no claudeAiOauth.accessToken")?;
    Ok((token.to_owned(), login.get("expiresAt").and_then(Value::as_i64).map(Millis)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::domain::error::Kind;

    const NOW: Millis = Millis(1_000_000);

    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("secrets")).unwrap();
            fs::create_dir_all(folder.path().join("user/.claude")).unwrap();
            Self { folder }
        }

        fn secret(&self, name: &str, text: &str, mode: u32) {
            let path = self.folder.path().join("secrets").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }

        fn own(&self, text: &str) {
            fs::write(self.folder.path().join("user/.claude/.credentials.json"), text).unwrap();
        }

        fn look(&self, api_key: Option<&str>, oauth_token: Option<&str>) -> Result<Login, Error> {
            let (secrets_dir, user_home) = (self.folder.path().join("secrets"), self.folder.path().join("user"));
            let sources =
                Sources { secrets_dir: Some(&secrets_dir), user_home: Some(&user_home), api_key, oauth_token, now: NOW };
            claude_credentials(&sources)
        }

        fn found(&self, api_key: Option<&str>, oauth_token: Option<&str>) -> Credential {
            match self.look(api_key, oauth_token).unwrap() {
                Login::Found { credential, .. } => credential,
                other => panic!("{other:?}"),
            }
        }
    }

    fn own(expires_at: i64) -> String {
        serde_json::json!({"claudeAiOauth": {"accessToken": "own-token", "refreshToken": "never", "expiresAt": expires_at}})
            .to_string()
    }

    #[test]
    fn the_nearest_place_wins() {
        let place = Place::new();
        place.own(&own(NOW.0 + 1));
        assert_eq!(place.found(None, None), Credential::OauthToken("own-token".into()));
        assert_eq!(place.found(None, Some("env-token")), Credential::OauthToken("env-token".into()));
        assert_eq!(place.found(Some("env-key"), Some("env-token")), Credential::ApiKey("env-key".into()));
        place.secret("claude_code_oauth_token", "file-token\n", 0o600);
        assert_eq!(place.found(Some("env-key"), None), Credential::OauthToken("file-token".into()));
        place.secret("anthropic_api_key", " file-key \n", 0o400);
        assert_eq!(place.found(Some("env-key"), None), Credential::ApiKey("file-key".into()));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_and_not_passed_over() {
        let place = Place::new();
        for mode in [0o640, 0o604, 0o644, 0o620] {
            place.secret("anthropic_api_key", "file-key", mode);
            let error = place.look(Some("env-key"), None).unwrap_err();
            assert_eq!(error.kind, Kind::Denied, "{mode:o}");
            assert!(error.hint.unwrap().starts_with("chmod 600 "));
        }
    }

    #[test]
    fn a_file_that_holds_no_single_word_is_refused_without_being_shown() {
        let place = Place::new();
        for text in ["", "\n", "two words", "one\ntwo", "\u{feff}key"] {
            place.secret("anthropic_api_key", text, 0o600);
            let error = place.look(None, None).unwrap_err();
            assert_eq!(error.kind, Kind::Invalid, "{text:?}");
            assert!(text.trim().is_empty() || !error.to_string().contains(text.trim()), "{error}");
        }
    }

    #[test]
    fn an_expired_login_is_told_from_none() {
        let place = Place::new();
        place.own(&own(NOW.0));
        match place.look(None, None).unwrap() {
            Login::Expired { expired_at, remedy, .. } => {
                assert_eq!(expired_at, NOW);
                assert!(remedy.contains("run `claude` once") && remedy.contains("claude setup-token"), "{remedy}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_any_all_places_are_named() {
        let place = Place::new();
        for (text, why) in [("{", "is not JSON"), ("{}", "holds no login"), ("{\"claudeAiOauth\": {}}", "accessToken")] {
            place.own(text);
            match place.look(Some("  "), None).unwrap() {
                Login::None { looked_at, .. } => {
                    assert_eq!(looked_at.len(), 5);
                    assert!(looked_at[4].contains(why), "{looked_at:?}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_token_that_renews_is_never_taken() {
        let place = Place::new();
        place.own(&own(NOW.0 + 1));
        let login = place.look(None, None).unwrap();
        assert!(!format!("{login:?}").contains("never") && !format!("{login:?}").contains("own-token"));
        match login {
            Login::Found { credential, expires_at, .. } => {
                assert_eq!(credential.expose(), "own-token");
                assert_eq!(expires_at, Some(Millis(NOW.0 + 1)));
            }
            other => panic!("{other:?}"),
        }
    }
}
