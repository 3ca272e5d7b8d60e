//! What the CLI is told while it runs, and what of it is in the conversation: a message is delivered when the CLI says its id back.

use std::collections::{HashMap, HashSet};

use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use uuid::Uuid;

use super::pipes;
use super::running::Running;
use crate::client::link::Link;
use crate::domain::error::Error;
use crate::domain::task::Token;
use crate::protocol::rpc::{Call, Message};
use crate::provider::Provider;

/// One process's side of the conversation.
pub(super) struct Messages {
    provider: &'static dyn Provider,
    link: Link,
    token: Token,
    /// What it is to be told, until nothing more follows.
    stdin: Option<mpsc::UnboundedSender<String>>,
    writing: AbortHandle,
    /// What was sent and has not come back: by its id, the message's number if it is one.
    sent: HashMap<Uuid, Option<i64>>,
    /// What it was told, by its id. The daemon may say a message again before it knows that it was delivered.
    told: HashSet<Uuid>,
    /// What the daemon is being told of messages that are in the conversation. It may be away, and the CLI is followed all the same.
    telling: JoinSet<Result<(), Error>>,
}

impl Messages {
    pub(super) fn start(running: &Running<'_>, provider: &'static dyn Provider, to: UnixStream) -> Self {
        let (stdin, said) = mpsc::unbounded_channel();
        let writing = tokio::spawn(pipes::write_lines(to, said)).abort_handle();
        let (link, token) = (running.worker.link.clone(), running.assignment.token);
        let (sent, told, telling) = (HashMap::new(), HashSet::new(), JoinSet::new());
        Self { provider, link, token, stdin: Some(stdin), writing, sent, told, telling }
    }

    /// Tells it something that is no message of anybody.
    pub(super) fn say(&mut self, id: Uuid, text: &str) {
        self.told.insert(id);
        self.send(id, text, None);
    }

    /// Tells it a message, if it was not told before.
    pub(super) fn deliver(&mut self, message: &Message) {
        if self.stdin.is_some() && self.told.insert(message.uuid) {
            let text = format!("Message from {}:\n\n{}", message.sender, message.body);
            self.send(message.uuid, &text, Some(message.id));
        }
    }

    fn send(&mut self, id: Uuid, text: &str, message: Option<i64>) {
        if let Some(stdin) = &self.stdin {
            self.sent.insert(id, message);
            // A CLI that reads no more is about to end, and says why itself.
            drop(stdin.send(self.provider.user_message(id, text)));
        }
    }

    /// A message is in the conversation already, from a process before this one.
    pub(super) fn is_there(&mut self, message: &Message) {
        self.told.insert(message.uuid);
        self.tell_delivered(message.id);
    }

    /// The CLI says what it was told under this id: it is in the conversation. Answers whether it was told that by us.
    pub(super) fn echoed(&mut self, id: Option<Uuid>) -> bool {
        let Some(id) = id else { return false };
        if let Some(Some(message)) = self.sent.remove(&id) {
            self.tell_delivered(message);
        }
        self.told.contains(&id)
    }

    fn tell_delivered(&mut self, message: i64) {
        let (link, call) = (self.link.clone(), Call::Delivered { token: self.token, message });
        self.telling.spawn(async move { link.call::<()>(call).await });
    }

    /// Whether all that it was told is in the conversation.
    pub(super) fn all_heard(&self) -> bool {
        self.sent.is_empty()
    }

    /// Nothing more follows: the CLI may go when it has answered.
    pub(super) fn nothing_follows(&mut self) {
        drop(self.stdin.take());
    }

    /// Writes nothing more.
    pub(super) fn stop(&self) {
        self.writing.abort();
    }

    /// Answers when the daemon knows which messages are in the conversation.
    ///
    /// # Errors
    /// The daemon's refusal: the claim is over.
    pub(super) async fn daemon_knows(mut self) -> Result<(), Error> {
        while let Some(told) = self.telling.join_next().await {
            told.map_err(|error| Error::unavailable(format!("a message could not be noted: {error}")))??;
        }
        Ok(())
    }
}
