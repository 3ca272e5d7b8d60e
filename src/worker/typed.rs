//! What a person types in the pane: each line becomes a message to the agent, whatever the worker is doing at the time.

use std::io::{self, BufRead};

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::client::link::Link;
use crate::domain::error::Kind;
use crate::protocol::rpc::Call;

/// Lines that may wait to be sent, and words about them that may wait to be shown.
const WAITING: usize = 64;

/// The longest line that is taken from a person, in bytes.
const LINE_MAX: usize = 16 * 1024;

/// Sends on what is typed from now on. Answers with what there is to tell the person about it.
pub(super) fn listen(link: Link) -> mpsc::Receiver<String> {
    let mut lines = lines();
    let (tell, told) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while let Some(text) = lines.recv().await {
            // The name is given here, so that a line which has to be sent again is the same message.
            let note = match link.call::<i64>(Call::Typed { id: Uuid::new_v4(), text }).await {
                Ok(id) => format!("message {id} to this agent: it is read at the next turn, or with the next task"),
                Err(error) if error.kind == Kind::Invalid => format!("not taken: {error}"),
                Err(_) => return,
            };
            if tell.send(note).await.is_err() {
                return;
            }
        }
    });
    told
}

/// The lines that are typed. Reading blocks, so a thread of its own does it; it ends with the pane.
fn lines() -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel(WAITING);
    let read = move || {
        for line in io::stdin().lock().lines() {
            let Ok(mut line) = line else { return };
            line.truncate(line.floor_char_boundary(LINE_MAX));
            if !line.trim().is_empty() && send.blocking_send(line).is_err() {
                return;
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("typed".to_owned()).spawn(read) {
        tracing::warn!(%error, "what is typed is not read");
    }
    receive
}
