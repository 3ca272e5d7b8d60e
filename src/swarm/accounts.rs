//! Accounts: one gate for all agents of a provider, so that a limit is met once and not by everyone. While it is closed, one attempt at
//! a time probes it.

use std::collections::BTreeSet;

use super::Swarm;
use crate::domain::account::AccountState;
use crate::domain::backoff::{RESET_MAX_MS, account_cool_ms, account_probe_ms};
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::failure::AccountEffect;
use crate::domain::principal::Principal;
use crate::domain::text;
use crate::domain::time::Millis;
use crate::store::{Account, AttemptRow, Tx};

/// Whether an attempt may begin.
pub(super) enum Gate {
    /// It may.
    Open,
    /// One may, to see whether the account works again.
    Probe,
    /// It may not.
    Closed {
        /// For people.
        why: String,
        /// When it may be tried.
        until: Option<Millis>,
    },
}

pub(super) fn gate(account: &Account, now: Millis) -> Gate {
    let why = || {
        format!(
            "the account {} is {}: {}",
            account.name,
            account.state.as_str(),
            account.reason.as_deref().unwrap_or("no reason given")
        )
    };
    match account.state {
        AccountState::Ready => Gate::Open,
        AccountState::LoginRequired => Gate::Closed { why: why(), until: None },
        AccountState::Cooling if now < account.until => Gate::Closed { why: why(), until: Some(account.until) },
        AccountState::Cooling if account.probing.is_some() => Gate::Closed { why: why(), until: None },
        AccountState::Cooling => Gate::Probe,
    }
}

pub(super) fn begin_probe(tx: &Tx<'_>, name: &str, attempt: i64) -> Result<(), Error> {
    let account = tx.account(name)?;
    Ok(tx.put_account(&Account { probing: Some(attempt), ..account })?)
}

/// An attempt is over in a way that says nothing about its account: another may probe.
pub(super) fn probe_ended(tx: &Tx<'_>, attempt: &AttemptRow) -> Result<(), Error> {
    let account = tx.account(&attempt.account)?;
    if account.probing == Some(attempt.id) {
        tx.put_account(&Account { probing: None, ..account })?;
    }
    Ok(())
}

/// The provider answered an attempt. Where that attempt was the probe, the account works; one that began before the gate was closed
/// says nothing about what closed it.
pub(super) fn works(tx: &Tx<'_>, attempt: &AttemptRow, now: Millis) -> Result<(), Error> {
    if tx.account(&attempt.account)?.probing == Some(attempt.id) {
        open(tx, &attempt.account, &Principal::System, now)?;
    }
    Ok(())
}

fn open(tx: &Tx<'_>, name: &str, who: &Principal, now: Millis) -> Result<(), Error> {
    if tx.account(name)?.state != AccountState::Ready {
        tx.put_account(&Account::ready(name))?;
        tx.record(now, &NewEvent::new(EventKind::AccountReady, who).data(serde_json::json!({ "account": name })))?;
    }
    Ok(())
}

/// The provider refused an attempt because of its account.
pub(super) fn refused(
    tx: &Tx<'_>,
    attempt: &AttemptRow,
    effect: AccountEffect,
    reason: &str,
    resets_at: Option<Millis>,
    now: Millis,
) -> Result<(), Error> {
    let before = tx.account(&attempt.account)?;
    let seed = u64::try_from(attempt.id).unwrap_or_default();
    let stated = resets_at.filter(|at| *at > now).map(|at| at.min(now.plus(RESET_MAX_MS)));
    let (state, until) = match effect {
        AccountEffect::None => return probe_ended(tx, attempt),
        AccountEffect::LoginRequired => (AccountState::LoginRequired, now),
        AccountEffect::Cool => (AccountState::Cooling, now.plus(account_cool_ms(before.probes, seed))),
        AccountEffect::Exhausted => {
            (AccountState::Cooling, stated.unwrap_or_else(|| now.plus(account_probe_ms(before.probes, seed))))
        }
    };
    let first = before.state == AccountState::Ready || before.probing == Some(attempt.id);
    let account = if first {
        Account {
            name: before.name,
            state,
            until,
            probes: before.probes.saturating_add(1),
            probing: None,
            reason: Some(reason.to_owned()),
        }
    } else {
        // Many attempts under way meet the same limit when the gate is closed already. It is counted once, and only what is worse
        // than what closed it says anything new.
        let worse = match effect {
            AccountEffect::LoginRequired => true,
            AccountEffect::Exhausted => stated.is_some_and(|at| at > before.until),
            AccountEffect::Cool | AccountEffect::None => false,
        };
        if before.state == AccountState::LoginRequired || !worse {
            return Ok(());
        }
        let probing = before.probing.filter(|_| state == AccountState::Cooling);
        Account { state, until, probing, reason: Some(reason.to_owned()), ..before }
    };
    tx.put_account(&account)?;
    let data = serde_json::json!({ "account": account.name, "state": state.as_str(), "until": until, "reason": reason });
    tx.record(now, &NewEvent::new(EventKind::AccountClosed, Principal::System).data(data))?;
    Ok(())
}

impl Swarm {
    /// The accounts that wait for a usable login.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn accounts_without_login(&self) -> Result<Vec<String>, Error> {
        let all = self.store.read(|reader| Ok(reader.accounts()?)).await?;
        let waiting = all.into_iter().filter(|account| account.state == AccountState::LoginRequired);
        Ok(waiting.map(|account| account.name).collect())
    }

    /// Opens the gate of an account: a person logged in, or says that the limit is over.
    ///
    /// # Errors
    /// `NotFound` for an account that no role uses; `Denied` for anyone but the operator and the daemon.
    pub async fn open_account(&self, who: &Principal, name: &str) -> Result<(), Error> {
        who.must_be_operator_or_system("open an account")?;
        let known: BTreeSet<&str> = self.rules.roles.values().map(|role| role.provider.as_str()).collect();
        if !known.contains(name) {
            let known = Vec::from_iter(known).join(", ");
            return Err(
                Error::not_found(format!("there is no account {:?}", text::one_line(name, 60))).hint(format!("one of: {known}"))
            );
        }
        let (who, name, now) = (who.clone(), name.to_owned(), self.now());
        self.store.write(move |tx| open(tx, &name, &who, now)).await
    }
}
