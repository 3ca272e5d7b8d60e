//! The programs: are they there, which version, do they run.

use std::path::Path;
use std::time::Duration;

use super::Finding;
use crate::cli::variables;
use crate::config::{Config, Environment, Program};
use crate::domain::text::one_line;
use crate::runner::{Probed, probe};

/// How long a program may take to say its version. A large binary on a cold disk takes seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a program; what keeps it from answering, in words.
pub(super) async fn ask(environment: &Environment, program: &Path, args: &[&str]) -> Result<Probed, String> {
    let mut variables = variables::plain(environment);
    // tmux wants to know the terminal even where it shows nothing on it.
    variables.push(("TERM", "xterm-256color".into()));
    let probed = probe(program, args, &variables::as_text(variables), PATIENCE).await.map_err(|error| error.to_string())?;
    if probed.is_ok() {
        return Ok(probed);
    }
    let code = probed.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
    let said = [probed.stderr.as_str(), probed.stdout.as_str()].into_iter().find(|text| !text.trim().is_empty());
    Err(format!("{code}: {}", one_line(said.unwrap_or("no word"), 300)))
}

/// The first two numbers of a version: `tmux 3.3a` is (3, 3).
pub(super) fn version(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut numbers = text[start..].split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next().and_then(Result::ok).unwrap_or(0)))
}

/// tmux: there, new enough, and able to hold a session.
pub(super) async fn tmux(environment: &Environment) -> Finding {
    let install = "install tmux 3.2 or newer (Debian and Ubuntu: apt install tmux)";
    let Some(program) = environment.find_program("tmux") else {
        return Finding::fail("tmux", "not on the PATH", install);
    };
    let said = match ask(environment, &program, &["-V"]).await {
        Ok(probed) => one_line(probed.first_line(), 60),
        Err(why) => return Finding::fail("tmux", format!("{} does not run: {why}", program.display()), install),
    };
    if version(&said).is_some_and(|version| version < (3, 2)) {
        return Finding::fail("tmux", format!("{said} is too old"), install);
    }
    // A server of its own, which goes away with its only session.
    let server = format!("claude-swarm-doctor-{}", std::process::id());
    let session = ["-L", &server, "-f", "/dev/null", "new-session", "-d", "sleep 5", ";", "kill-server"];
    let held = ask(environment, &program, &session).await;
    let place = environment.tmux_tmpdir.as_deref().unwrap_or(Path::new("/tmp"));
    // tmux leaves the socket of a server behind that is gone. Where there is none, there is nothing to remove.
    let socket = place.join(format!("tmux-{}", rustix::process::geteuid().as_raw())).join(&server);
    drop(std::fs::remove_file(socket));
    match held {
        Ok(_) => Finding::ok("tmux", format!("{said}, and holds a session")),
        Err(why) => {
            let remedy = format!("see that {} can be written to", place.display());
            Finding::fail("tmux", format!("{said} cannot hold a session: {why}"), remedy)
        }
    }
}

/// git: products' histories are kept with it.
pub(super) async fn git(environment: &Environment) -> Finding {
    let install = "install git (Debian and Ubuntu: apt install git); products' histories are kept with it";
    let Some(program) = environment.find_program("git") else {
        return Finding::fail("git", "not on the PATH", install);
    };
    match ask(environment, &program, &["--version"]).await {
        Ok(probed) => Finding::ok("git", one_line(probed.first_line(), 60)),
        Err(why) => Finding::fail("git", format!("{} does not run: {why}", program.display()), install),
    }
}

/// The Claude CLI: the configured one, or the one on the PATH.
pub(super) async fn claude(environment: &Environment, config: Option<&Config>) -> Finding {
    let install =
        "install it (npm install -g @anthropic-ai/claude-code), or set providers.claude.program in config/settings.yaml";
    let program = match config.map(|config| &config.settings.claude.program) {
        Some(Program::At(path)) => path.clone(),
        Some(Program::Auto) | None => match environment.find_program("claude") {
            Some(path) => path,
            None => return Finding::fail("claude", "not on the PATH", install),
        },
    };
    match ask(environment, &program, &["--version"]).await {
        Ok(probed) => Finding::ok("claude", format!("{} at {}", one_line(probed.first_line(), 60), program.display())),
        Err(why) => Finding::fail("claude", format!("{} does not run: {why}", program.display()), install),
    }
}

/// The Codex CLI, which no role needs yet.
pub(super) async fn codex(environment: &Environment) -> Finding {
    let Some(program) = environment.find_program("codex") else {
        return Finding::ok("codex", "not on the PATH; it is optional");
    };
    match ask(environment, &program, &["--version"]).await {
        Ok(probed) => Finding::ok("codex", one_line(probed.first_line(), 60)),
        Err(why) => {
            Finding::warn("codex", format!("{} does not run: {why}", program.display()), "it is optional; mend or remove it")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_programs_write_them() {
        for (text, expected) in [
            ("tmux 3.3a", Some((3, 3))),
            ("tmux next-3.5", Some((3, 5))),
            ("bubblewrap 0.8.0", Some((0, 8))),
            ("git version 2.39.5", Some((2, 39))),
            ("3", Some((3, 0))),
            ("none", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }
}
