//! What a person types in the pane: each line becomes a message to the agent, whatever the worker is doing at the time.

use std::io::{self, BufRead, IsTerminal};

use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::client::link::Link;
use crate::domain::error::Kind;
use crate::domain::text;
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
                Err(error) if error.kind == Kind::Unavailable => format!("not taken, say it again later: {error}"),
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
        plain();
        let mut input = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.read_until(b'\n', &mut line) {
                // Nobody can type any more. At a terminal it only means that somebody pressed Ctrl-D.
                Ok(0) if !io::stdin().is_terminal() => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            }
            let mut line = text::clean(&String::from_utf8_lossy(&line));
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

/// Makes every key a letter of a line: at a terminal that stops, ends or freezes what runs there (Ctrl-C, Ctrl-Z, Ctrl-S, Ctrl-D), a slip of the
/// hand would take the agent's task from it.
fn plain() {
    let input = io::stdin();
    // Where it is no terminal there are no such keys.
    let Ok(mut terminal) = tcgetattr(&input) else { return };
    terminal.local_modes.remove(LocalModes::ISIG);
    terminal.input_modes.remove(InputModes::IXON);
    terminal.special_codes[SpecialCodeIndex::VEOF] = 0;
    if let Err(error) = tcsetattr(&input, OptionalActions::Now, &terminal) {
        tracing::warn!(%error, "the terminal's keys keep their meanings");
    }
}
