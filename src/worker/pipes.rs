//! What leads to a process and from it: lines to it, lines from it, and the end of what it says on the side.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use crate::provider::MAX_LINE_BYTES;

/// Our ends of a CLI's standard input, output and error.
pub(super) struct Ends {
    pub stdin: UnixStream,
    pub stdout: UnixStream,
    pub stderr: UnixStream,
}

/// Sockets for a CLI's standard input, output and error: our ends, and the CLI's. What runs beside the CLI has its user id and could open a pipe
/// again by its name in `/proc`, to say something in a person's name or in the CLI's; a socket cannot be opened by name.
pub(super) fn sockets() -> io::Result<(Ends, [Stdio; 3])> {
    let pair = || -> io::Result<(UnixStream, Stdio)> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        Ok((UnixStream::from_std(ours)?, Stdio::from(OwnedFd::from(theirs))))
    };
    let ((stdin, its_stdin), (stdout, its_stdout), (stderr, its_stderr)) = (pair()?, pair()?, pair()?);
    Ok((Ends { stdin, stdout, stderr }, [its_stdin, its_stdout, its_stderr]))
}

/// The end of standard error that is kept, in bytes.
const TAIL: usize = 8 * 1024;

/// Writes lines until nothing more follows, which the process is then told. How long it takes to read them is its own matter.
pub(super) async fn write_lines(mut to: impl AsyncWrite + Unpin, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(line) = lines.recv().await {
        if to.write_all(line.as_bytes()).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

/// Reads lines until there are no more. A line that is too long is handed on cut, which its reader takes for garbage.
pub(super) async fn read_lines(from: impl AsyncRead + Unpin, to: mpsc::Sender<Vec<u8>>) {
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
pub(super) async fn read_tail(mut from: impl AsyncRead + Unpin) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; TAIL]);
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..n]);
        let extra = kept.len().saturating_sub(TAIL);
        kept.drain(..extra);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_one_that_is_too_long_comes_cut() {
        let long = "x".repeat(MAX_LINE_BYTES + 10);
        let text = format!("a\n{long}\nlast");
        let (send, mut lines) = mpsc::channel(10);
        read_lines(text.as_bytes(), send).await;
        let mut lengths = Vec::new();
        while let Some(line) = lines.recv().await {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [2, MAX_LINE_BYTES + 1, 10, 4]);
    }

    #[tokio::test]
    async fn of_what_is_said_on_the_side_the_end_is_kept() {
        let text = format!("{}the end", "x".repeat(3 * TAIL));
        let kept = read_tail(text.as_bytes()).await;
        assert!(kept.len() == TAIL && kept.ends_with(b"xthe end"));
    }
}
