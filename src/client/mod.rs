//! The client of the daemon's doors.

pub mod blobs;
pub mod link;
mod socket;
