//! A worker's connection to the daemon. It outlives the daemon: while that is away, calls wait, and are sent again in their order when
//! a daemon is back. The daemon takes a report twice as once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::pause::Pause;
use super::socket::Socket;
use crate::domain::error::{Error, Kind};
use crate::protocol::rpc::{Call, Frame, Hello, Notice, Request, Welcome};

/// Calls and notices that may wait.
const WAITING: usize = 256;

/// How long a call that the daemon answers but cannot take is sent again.
const PATIENCE: Duration = Duration::from_secs(900);

type Connection = WebSocketStream<UnixStream>;
type Reply = oneshot::Sender<Result<Value, Error>>;

/// Calls to the daemon. Cheap to clone.
#[derive(Clone)]
pub struct Link {
    calls: mpsc::Sender<(Call, Reply)>,
}

impl Link {
    /// Connects, says hello, and goes on connecting again whenever the daemon went away. Answers with the newest welcome: a daemon that was
    /// started again may have other settings. The notices end when the daemon refuses this worker for good. `say` is told once why it has
    /// to wait, each time it has to.
    ///
    /// # Errors
    /// The daemon's refusal.
    pub async fn connect(
        socket: &Path,
        hello: Hello,
        say: fn(&Error),
    ) -> Result<(Self, watch::Receiver<Welcome>, mpsc::Receiver<Notice>), Error> {
        let (calls, requests) = mpsc::channel(WAITING);
        let (notify, notices) = mpsc::channel(WAITING);
        let (connection, welcome) = reach(socket, &hello, say).await?;
        let (welcomed, welcome) = watch::channel(welcome);
        let actor = Actor { path: socket.to_owned(), hello, say, requests, notify, welcomed, pending: BTreeMap::new(), next: 1 };
        tokio::spawn(actor.run(connection));
        Ok((Self { calls }, welcome, notices))
    }

    /// Calls, and waits for the answer however long the daemon is away or cannot take it.
    ///
    /// # Errors
    /// The daemon's refusal; `Conflict` where it refused this worker for good.
    pub async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let gone = || Error::conflict("the daemon has no use for this worker any more");
        let until = Instant::now() + PATIENCE;
        let mut pause = Pause::default();
        let value = loop {
            let (reply, answer) = oneshot::channel();
            self.calls.send((call.clone(), reply)).await.map_err(|_| gone())?;
            match answer.await.map_err(|_| gone())? {
                // A full disk, a daemon about to stop: it passes, and what was worked for must not be thrown away.
                Err(error) if error.kind == Kind::Unavailable && Instant::now() < until => {
                    tracing::warn!(%error, "the daemon could not take a call; it is sent again");
                    pause.wait().await;
                }
                answered => break answered?,
            }
        };
        serde_json::from_value(value).map_err(|error| Error::conflict(format!("the daemon's answer is not understood: {error}")))
    }
}

struct Actor {
    path: PathBuf,
    hello: Hello,
    say: fn(&Error),
    requests: mpsc::Receiver<(Call, Reply)>,
    notify: mpsc::Sender<Notice>,
    welcomed: watch::Sender<Welcome>,
    pending: BTreeMap<u64, (Call, Reply)>,
    next: u64,
}

impl Actor {
    async fn run(mut self, mut socket: Connection) {
        loop {
            match self.serve(&mut socket).await {
                Served::Done => return,
                // Whatever ended the connection must not end the next one without a pause.
                Served::Lost => Pause::default().wait().await,
            }
            match reach(&self.path, &self.hello, self.say).await {
                Ok((again, welcome)) => {
                    socket = again;
                    self.welcomed.send_if_modified(|before| {
                        let other = *before != welcome;
                        *before = welcome;
                        other
                    });
                }
                Err(error) => {
                    for (_, (_, reply)) in std::mem::take(&mut self.pending) {
                        // A caller that went away does not need the answer.
                        drop(reply.send(Err(error.clone())));
                    }
                    return;
                }
            }
        }
    }

