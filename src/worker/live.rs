//! One process of the CLI, from its start to its end: lines in, facts out, messages to it, and everything that can end it early.

use std::collections::{HashMap, HashSet};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::attempt::Running;
use super::command::{self, Program};
use super::conversation::ConversationFile;
use super::pane::{Pane, Tone};
use super::places::Places;
use super::transcript;
use crate::domain::budget::{MicroUsd, Usage};
use crate::domain::error::Error;
use crate::domain::failure::FailureClass;
use crate::domain::price;
use crate::domain::report::Progress;
use crate::domain::task::Token;
use crate::domain::text;
use crate::failpoint;
use crate::protocol::rpc::{Call, Message, Notice};
use crate::provider::{self, Answer, Conversation, Ending, Fact, Failure, Launch, MAX_LINE_BYTES, Provider};
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

/// The end of standard error that is kept, in bytes.
const STDERR: usize = 8 * 1024;

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
    cli.say(id, &Places::of(running.worker, &running.workspace).text(opening));
    for message in running.assignment.messages.clone() {
        // An attempt that was lost may have died before it could say that it had delivered it.
        if file.is_some_and(|file| file.holds(message.uuid)) {
            cli.told.insert(message.uuid);
            cli.tell_delivered(running, message.id);
        } else {
            cli.deliver(message);
        }
    }
    let end = cli.follow(running, pane, typed, notices).await;
    cli.end().await?;
    end
}

/// A running CLI.
struct Cli {
    child: Child,
    /// What it is to be told, until nothing more follows.
    stdin: Option<mpsc::UnboundedSender<String>>,
    writing: AbortHandle,
    lines: mpsc::Receiver<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    provider: &'static dyn Provider,
    parser: Box<dyn provider::Parser>,
    /// What was sent and has not come back: by its id, the message's number if it is one.
    sent: HashMap<Uuid, Option<i64>>,
    /// The messages that it was told. The daemon may say one again before it knows that it was delivered.
    told: HashSet<Uuid>,
    /// What the daemon is being told of messages that are in the conversation. It may be away, and the CLI is followed all the same.
    telling: JoinSet<Result<(), Error>>,
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
        launch.max_budget_usd = Some(assignment.budget_usd);
        launch.max_retries = settings.max_retries;
        launch.extra_args.clone_from(&settings.args);
        launch.base_url.clone_from(&settings.base_url);
        launch.extra_env.clone_from(&settings.env);
        launch.extra_env.insert("CLAUDE_SWARM_SOCKET".to_owned(), format!("{}/swarm.sock", places.socket_dir));
        launch.credential.clone_from(&assignment.credential);
        let line = provider.command(&launch).map_err(|error| Error::invalid("launch", error.to_string()))?;
        let program = Program { profile: Profile::Cli, argv: line.argv, env: line.env, stdin: Stdio::piped(), git_dir: None };
        let mut child = command::spawn(worker, &running.workspace, program).await?;
        let (send, lines) = mpsc::channel(LINES);
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(read_lines(stdout, send));
        }
        let stderr = tokio::spawn(read_tail(child.stderr.take()));
        let parser = provider.parser(true);
        let (stdin, said) = mpsc::unbounded_channel();
        let writing = tokio::spawn(write_lines(child.stdin.take(), said)).abort_handle();
        let (sent, told, telling) = (HashMap::new(), HashSet::new(), JoinSet::new());
        Ok(Self { child, stdin: Some(stdin), writing, lines, stderr, provider, parser, sent, told, telling })
    }

    fn say(&mut self, id: Uuid, text: &str) {
        if let Some(stdin) = &self.stdin {
            self.sent.insert(id, None);
            // A CLI that reads no more is about to end, and says why itself.
            drop(stdin.send(self.provider.user_message(id, text)));
        }
    }

    fn deliver(&mut self, message: Message) {
        if self.stdin.is_none() || !self.told.insert(message.uuid) {
            return;
        }
        self.say(message.uuid, &format!("Message from {}:\n\n{}", message.sender, message.body));
        self.sent.insert(message.uuid, Some(message.id));
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
        // What the last turn came to, and the one before it while that is not over.
        let mut last: Option<Result<Answer, Failure>> = None;
        let mut before: Option<Result<Answer, Failure>> = None;
        let mut leave: Option<Instant> = None;
        loop {
            tokio::select! {
                line = self.lines.recv() => {
                    let Some(line) = line else { break };
                    heard = Instant::now();
                    for fact in self.parser.feed(&line) {
                        transcript::show(pane, &fact);
                        match fact {
                            Fact::Delivered { id: Some(id), .. } => {
                                self.delivered(running, id);
                                // It is answered in a turn of its own, if the one before is over.
                                before = last.take().or(before);
                            }
                            Fact::ToolReturned { .. } => failpoint::reach("worker.mid-stream"),
                            // What the agent started can write where the CLI writes. After the last answer there is no other.
                            Fact::Finished(_) if leave.is_some() => {
                                let message = "a second answer came after the last one; neither is trusted";
                                return Ok(failed(FailureClass::Garbage, message.to_owned()));
                            }
                            Fact::Finished(outcome) => {
                                running.meter.turn_ended(outcome.cost.0);
                                last = Some(joined(before.take(), outcome.result));
                            }
                            _ => {}
                        }
                    }
                    running.meter.process_used(self.parser.usage(), &running.assignment.model);
                    if reported.elapsed() >= REPORT {
                        reported = Instant::now();
                        running.report_progress();
                    }
                    if last.is_some() && self.sent.is_empty() && leave.is_none() {
                        // Nothing follows: the CLI may go.
                        drop(self.stdin.take());
                        leave = Some(Instant::now() + LEAVE);
                    }
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
                reason = running.keeper.over() => return Ok(End::Stopped(reason)),
                Some(note) = typed.recv() => pane.note(&note),
                notice = notices.recv() => match notice {
                    Some(Notice::Message(message)) => self.deliver(message),
                    Some(Notice::Stop { token, reason }) if token == running.assignment.token => return Ok(End::Stopped(reason)),
                    Some(Notice::Stop { .. }) => {}
                    None => return Ok(End::Stopped("the daemon has no use for this worker any more".to_owned())),
                },
            }
        }
        let status = tokio::time::timeout(LEAVE, self.child.wait()).await.ok().and_then(Result::ok);
        let stderr = (&mut self.stderr).await.unwrap_or_default();
        Ok(match last {
            // Only a CLI that ended well by itself has said what it meant to say: product code that runs beside it could have written
            // its answer and then ended it.
            Some(Ok(answer)) if status.is_some_and(|status| status.success()) => End::Answered(answer),
            Some(Ok(_)) => {
                failed(FailureClass::Crashed, "the CLI answered, but did not end well; the answer is not trusted".to_owned())
            }
            Some(Err(failure)) => End::Failed(failure),
            None => self.without_result(status, &String::from_utf8_lossy(&stderr), pane),
        })
    }

    /// A message is in the conversation.
    fn delivered(&mut self, running: &Running<'_>, id: Uuid) {
        if let Some(Some(message)) = self.sent.remove(&id) {
            self.tell_delivered(running, message);
        }
    }

    fn tell_delivered(&mut self, running: &Running<'_>, message: i64) {
        let (link, call) = (running.worker.link.clone(), Call::Delivered { token: running.assignment.token, message });
        self.telling.spawn(async move { link.call::<()>(call).await });
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
        self.writing.abort();
        // It may be gone already, which is what is wanted.
        drop(self.child.kill().await);
        self.stderr.abort();
        while let Some(told) = self.telling.join_next().await {
            told.map_err(|error| Error::unavailable(format!("a message could not be noted: {error}")))??;
        }
        Ok(())
    }
}

