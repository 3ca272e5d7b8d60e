//! One process of the CLI, from its start to its end: lines in, facts out, messages to it, and everything that can end it early.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::command::{self, Program};
use super::conversation::ConversationFile;
use super::messages::Messages;
use super::pane::{Pane, Tone};
use super::pipes::Ends;
use super::places::Places;
use super::running::Running;
use super::turns::Turns;
use super::{pipes, transcript};
use crate::domain::budget::MicroUsd;
use crate::domain::error::Error;
use crate::domain::failure::{AccountEffect, FailureClass};
use crate::domain::text;
use crate::failpoint;
use crate::protocol::rpc::Notice;
use crate::provider::{self, Answer, Conversation, Ending, Fact, Failure, Launch, Provider};
use crate::sandbox::Profile;

/// How the conversation ended.
pub(super) enum End {
    /// With an answer.
    Answered(Answer),
    /// Without.
    Failed(Failure),
    /// The claim is over.
    Stopped(String),
}

/// Lines that may wait to be read.
const LINES: usize = 4;

/// How long a CLI that was told that nothing follows may take to end.
const LEAVE: Duration = Duration::from_secs(15);

/// How often usage is reported at the most.
const REPORT: Duration = Duration::from_secs(3);

/// The file with the role's prompt, in the agent's home.
pub(super) const ROLE_FILE: &str = ".swarm-role.md";

/// Runs the CLI once, in a conversation that is kept in `file`. What it is told first has an id, under which it says that it has heard it.
pub(super) async fn converse(
    running: &mut Running<'_>,
    conversation: Conversation,
    file: Option<&ConversationFile>,
    (id, opening): (Uuid, &str),
    pane: &mut Pane,
    typed: &mut mpsc::Receiver<String>,
    notices: &mut mpsc::Receiver<Notice>,
) -> Result<End, Error> {
    let provider = provider::named(&running.worker.welcome.provider.name)
        .ok_or_else(|| Error::unavailable(format!("the provider {} is not known", running.worker.welcome.provider.name)))?;
    let mut cli = Cli::start(running, provider, conversation).await?;
    cli.messages.say(id, &Places::of(running.worker, &running.workspace).text(opening));
    for message in &running.assignment.messages {
        // An attempt that was lost may have died before it could say that it had delivered it.
        if file.is_some_and(|file| file.holds(message.uuid)) {
            cli.messages.is_there(message);
        } else {
            cli.messages.deliver(message);
        }
    }
    let end = cli.follow(running, pane, typed, notices).await;
    cli.end().await?;
    end
}

/// A running CLI.
struct Cli {
    child: Child,
    messages: Messages,
    lines: mpsc::Receiver<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    provider: &'static dyn Provider,
    parser: Box<dyn provider::Parser>,
}

impl Cli {
    async fn start(running: &Running<'_>, provider: &'static dyn Provider, conversation: Conversation) -> Result<Self, Error> {
        let (worker, assignment) = (running.worker, running.assignment);
        let settings = &worker.welcome.provider;
        let places = Places::of(worker, &running.workspace);
        let mut launch = Launch::new(&places.program, conversation);
        launch.model.clone_from(&assignment.model);
        launch.system_prompt = Some(format!("{}/{ROLE_FILE}", places.home));
        launch.result_schema = Some(assignment.result_schema.clone());
        launch.max_budget_usd = Some(running.meter.left(MicroUsd::from_usd(assignment.budget_usd)).usd());
        launch.max_retries = settings.max_retries;
        launch.extra_args.clone_from(&settings.args);
        launch.base_url.clone_from(&settings.base_url);
        launch.extra_env.clone_from(&settings.env);
        launch.extra_env.insert("CLAUDE_SWARM_SOCKET".to_owned(), format!("{}/swarm.sock", places.socket_dir));
        launch.credential.clone_from(&assignment.credential);
        let line = provider.command(&launch).map_err(|error| Error::invalid("launch", error.to_string()))?;
        let sockets = pipes::sockets().map_err(|error| Error::unavailable(format!("the CLI's standard streams: {error}")))?;
        let (Ends { stdin, stdout, stderr }, stdio) = sockets;
        let program = Program { profile: Profile::Cli, argv: line.argv, env: line.env, stdio, git_dir: None };
        let child = command::spawn(worker, &running.workspace, program).await?;
        let (send, lines) = mpsc::channel(LINES);
        tokio::spawn(pipes::read_lines(stdout, send));
        let stderr = tokio::spawn(pipes::read_tail(stderr));
        let parser = provider.parser();
        let messages = Messages::start(running, provider, stdin);
        Ok(Self { child, messages, lines, stderr, provider, parser })
    }

