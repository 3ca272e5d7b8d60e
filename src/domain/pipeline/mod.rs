//! The pipeline: which types of task there are, and which outcome of which type creates what next.
//!
//! Here: its shape and the pure rules over it. Not here: reading the file (`config::pipeline`), carrying the steps out (`swarm`).

mod follow;
mod shape;

pub use follow::{Lookup, Step, follow};
pub use shape::{Action, ApprovalSpec, Check, Evidence, Executor, OnFailure, Pipeline, TaskType, Tree};
