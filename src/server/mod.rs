//! The daemon's doors: sockets and loopback HTTP, REST, the workers' RPC.
//!
//! Here: who asks, and how a request becomes an operation and its answer JSON. Not here: what is allowed and what happens (`swarm`).

mod access;
mod body;
mod host;
mod hub;
mod limit;
mod listen;
mod params;
mod rest;
mod rpc;
mod views;

pub use host::{About, Host, Means};
pub use hub::Hub;
pub use listen::{Door, bind_unix, serve};

use std::sync::Arc;

use crate::swarm::Swarm;

/// What every handler has. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The operations.
    pub swarm: Swarm,
    /// What only the daemon knows.
    pub host: Arc<dyn Host>,
    /// The workers that are connected.
    pub hub: Hub,
}
