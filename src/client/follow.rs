//! Following events over a WebSocket, across restarts of the daemon: after a break it goes on behind the last event that was seen.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use super::http::problem;
use super::pause::Pause;
use super::socket::Socket;
use super::{ClientError, Operator};
use crate::domain::error::{Error, Kind};
use crate::domain::event::Event;
use crate::domain::text;

/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Something happened.
    Event(Box<Event>),
    /// The daemon went away; it is looked for.
    Gone,
    /// It is back, and nothing was missed.
    Back,
}

/// The events as they come.
#[derive(Debug)]
pub struct Follow {
    socket: Arc<Socket>,
    stream: Option<WebSocketStream<UnixStream>>,
    after: i64,
    gone_since: Option<Instant>,
    pause: Pause,
    patience: Option<Duration>,
}

impl Follow {
    /// Follows what happens after this event; without one, after the newest there is. When the daemon goes away it is looked for as long
    /// as `patience` says; for ever where that is none.
    ///
    /// # Errors
    /// Where the daemon does not run now, or does not let this principal follow.
    pub async fn start(operator: &Operator, after: Option<i64>, patience: Option<Duration>) -> Result<Self, ClientError> {
        let after = match after {
            Some(seq) => seq,
            None => operator.events(None, 1).await?.last().map_or(0, |event| event.seq),
        };
        let socket = operator.socket();
        let (stream, gone_since) = match connect(&socket, after).await {
            Ok(stream) => (Some(stream), None),
            // It was there a moment ago: it goes away just now, which is seen like any other time.
            Err(ClientError::Refused(error)) if error.kind == Kind::Unavailable => (None, Some(Instant::now())),
            Err(error) => return Err(error),
        };
        Ok(Self { socket, stream, after, gone_since, pause: Pause::default(), patience })
    }

    /// The next that is seen. May be dropped and asked again; nothing is lost.
    ///
    /// # Errors
    /// When the daemon is away for longer than was to be waited, or refuses to go on.
    pub async fn next(&mut self) -> Result<Seen, ClientError> {
        loop {
            if let Some(stream) = &mut self.stream {
                match stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let event = read(&text)?;
                        self.after = event.seq;
                        return Ok(Seen::Event(Box::new(event)));
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => {
                        self.stream = None;
                        self.gone_since = Some(Instant::now());
                        self.pause = Pause::default();
                        return Ok(Seen::Gone);
                    }
                    Some(Ok(_)) => {}
                }
                continue;
            }
            self.pause.wait().await;
            match connect(&self.socket, self.after).await {
                Ok(stream) => {
                    self.stream = Some(stream);
                    return Ok(Seen::Back);
                }
                Err(error) if self.is_over(&error) => return Err(error),
                Err(_) => {}
            }
        }
    }

    fn is_over(&self, error: &ClientError) -> bool {
        let refused = matches!(error, ClientError::Refused(error) if error.kind != Kind::Unavailable);
        let waited = self.gone_since.map_or(Duration::ZERO, |since| since.elapsed());
        refused || self.patience.is_some_and(|patience| waited >= patience)
    }
}

async fn connect(socket: &Socket, after: i64) -> Result<WebSocketStream<UnixStream>, ClientError> {
    let stream = socket.connect().await?;
    let address = format!("ws://localhost/api/v1/events/follow?after={after}");
    match timeout(PATIENCE, tokio_tungstenite::client_async(address, stream)).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(tungstenite::Error::Http(response))) => {
            Err(problem(response.status().as_u16(), response.body().as_deref().unwrap_or_default()).into())
        }
        Ok(Err(error)) => Err(Error::unavailable(format!("the connection to the daemon broke: {error}")).into()),
        Err(_) => Err(Error::unavailable(format!("the daemon did not answer within {} s", PATIENCE.as_secs())).into()),
    }
}

fn read(frame: &str) -> Result<Event, ClientError> {
    serde_json::from_str::<Value>(frame)
        .map(text::clean_json)
        .and_then(serde_json::from_value)
        .map_err(|error| Error::unavailable(format!("the daemon sent what is no event: {error}")).into())
}