    /// Follows the CLI until it has ended or must be ended.
    async fn follow(
        &mut self,
        running: &mut Running<'_>,
        pane: &mut Pane,
        typed: &mut mpsc::Receiver<String>,
        notices: &mut mpsc::Receiver<Notice>,
    ) -> Result<End, Error> {
        let silence = Duration::from_millis(running.worker.welcome.provider.stall_ms);
        let deadline = running.deadline;
        let mut heard = Instant::now();
        let mut reported = Instant::now();
        let mut turns = Turns::default();
        // Whether code that is not the CLI's own may have run beside it.
        let mut ran = false;
        // By when a CLI that was told that nothing follows must have ended.
        let mut leave: Option<Instant> = None;
        loop {
            tokio::select! {
                line = self.lines.recv() => {
                    let Some(line) = line else { break };
                    heard = Instant::now();
                    // Before anything of it is cut, or a part of a secret would be left that is no secret any more.
                    for fact in self.parser.feed(&pane.redactor.redact_bytes(&line)) {
                        transcript::show(pane, &fact);
                        match fact {
                            Fact::Delivered { id, .. } => {
                                if !self.messages.echoed(id) {
                                    let message = "the CLI was told something that did not come from here; nothing after it is trusted";
                                    return Ok(failed(FailureClass::Garbage, message.to_owned()));
                                }
                                turns.heard();
                            }
                            Fact::ToolCalled { .. } => ran = true,
                            Fact::ToolReturned { .. } => failpoint::reach("worker.mid-stream"),
                            Fact::Finished(outcome) => {
                                if let Err(failure) = turns.ended(outcome.result) {
                                    return Ok(End::Failed(failure));
                                }
                                running.meter.turn_ended(outcome.cost);
                            }
                            _ => {}
                        }
                    }
                    running.meter.process_used(self.parser.usage(), &running.assignment.model);
                    if self.messages.all_heard() && turns.close() {
                        self.messages.nothing_follows();
                        leave = Some(Instant::now() + LEAVE);
                    }
                }
                () = sleep_until(reported + REPORT) => {
                    reported = Instant::now();
                    running.report_progress();
                }
                () = sleep_until(leave.unwrap_or(deadline)), if leave.is_some() => {
                    return Ok(failed(FailureClass::Stalled, "the CLI answered and did not end".to_owned()));
                }
                () = sleep_until(heard + silence) => {
                    return Ok(failed(FailureClass::Stalled, format!("nothing was heard of the CLI for {} s", silence.as_secs())));
                }
                () = sleep_until(deadline) => {
                    return Ok(failed(FailureClass::Timeout, "the attempt took longer than its type allows".to_owned()));
                }
                Some(note) = typed.recv() => pane.note(&note),
                notice = notices.recv() => match notice {
                    Some(Notice::Message(message)) => self.messages.deliver(&message),
                    Some(Notice::Stop { token, reason }) if token == running.assignment.token => return Ok(End::Stopped(reason)),
                    Some(Notice::Stop { .. }) => {}
                    None => return Ok(End::Stopped("the daemon has no use for this worker any more".to_owned())),
                },
            }
        }
        let status = tokio::time::timeout(LEAVE, self.child.wait()).await.ok().and_then(Result::ok);
        // Where there is no sandbox, something may live on that keeps it open.
        let stderr = tokio::time::timeout(LEAVE, &mut self.stderr).await.ok().and_then(Result::ok).unwrap_or_default();
        let stderr = pane.redactor.redact(&String::from_utf8_lossy(&stderr));
        let end = match turns.result() {
            // Only a CLI that ended well by itself has said what it meant to say: product code that runs beside it could have written
            // its answer and then ended it.
            Some(Ok(answer)) if status.is_some_and(|status| status.success()) => End::Answered(answer),
            Some(Ok(_)) => {
                failed(FailureClass::Crashed, "the CLI answered, but did not end well; the answer is not trusted".to_owned())
            }
            Some(Err(failure)) => End::Failed(failure),
            None => self.without_result(status, &stderr, pane),
        };
        Ok(match end {
            End::Failed(failure) if ran => End::Failed(doubted(failure)),
            end => end,
        })
    }

    fn without_result(&self, status: Option<ExitStatus>, stderr: &str, pane: &mut Pane) -> End {
        use std::os::unix::process::ExitStatusExt;
        let (exit, signal) = (status.and_then(|status| status.code()), status.and_then(|status| status.signal()));
        let class = self.provider.classify_exit(&Ending { exit, signal, stderr_tail: stderr });
        if !stderr.trim().is_empty() {
            pane.show(Tone::Bad, "!", &text::one_line(stderr, 400));
        }
        let how = match (exit, signal) {
            (Some(code), _) => format!("exited with {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "did not end".to_owned(),
        };
        failed(class, format!("the CLI {how} without a result. {}", text::one_line(stderr, 400)))
    }

    /// Ends the CLI and everything it started, if anything is left. Answers when the daemon knows which messages are in the conversation:
    /// how the attempt ended is told after that, or they would be delivered once more.
    ///
    /// # Errors
    /// The daemon's refusal: the claim is over.
    async fn end(mut self) -> Result<(), Error> {
        self.messages.stop();
        // It may be gone already, which is what is wanted.
        drop(self.child.kill().await);
        self.stderr.abort();
        self.messages.daemon_knows().await
    }
}

/// What a CLI says of its account when code of a product has run beside it: that code may have said it in the CLI's place, to close the account
/// for everybody. So the account only cools, and the next attempt asks before it runs anything.
fn doubted(failure: Failure) -> Failure {
    match failure.class.effect().account {
        AccountEffect::None | AccountEffect::Cool => failure,
        AccountEffect::Exhausted | AccountEffect::LoginRequired => {
            let message = format!("{}, which the next attempt will confirm or not: {}", failure.class, failure.message);
            Failure { class: FailureClass::RateLimited, message, resets_at: None }
        }
    }
}

fn failed(class: FailureClass, message: String) -> End {
    End::Failed(Failure { class, message, resets_at: None })
}
