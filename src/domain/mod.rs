//! Values and rules: what the product is made of, and which changes are legal.
//!
//! No I/O, no async, no clock: time comes in as an argument. SQL, sockets and processes are in the rooms that use this one.

pub mod account;
pub mod agent;
pub mod approval;
pub mod backoff;
pub mod budget;
pub mod credential;
pub mod error;
pub mod event;
pub mod failure;
pub mod name;
pub mod pipeline;
pub mod price;
pub mod principal;
pub mod product;
pub mod publication;
pub mod report;
pub mod schema;
pub mod session;
pub mod snapshot;
pub mod task;
pub mod text;
pub mod time;
