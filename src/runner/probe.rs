//! Running a program of the machine to see what it is and whether it works: `doctor`'s questions. Nothing of a swarm is started here.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// What a program answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Probed {
    /// Whether it says that all is well.
    pub fn is_ok(&self) -> bool {
        self.code == Some(0)
    }

    /// The first line that it printed, or else complained of.
    pub fn first_line(&self) -> &str {
        self.stdout.lines().chain(self.stderr.lines()).map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
    }
}

/// Runs a program with no input and this whole environment. One that takes longer than `patience` is killed.
///
/// # Errors
/// `TimedOut`, or why it cannot be started.
pub async fn probe(program: &Path, args: &[&str], environment: &[(String, String)], patience: Duration) -> io::Result<Probed> {
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", patience.as_secs()));
    let output = timeout(patience, command.output()).await.map_err(|_| late())??;
    Ok(Probed {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, patience: Duration) -> io::Result<Probed> {
        let environment = [("GREETING".to_owned(), "hello".to_owned())];
        probe(Path::new("/bin/sh"), &["-c", script], &environment, patience).await
    }

    #[tokio::test]
    async fn a_program_is_asked_with_the_given_environment_only() {
        let probed = sh("echo; echo $GREETING $CARGO; echo why >&2; exit 3", Duration::from_secs(10)).await.unwrap();
        assert_eq!((probed.code, probed.first_line(), probed.stderr.as_str()), (Some(3), "hello", "why\n"));
        assert!(!probed.is_ok());
        let silent = sh("echo why >&2", Duration::from_secs(10)).await.unwrap();
        assert_eq!((silent.is_ok(), silent.first_line()), (true, "why"));
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_given_up() {
        let error = sh("exec sleep 60", Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let missing = probe(Path::new("/no/such/program"), &[], &[], Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