    /// Serves one connection. What was under way on the one before is sent again first.
    async fn serve(&mut self, socket: &mut Connection) -> Served {
        for (id, (call, _)) in &self.pending {
            if send(socket, *id, call).await.is_err() {
                return Served::Lost;
            }
        }
        loop {
            tokio::select! {
                request = self.requests.recv() => {
                    let Some((call, reply)) = request else { return Served::Done };
                    let id = self.next;
                    self.next += 1;
                    let sent = send(socket, id, &call).await;
                    self.pending.insert(id, (call, reply));
                    if sent.is_err() {
                        return Served::Lost;
                    }
                }
                frame = socket.next() => {
                    match frame {
                        Some(Ok(Message::Text(text))) => self.take(&text).await,
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Served::Lost,
                        Some(Ok(_)) => {}
                    }
                }
            }
        }
    }

    async fn take(&mut self, text: &str) {
        match serde_json::from_str::<Frame>(text) {
            Ok(Frame::Answer { id, result, error, .. }) => {
                if let Some((_, reply)) = self.pending.remove(&id) {
                    let outcome = match error {
                        Some(error) => Err(error.data.into()),
                        None => Ok(result.unwrap_or(Value::Null)),
                    };
                    // A caller that went away does not need the answer.
                    drop(reply.send(outcome));
                }
            }
            Ok(Frame::Notice { notice, .. }) => {
                // Answers must not wait for notices to be read. A message that is not taken now comes again with the next claim, and a stop
                // is seen at the next renewal.
                drop(self.notify.try_send(notice));
            }
            Err(error) => tracing::warn!(%error, "a frame of the daemon is not understood"),
        }
    }
}

enum Served {
    /// Nobody calls any more.
    Done,
    /// The daemon went away.
    Lost,
}

async fn send(socket: &mut Connection, id: u64, call: &Call) -> Result<(), ()> {
    let text = serde_json::to_string(&Request::new(id, call.clone())).map_err(drop)?;
    socket.send(Message::text(text)).await.map_err(drop)
}

/// Connects and says hello, as often as it takes while no daemon answers.
async fn reach(path: &Path, hello: &Hello, say: fn(&Error)) -> Result<(Connection, Welcome), Error> {
    let mut pause = Pause::default();
    let mut said = false;
    loop {
        match greet(path, hello).await {
            Ok(reached) => return Ok(reached),
            Err(error) if error.kind == Kind::Unavailable => {
                if !said {
                    say(&error);
                }
                said = true;
            }
            Err(error) => return Err(error),
        }
        pause.wait().await;
    }
}

async fn greet(path: &Path, hello: &Hello) -> Result<(Connection, Welcome), Error> {
    let away = |error: &dyn std::fmt::Display| Error::unavailable(format!("the daemon is away: {error}"));
    // Whatever keeps a worker from its socket passes: it waits, because nobody else would bring it back.
    let stream = async { Socket::at(path)?.connect().await }.await.map_err(|error| away(&error))?;
    let (mut socket, _) = tokio_tungstenite::client_async("ws://daemon/rpc", stream).await.map_err(|error| away(&error))?;
    send(&mut socket, 0, &Call::Hello(hello.clone())).await.map_err(|()| away(&"it hung up"))?;
    while let Some(frame) = socket.next().await {
        let Message::Text(text) = frame.map_err(|error| away(&error))? else { continue };
        let frame: Frame =
            serde_json::from_str(&text).map_err(|error| Error::invalid("hello", format!("answer not understood: {error}")))?;
        if let Frame::Answer { id: 0, result, error, .. } = frame {
            return match error {
                Some(error) => Err(error.data.into()),
                None => {
                    let welcome = serde_json::from_value(result.unwrap_or(Value::Null));
                    let welcome = welcome.map_err(|error| Error::invalid("hello", format!("welcome not understood: {error}")))?;
                    Ok((socket, welcome))
                }
            };
        }
    }
    Err(away(&"it hung up"))
}
