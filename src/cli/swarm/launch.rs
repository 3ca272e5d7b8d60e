//! Starting the daemon where none runs, and waiting until it answers.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::tail;
use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::cli::progress::Progress;
use crate::cli::variables;
use crate::client::{ClientError, Operator};
use crate::config::{Home, HomeKind, Problem, load};
use crate::domain::error::Error;
use crate::runner::{Detach, Detached};

/// How long the daemon may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one that runs may take to answer that it is well.
const ANSWER: Duration = Duration::from_secs(5);

/// Lines of the log that are shown when it does not come up.
const LINES: usize = 20;

/// How the daemon is to be started.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    pub auto_approve: bool,
    pub pace: Option<f64>,
}

impl Manner {
    fn is_plain(self) -> bool {
        !self.auto_approve && self.pace.is_none()
    }
}

/// The home's daemon, started if it does not run.
pub(super) async fn daemon(context: &Context, home: &Home, manner: Manner) -> Done<Operator> {
    if !manner.is_plain() && home.declared_kind()? != HomeKind::Rehearsal {
        let error = Error::denied("only a rehearsal can be approved or paced by a script, and this home is real");
        return Err(error.hint("`claude-swarm init DIR --rehearsal` makes a home for rehearsals").into());
    }
    match answering(home, ANSWER).await {
        Ok(operator) if manner.is_plain() => return Ok(operator),
        Ok(_) => {
            let error = Error::conflict("the daemon runs already, and is not changed while it does");
            return Err(error.hint("`claude-swarm stop` first, then start it again").into());
        }
        Err(ClientError::NotRunning { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let loaded = load(home).map_err(|problems| {
        let shown: Vec<String> = problems.iter().map(Problem::to_string).collect();
        Failure::failed_with(shown.join("\n"), "mend the files named above; the daemon was not started")
    })?;
    home.make_folders()?;
    let log = home.daemon_log();
    make_room(&log, loaded.config.settings.logs.max_bytes);
    let before = fs::metadata(&log).map_or(0, |metadata| metadata.size());
    let mut child = detached(context, home, manner)?;
    let progress = Progress::start(&context.terminal, &format!("the daemon starts (process {})", child.pid()));
    let why = match come_up(home, &mut child).await? {
        Ok(operator) => return Ok(operator),
        Err(why) => why,
    };
    drop(progress);
    let said = tail::since(&log, before, LINES).unwrap_or_default();
    let said = if said.is_empty() { "and wrote nothing".to_owned() } else { format!("and wrote:\n{}", said.join("\n")) };
    Err(Failure::failed_with(format!("the daemon {why}, {said}"), format!("its log is {}", log.display())))
}

/// Begins a new log where the one that is there is full; the one before it is kept.
fn make_room(log: &Path, max_bytes: u64) {
    if fs::metadata(log).is_ok_and(|metadata| metadata.size() > max_bytes) {
        // A log that cannot be moved grows on, which stops nothing.
        drop(fs::rename(log, log.with_extension("log.1")));
    }
}

async fn answering(home: &Home, patience: Duration) -> Result<Operator, ClientError> {
    let operator = Operator::at(&home.operator_socket())?;
    operator.health(patience).await?;
    Ok(operator)
}

/// Waits until the daemon answers; otherwise says what became of it.
async fn come_up(home: &Home, child: &mut Detached) -> Done<Result<Operator, String>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match answering(home, Duration::from_secs(2)).await {
            Ok(operator) => return Ok(Ok(operator)),
            Err(ClientError::NotRunning { .. }) => {}
            Err(ClientError::Refused(_)) if Instant::now() < deadline => {}
            Err(error) => return Err(error.into()),
        }
        let pid = child.pid();
        let unwatched = |error| Failure::failed(format!("the daemon (process {pid}) cannot be watched: {error}"));
        if let Some(end) = child.ended().map_err(unwatched)? {
            // Two starts at once: the other's daemon is as good.
            return Ok(answering(home, ANSWER).await.map_err(|_| format!("ended at once with {end}")));
        }
        if Instant::now() >= deadline {
            let waited = PATIENCE.as_secs();
            return Ok(Err(format!("(process {}) does not answer after {waited} s", child.pid())));
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn detached(context: &Context, home: &Home, manner: Manner) -> Done<Detached> {
    let program = std::env::current_exe().map_err(|error| Failure::failed(format!("this program's own file: {error}")))?;
    let mut args: Vec<OsString> = vec!["daemon".into(), "--home".into(), home.root().into()];
    if manner.auto_approve {
        args.push("--auto-approve".into());
    }
    if let Some(pace) = manner.pace {
        args.extend(["--pace".into(), pace.to_string().into()]);
    }
    let detach = Detach {
        program: &program,
        args,
        environment: variables::of_daemon(&context.environment),
        folder: home.root(),
        log: &home.daemon_log(),
    };
    detach.start().map_err(|error| Failure::failed(format!("{}: {error}", program.display())))
}
