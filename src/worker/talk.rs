//! Which conversation an attempt has with the CLI: a new one, or the one that was cut off. Not here: having it (`live`).

use tokio::sync::mpsc;
use uuid::Uuid;

use super::conversation::ConversationFile;
use super::live::{self, End};
use super::pane::Pane;
use super::running::Running;
use crate::domain::error::Error;
use crate::domain::failure::FailureClass;
use crate::protocol::rpc::Notice;
use crate::provider::Conversation;

/// Talks to the CLI. A conversation that turns out to be there already is gone on with; one that turns out not to be there, or of which
/// the CLI can make nothing, is begun.
///
/// # Errors
/// The daemon's refusal, or what of the machine failed.
pub(super) async fn talk(
    running: &mut Running<'_>,
    pane: &mut Pane,
    typed: &mut mpsc::Receiver<String>,
    notices: &mut mpsc::Receiver<Notice>,
) -> Result<End, Error> {
    let (id, assignment) = (running.assignment.conversation, running.assignment);
    let file = ConversationFile::of(running.worker, &running.workspace, id);
    let mut resume = assignment.resume && file.as_ref().is_some_and(ConversationFile::is_there);
    for last in [false, false, true] {
        let correction = assignment.correction.as_ref().filter(|it| !file.as_ref().is_some_and(|file| file.holds(it.id)));
        let (conversation, message, opening) = match (resume, correction) {
            (true, None) => (Conversation::Resume(id), Uuid::new_v4(), &assignment.resume_prompt),
            (true, Some(correction)) => (Conversation::Resume(id), correction.id, &correction.text),
            (false, _) => (Conversation::New(id), Uuid::new_v4(), &assignment.prompt),
        };
        if resume {
            pane.note("the conversation goes on where it was cut off");
        }
        let end = live::converse(running, conversation, file.as_ref(), (message, opening), pane, typed, notices).await?;
        // Only what comes before the first request is about the conversation; later it would be another's word, and each process costs anew.
        let early = !last && running.meter.is_unused();
        match &end {
            End::Failed(failure) if early && failure.class == FailureClass::ConversationInUse => resume = true,
            End::Failed(failure) if early && failure.class == FailureClass::ConversationUnknown => {
                if let Some(file) = &file {
                    let failed = |error| Error::unavailable(format!("the conversation's file cannot be set aside: {error}"));
                    file.set_aside(assignment.attempt).map_err(failed)?;
                }
                resume = false;
            }
            _ => return Ok(end),
        }
        running.meter.next_process();
    }
    Err(Error::unavailable("the conversation can neither be begun nor resumed"))
}
