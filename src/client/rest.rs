//! REST: one function an operation.
//!
//! Not here: how a request travels and what its answer means (`http`).

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::http::{Answer, Http};
use super::socket::Socket;
use crate::domain::approval::Decision;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::protocol::Id;
use crate::protocol::agents::{Agents, Tell};
use crate::protocol::approvals::{ApprovalDetail, ApprovalView, Decide};
use crate::protocol::daemon::{Halted, Health};
use crate::protocol::income::IncomeBody;
use crate::protocol::products::ProductView;
use crate::protocol::status::StatusView;
use crate::protocol::tasks::{CreateTask, Created, Depend, Reason, TaskDetail, TaskView, TypeView};

/// How long an ordinary answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A halt is answered when every process is gone.
const HALT_PATIENCE: Duration = Duration::from_secs(90);

/// Whoever holds the daemon's socket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Operator {
    http: Http,
}

/// Which tasks to list.
#[derive(Debug, Clone, Default)]
pub struct TaskQuery {
    /// Only in this state.
    pub state: Option<String>,
    /// Only of this type.
    pub kind: Option<String>,
    /// Only for this product.
    pub product: Option<i64>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// The operations. Errors are the daemon's own, or [`NotRunning`](super::ClientError::NotRunning).
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Operator {
    /// Whoever may use the socket at this path. Nothing is asked yet: `NotRunning` where not even its folder is there, `Denied` where it
    /// is not this user's.
    pub fn at(path: &Path) -> Answer<Self> {
        Ok(Self { http: Http::at(path)? })
    }

    pub(super) fn socket(&self) -> Arc<Socket> {
        self.http.socket()
    }

    /// Whether the daemon is well. Answers within `patience` or not at all.
    pub async fn health(&self, patience: Duration) -> Answer<Health> {
        self.http.ask(self.http.request(Method::GET, &["healthz"])?, patience).await
    }

    /// The swarm at a glance.
    pub async fn status(&self) -> Answer<StatusView> {
        self.get(&["api", "v1", "status"], &[]).await
    }

    /// Stops everything at once, and answers when it is gone.
    pub async fn halt(&self, reason: Option<String>) -> Answer<Halted> {
        let request = self.http.request(Method::POST, &["api", "v1", "halt"])?.json(&Reason { reason });
        self.http.ask(request, HALT_PATIENCE).await
    }

    /// Ends the daemon; sessions live on. Answers before it is gone.
    pub async fn shut_down(&self) -> Answer<()> {
        self.post::<Value>(&["api", "v1", "shutdown"], &Reason::default()).await.map(drop)
    }

    /// Starts, stops, pauses or resumes agents (`verb`), all where none is named. Answers which changed.
    pub async fn agents(&self, verb: &str, agents: Vec<String>, reason: Option<String>) -> Answer<Vec<String>> {
        let changed: Agents = self.post(&["api", "v1", "agents", verb], &Agents { agents, reason }).await?;
        Ok(changed.agents)
    }

    /// Sends a message to an agent. Answers the message's number.
    pub async fn tell(&self, agent: &str, body: String) -> Answer<i64> {
        let id: Id = self.post(&["api", "v1", "agents", agent, "messages"], &Tell { body, id: Some(Uuid::new_v4()) }).await?;
        Ok(id.id)
    }

    /// Says that an account can be used again.
    pub async fn open_account(&self, name: &str) -> Answer<()> {
        self.post::<Agents>(&["api", "v1", "accounts", name, "open"], &Reason::default()).await.map(drop)
    }

    /// Creates a task.
    pub async fn create_task(&self, task: &CreateTask) -> Answer<Created> {
        self.post(&["api", "v1", "tasks"], task).await
    }

    /// Tasks, newest first.
    pub async fn tasks(&self, query: &TaskQuery) -> Answer<Vec<TaskView>> {
        let fields = [
            ("state", query.state.clone()),
            ("type", query.kind.clone()),
            ("product", query.product.map(|id| id.to_string())),
            ("limit", query.limit.map(|limit| limit.to_string())),
        ];
        let given: Vec<(&str, String)> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        self.get(&["api", "v1", "tasks"], &given).await
    }

    /// Everything about a task.
    pub async fn task(&self, id: i64) -> Answer<TaskDetail> {
        self.get(&["api", "v1", "tasks", &id.to_string()], &[]).await
    }

    /// Cancels a task.
    pub async fn cancel_task(&self, id: i64, reason: Option<String>) -> Answer<TaskDetail> {
        self.post(&["api", "v1", "tasks", &id.to_string(), "cancel"], &Reason { reason }).await
    }

    /// Starts a task that is over from the beginning.
    pub async fn retry_task(&self, id: i64) -> Answer<TaskDetail> {
        self.post(&["api", "v1", "tasks", &id.to_string(), "retry"], &Reason::default()).await
    }

    /// Makes a task wait for another.
    pub async fn depend_task(&self, id: i64, needs: i64) -> Answer<TaskDetail> {
        self.post(&["api", "v1", "tasks", &id.to_string(), "depend"], &Depend { needs }).await
    }

    /// The types of task.
    pub async fn types(&self) -> Answer<Vec<TypeView>> {
        self.get(&["api", "v1", "types"], &[]).await
    }

    /// Approvals: the open ones, or all.
    pub async fn approvals(&self, all: bool) -> Answer<Vec<ApprovalView>> {
        self.get(&["api", "v1", "approvals"], &[("all", all.to_string())]).await
    }

    /// An approval with its files.
    pub async fn approval(&self, id: i64) -> Answer<ApprovalDetail> {
        self.get(&["api", "v1", "approvals", &id.to_string()], &[]).await
    }

    /// Decides an approval.
    pub async fn decide(&self, id: i64, decision: Decision, decide: &Decide) -> Answer<ApprovalView> {
        let verb = match decision {
            Decision::Approve => "approve",
            Decision::Reject => "reject",
        };
        self.post(&["api", "v1", "approvals", &id.to_string(), verb], decide).await
    }

    /// Products.
    pub async fn products(&self) -> Answer<Vec<ProductView>> {
        self.get(&["api", "v1", "products"], &[]).await
    }

    /// Income, as it was entered.
    pub async fn income(&self) -> Answer<Vec<IncomeBody>> {
        self.get(&["api", "v1", "income"], &[]).await
    }

    /// Enters an income. Answers its number.
    pub async fn add_income(&self, income: &IncomeBody) -> Answer<i64> {
        let id: Id = self.post(&["api", "v1", "income"], income).await?;
        Ok(id.id)
    }

    /// The events after a sequence number, oldest first; without one the newest. At most `limit`, and never more than a page (500).
    pub async fn events(&self, after: Option<i64>, limit: u32) -> Answer<Vec<Event>> {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(after.map(|seq| ("after", seq.to_string())));
        self.get(&["api", "v1", "events"], &query).await
    }

    /// The bytes of an artifact as they come, uncleaned. Nothing may be silent for longer than an ordinary answer takes.
    pub async fn artifact(&self, sha256: &str, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> Answer<()> {
        let mut download = self.http.download(sha256, PATIENCE).await?;
        while let Some(piece) = download.next().await? {
            each(piece.as_ref()).map_err(|error| Error::unavailable(format!("cannot write: {error}")))?;
        }
        Ok(())
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Answer<T> {
        self.http.ask(self.http.request(Method::GET, path)?.query(query), PATIENCE).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &(impl Serialize + Sync)) -> Answer<T> {
        self.http.ask(self.http.request(Method::POST, path)?.json(body), PATIENCE).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::ClientError;
    use super::*;
    use crate::domain::error::Kind;

    #[tokio::test]
    async fn nobody_at_the_socket_is_told_from_a_refusal() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("operator.sock");
        let nobody = ClientError::NotRunning { socket: socket.clone() };
        assert_eq!(Operator::at(&socket).unwrap().status().await.unwrap_err(), nobody);
        // A daemon that was killed leaves its socket behind.
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        assert_eq!(Operator::at(&socket).unwrap().status().await.unwrap_err(), nobody);
        let nowhere = folder.path().join("no/such/folder/operator.sock");
        assert_eq!(Operator::at(&nowhere).unwrap_err(), ClientError::NotRunning { socket: nowhere });
    }

    #[tokio::test]
    async fn a_socket_may_lie_deeper_than_its_address_is_long() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a-long-name/".repeat(20));
        std::fs::create_dir_all(&deep).unwrap();
        let open = std::fs::File::open(&deep).unwrap();
        let short = format!("/proc/self/fd/{}/operator.sock", std::os::fd::AsRawFd::as_raw_fd(&open));
        let listener = tokio::net::UnixListener::bind(short).unwrap();
        let answer = || async { axum::Json(serde_json::json!({"status": "ok\u{7}", "version": "1", "pid": 7, "home": "/srv"})) };
        let routes = axum::Router::new().route("/healthz", axum::routing::get(answer));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let health = Operator::at(&deep.join("operator.sock")).unwrap().health(PATIENCE).await.unwrap();
        assert_eq!((health.status.as_str(), health.pid), ("ok", 7));
    }

    #[tokio::test]
    async fn a_daemon_that_says_nothing_is_not_waited_for_forever() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("operator.sock");
        let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = Operator::at(&socket).unwrap().health(Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(&error, ClientError::Refused(error) if error.kind == Kind::Unavailable), "{error:?}");
    }
}