/// What two turns came to: a person's message may be answered by a few words, and the result of the turn before still stands.
fn joined(before: Option<Result<Answer, Failure>>, last: Result<Answer, Failure>) -> Result<Answer, Failure> {
    match (before, last) {
        (Some(Ok(before)), Ok(Answer { text, structured: None })) => Ok(Answer { text, structured: before.structured }),
        (_, last) => last,
    }
}

fn failed(class: FailureClass, message: String) -> End {
    End::Failed(Failure { class, message, resets_at: None })
}

/// Writes lines until nothing more follows, which the CLI is then told. How long it takes to read them is its own matter.
async fn write_lines(to: Option<ChildStdin>, mut lines: mpsc::UnboundedReceiver<String>) {
    let Some(mut to) = to else { return };
    while let Some(line) = lines.recv().await {
        if to.write_all(line.as_bytes()).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

/// Reads lines until there are no more. A line that is too long is handed on cut, which its reader takes for garbage.
async fn read_lines(from: impl AsyncRead + Unpin, to: mpsc::Sender<Vec<u8>>) {
    let mut reader = BufReader::with_capacity(64 * 1024, from);
    loop {
        let mut line = Vec::new();
        let most = MAX_LINE_BYTES as u64 + 1;
        match (&mut reader).take(most).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                if to.send(line).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Reads to the end and keeps the last part.
async fn read_tail(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut from) = from else { return Vec::new() };
    let (mut kept, mut buffer) = (Vec::new(), vec![0; STDERR]);
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..n]);
        let extra = kept.len().saturating_sub(STDERR);
        kept.drain(..extra);
    }
    kept
}

/// What an attempt has used, over all its processes.
pub(super) struct Meter {
    token: Token,
    report: i64,
    before: (Usage, i64),
    usage: Usage,
    imputed: i64,
    said: i64,
}

impl Meter {
    pub(super) fn new(token: Token) -> Self {
        let none = Usage::default();
        Self { token, report: 0, before: (none, 0), usage: none, imputed: 0, said: 0 }
    }

    /// A process has used this much so far.
    fn process_used(&mut self, usage: Usage, model: &str) {
        self.usage = usage;
        self.imputed = price::imputed(model, &usage).0;
    }

    /// The CLI says what its process cost so far.
    fn turn_ended(&mut self, cost: i64) {
        self.said = self.said.max(cost);
    }

    /// The next process counts from nothing again.
    pub(super) fn next_process(&mut self) {
        let total = self.total();
        self.before = (total.0, total.1);
        (self.usage, self.imputed, self.said) = (Usage::default(), 0, 0);
    }

    /// Tokens, and cost in millionths of a dollar: the CLI's own word, or what the tokens cost by the price list if that is more.
    fn total(&self) -> (Usage, i64) {
        let cost = self.said.max(self.imputed);
        (self.before.0.plus(self.usage), self.before.1 + cost)
    }

    /// The next report.
    pub(super) fn next(&mut self) -> Progress {
        self.report += 1;
        let (usage, cost) = self.total();
        Progress { token: self.token, report: self.report, usage, cost: MicroUsd(cost) }
    }
}
