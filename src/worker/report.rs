//! Telling the daemon how an attempt ended: what can travel, what is kept, and what it answers. Not here: what the attempt came to
//! (`attempt`).

use super::Worker;
use super::meter::Meter;
use super::pane::{Pane, Tone};
use super::workspace::Workspace;
use crate::domain::error::{Error, Kind};
use crate::domain::failure::FailureClass;
use crate::domain::report::{Ended, Fail};
use crate::domain::task::{JSON_MAX_BYTES, Token};
use crate::failpoint;
use crate::protocol::artifacts::Blob;
use crate::protocol::rpc::Call;
use crate::provider::Failure;

/// Keeps what the pane showed of the attempt among the task's artifacts. An attempt is what it is without it.
pub(super) async fn keep_transcript(worker: &Worker, token: Token, pane: &mut Pane) {
    let kept = async {
        let Blob { sha256, size } = worker.blobs.put_bytes(pane.end_transcript().into_bytes()).await?;
        worker.link.call::<()>(Call::Artifact { token, name: "transcript".to_owned(), sha256, size }).await
    };
    if let Err(error) = kept.await {
        tracing::debug!(%error, "the transcript was not kept");
    }
}

/// The report of an attempt that came to nothing.
pub(super) fn failing(meter: &mut Meter, failure: Failure) -> Call {
    Call::Fail(Fail { progress: meter.next(), class: failure.class, detail: failure.message, resets_at: failure.resets_at })
}

/// Reports how an attempt ended, and shows what the daemon made of it.
///
/// # Errors
/// The daemon's, if it is neither that the claim is over nor that it takes no such report.
pub(super) async fn send(worker: &Worker, task: i64, call: Call, meter: &mut Meter, pane: &mut Pane) -> Result<(), Error> {
    failpoint::reach("worker.before-report");
    let mut said = worker.link.call::<Ended>(call).await;
    if let Err(error) = &said
        && error.kind == Kind::Invalid
    {
        // What cannot be taken as it is will not be taken later either, and an attempt whose end is not known would be made again.
        let failure = Failure { class: FailureClass::EvidenceMissing, message: error.to_string(), resets_at: None };
        said = worker.link.call::<Ended>(failing(meter, failure)).await;
    }
    if matches!(said, Ok(Ended::Done | Ended::Failed)) {
        Workspace::forget_checks(worker, task).await;
    }
    match said {
        Ok(Ended::Done) => pane.show(Tone::Good, "✔", "done"),
        Ok(Ended::Again) => pane.show(Tone::Warn, "↻", "not accepted, or not possible now; it will be tried again"),
        Ok(Ended::Failed) => pane.show(Tone::Bad, "✗", "failed; a person has to look"),
        Ok(Ended::Over) => return released(worker, meter).await,
        Err(error) if matches!(error.kind, Kind::Conflict | Kind::Denied | Kind::Invalid) => {
            pane.show(Tone::Warn, "■", &error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Says that nothing of the attempt is left. A daemon that knows nothing of it is content too.
///
/// # Errors
/// The daemon's, if it is another.
pub(super) async fn released(worker: &Worker, meter: &mut Meter) -> Result<(), Error> {
    match worker.link.call::<()>(Call::Released(meter.next())).await {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.kind, Kind::Conflict | Kind::NotFound | Kind::Denied) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The deepest result that is passed on; a reader at the other end gives up at 128.
const DEPTH_MAX: usize = 64;

/// Whether a result can travel: the daemon must be able to read it before it can refuse it.
pub(super) fn bounded(result: &serde_json::Value) -> Result<(), String> {
    fn depth(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            serde_json::Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }
    let bytes = result.to_string().len();
    if bytes > JSON_MAX_BYTES {
        return Err(format!("the result has {bytes} bytes, and may have {JSON_MAX_BYTES}"));
    }
    let levels = depth(result);
    if levels > DEPTH_MAX {
        return Err(format!("the result is nested {levels} deep, and may be {DEPTH_MAX}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_result_travels_up_to_its_bounds() {
        let nested = |levels: usize| (0..levels).fold(json!("x"), |inner, _| json!([inner]));
        let long = |bytes: usize| Value::String("x".repeat(bytes - 2));
        assert!(bounded(&nested(DEPTH_MAX)).is_ok() && bounded(&long(JSON_MAX_BYTES)).is_ok());
        let deep = bounded(&json!({ "a": nested(DEPTH_MAX) })).unwrap_err();
        assert_eq!(deep, format!("the result is nested {} deep, and may be {DEPTH_MAX}", DEPTH_MAX + 1));
        let large = bounded(&long(JSON_MAX_BYTES + 1)).unwrap_err();
        assert_eq!(large, format!("the result has {} bytes, and may have {JSON_MAX_BYTES}", JSON_MAX_BYTES + 1));
    }
}
