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
    /// Some worker, which has not said whose it is: it may bring and fetch bytes.
    Workers,
    /// Whoever can reach the loopback port: may ask whether the daemon is well.
    Anyone,
    /// The daemon itself.
    System,
    /// The stand-in for a person in a rehearsal; it does not exist in a real home.
    Rehearsal,
}

impl Principal {
    /// Whether this is a person; in a rehearsal its stand-in counts.
    fn is_person(&self, rehearsal_home: bool) -> bool {
        *self == Self::Operator || rehearsal_home && *self == Self::Rehearsal
    }

    /// Whether a name that was written down beside a decision is a person's.
    pub fn names_person(name: &str, rehearsal_home: bool) -> bool {
        [Self::Operator, Self::Rehearsal].iter().any(|who| who.is_person(rehearsal_home) && who.to_string() == name)
    }

    /// Only a person's principal may decide what a person must decide.
    ///
    /// # Errors
    /// `Denied` for an agent, a worker and the daemon; for `Rehearsal` where the home is real.
    pub fn must_be_person(&self, what: &str, rehearsal_home: bool) -> Result<(), Error> {
        if self.is_person(rehearsal_home) {
            return Ok(());
        }
        Err(Error::denied(format!("only a person may {what}, and this request came from {self}"))
            .hint("a person decides with `claude-swarm approve` or `claude-swarm reject`"))
    }

    /// What the daemon does by itself.
    ///
    /// # Errors
    /// `Denied` for everyone else.
    pub fn must_be_system(&self, what: &str) -> Result<(), Error> {
        if *self == Self::System {
            return Ok(());
        }
        Err(Error::denied(format!("only the daemon may {what}, and this request came from {self}")))
    }

    /// The agent whose worker this is.
    ///
    /// # Errors
    /// `Denied` for everyone who is no agent's worker.
    pub fn worker(&self, what: &str) -> Result<&AgentName, Error> {
        match self {
            Self::Worker(agent) => Ok(agent),
            other => Err(Error::denied(format!("only an agent's worker may {what}, and this request came from {other}"))),
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
            Self::Workers => f.write_str("a worker"),
            Self::Anyone => f.write_str("anyone"),
            Self::System => f.write_str("system"),
            Self::Rehearsal => f.write_str("rehearsal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_known_by_its_principal_and_by_its_name() {
        let agent: AgentName = "operator".parse().unwrap();
        let others =
            [Principal::Agent(agent.clone()), Principal::Worker(agent), Principal::Workers, Principal::Anyone, Principal::System];
        for who in others {
            for rehearsal in [false, true] {
                assert!(who.must_be_person("decide", rehearsal).is_err(), "{who}");
                assert!(!Principal::names_person(&who.to_string(), rehearsal), "{who}");
            }
        }
        for (who, real, rehearsal) in [(Principal::Operator, true, true), (Principal::Rehearsal, false, true)] {
            assert_eq!(who.must_be_person("decide", false).is_ok(), real, "{who}");
            assert_eq!(who.must_be_person("decide", true).is_ok(), rehearsal, "{who}");
            assert_eq!(Principal::names_person(&who.to_string(), false), real, "{who}");
            assert_eq!(Principal::names_person(&who.to_string(), true), rehearsal, "{who}");
        }
    }
}
