//! Who asks. Known from the socket or the token that a request came by, never from what the request says.

use std::fmt;

use super::error::Error;
use super::name::AgentName;

/// Whoever asks for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The person who owns the home.
    Operator,
    /// What runs inside an agent's sandbox: hostile by assumption.
    Agent(AgentName),
    /// The worker process in an agent's session.
    Worker(AgentName),
    /// The daemon itself.
    System,
    /// The stand-in for a person in a rehearsal; it does not exist in a real home.
    Rehearsal,
}

impl Principal {
    /// Only a person's principal may decide what a person must decide.
    ///
    /// # Errors
    /// `Denied` for an agent, a worker and the daemon; for `Rehearsal` where the home is real.
    pub fn must_be_person(&self, what: &str, rehearsal_home: bool) -> Result<(), Error> {
        match self {
            Self::Operator => Ok(()),
            Self::Rehearsal if rehearsal_home => Ok(()),
            other => Err(Error::denied(format!("only a person may {what}, and this request came from {other}"))
                .hint("a person decides with `claude-swarm approve` or `claude-swarm reject`")),
        }
    }

    /// What only the operator may do.
    ///
    /// # Errors
    /// `Denied` for everyone else.
    pub fn must_be_operator(&self, what: &str) -> Result<(), Error> {
        if *self == Self::Operator {
            return Ok(());
        }
        Err(Error::denied(format!("only the operator may {what}, and this request came from {self}")))
    }

    /// Where the daemon's own rules may also act.
    ///
    /// # Errors
    /// `Denied` for an agent and a worker.
    pub fn must_be_operator_or_system(&self, what: &str) -> Result<(), Error> {
        if *self == Self::System { Ok(()) } else { self.must_be_operator(what) }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Agent(name) => write!(f, "agent {name}"),
            Self::Worker(name) => write!(f, "worker {name}"),
            Self::System => f.write_str("system"),
            Self::Rehearsal => f.write_str("rehearsal"),
        }
    }
}
