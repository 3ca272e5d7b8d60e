//! A model server that remembers every byte it was sent: what a model is told can be searched.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use claude_swarm::rehearsal::{Pace, Scenario, Server};

use super::stage::MODEL;

/// The hostile model behind a door that keeps what passes.
pub struct Recorder {
    pub url: String,
    seen: Arc<Mutex<Vec<u8>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Recorder {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let guard = runtime.enter();
        let server = Server::bind(any, Scenario::parse(MODEL).unwrap(), Pace::INSTANT).unwrap();
        let model = server.addr();
        runtime.spawn(server.run(std::future::pending()));
        drop(guard);
        let door = TcpListener::bind(any).unwrap();
        let url = format!("http://{}", door.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = seen.clone();
        // It ends with the test's process.
        thread::spawn(move || {
            for client in door.incoming().flatten() {
                let Ok(model) = TcpStream::connect(model) else { return };
                let (from_client, from_model) = (client.try_clone().unwrap(), model.try_clone().unwrap());
                let kept = kept.clone();
                thread::spawn(move || pass(from_client, model, |bytes| kept.lock().unwrap().extend_from_slice(bytes)));
                thread::spawn(move || pass(from_model, client, |_| {}));
            }
        });
        Self { url, seen, _runtime: runtime }
    }

    /// Everything that was sent to the model, as text.
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    /// Forgets what was sent.
    pub fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, keep: impl Fn(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        keep(&buffer[..n]);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    // The other side may be gone already.
    drop(to.shutdown(Shutdown::Write));
}
