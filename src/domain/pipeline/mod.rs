//! The pipeline: which types of task there are, and which outcome of which type creates what next.
//!
//! Here: its shape (`shape`, `action`), the words of it that the code knows (`words`), and the pure rules over it. Not here: reading the
//! file (`config::pipeline`), carrying the steps out (`swarm`).

mod action;
mod follow;
mod kept;
mod problems;
mod shape;
pub mod words;

pub use action::{Action, Creation};
pub use follow::{Lookup, Step, follow};
pub use shape::{ApprovalSpec, Check, Evidence, Executor, OnFailure, Pipeline, TaskType, Tree};
