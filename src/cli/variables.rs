//! What programs that a command starts are given of the person's environment: named one by one, so that nothing else gets there.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::config::Environment;

/// A variable's name and value.
pub(crate) type Variable = (&'static str, OsString);

/// What any program may have. Nothing secret: tmux hands it to every session, of the person too.
pub(crate) fn plain(environment: &Environment) -> Vec<Variable> {
    given([
        ("PATH", text(&environment.path)),
        ("HOME", path(&environment.user_home)),
        ("LANG", text(&environment.lang)),
        ("TMUX_TMPDIR", path(&environment.tmux_tmpdir)),
    ])
}

/// What the daemon gets. Secrets are handed on here, and never as arguments.
pub(crate) fn of_daemon(environment: &Environment) -> Vec<Variable> {
    let mut variables = plain(environment);
    variables.extend(given([
        ("XDG_RUNTIME_DIR", path(&environment.xdg_runtime_dir)),
        ("XDG_CONFIG_HOME", path(&environment.xdg_config_home)),
        ("NO_COLOR", environment.no_color.then(|| "1".into())),
        ("CLAUDE_SWARM_LOG", text(&environment.swarm_log)),
        ("ANTHROPIC_API_KEY", text(&environment.anthropic_api_key)),
        ("CLAUDE_CODE_OAUTH_TOKEN", text(&environment.claude_code_oauth_token)),
        ("ANTHROPIC_BASE_URL", text(&environment.anthropic_base_url)),
    ]));
    variables
}

/// The same as text, as the runner takes it. A path that is not UTF-8 is not found by then.
pub(crate) fn as_text(variables: Vec<Variable>) -> Vec<(String, String)> {
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_string_lossy().into_owned())).collect()
}

fn given<const N: usize>(all: [(&'static str, Option<OsString>); N]) -> Vec<Variable> {
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn text(value: &Option<String>) -> Option<OsString> {
    value.as_ref().map(OsString::from)
}

fn path(value: &Option<PathBuf>) -> Option<OsString> {
    value.as_ref().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_daemon_gets_secrets_and_what_is_not_set_is_not_given() {
        let environment = Environment {
            path: Some("/usr/bin".into()),
            user_home: Some("/home/me".into()),
            anthropic_api_key: Some("sk-ant-secret".into()),
            ..Environment::default()
        };
        let names = |variables: Vec<Variable>| variables.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(plain(&environment)), ["PATH", "HOME"]);
        assert_eq!(names(of_daemon(&environment)), ["PATH", "HOME", "ANTHROPIC_API_KEY"]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(as_text(plain(&environment)), [pair("PATH", "/usr/bin"), pair("HOME", "/home/me")]);
    }
}
