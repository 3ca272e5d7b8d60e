//! Tests of the failure classes: the whole table, and that no sequence of failures keeps a task going for ever.

use proptest::prelude::*;

use super::{AccountEffect as A, FailureClass as F, NextConversation, TaskEffect as T};
use crate::domain::backoff;
use crate::domain::task::{Claim, Event, Life, Limits, StateName, Token};
use crate::domain::time::Millis;

const TABLE: [(F, T, A); 23] = [
    (F::RateLimited, T::RetryFree, A::Cool),
    (F::UsageLimit, T::RetryFree, A::Exhausted),
    (F::Overloaded, T::RetryFree, A::Cool),
    (F::LoginRequired, T::RetryFree, A::LoginRequired),
    (F::CreditExhausted, T::RetryFree, A::Exhausted),
    (F::BadRequest, T::RetrySpending, A::None),
    (F::ContextTooLong, T::RetrySpending, A::None),
    (F::ModelNotFound, T::Fail, A::None),
    (F::ServerError, T::RetryFree, A::Cool),
    (F::Connection, T::RetryFree, A::Cool),
    (F::Stalled, T::RetrySpending, A::None),
    (F::Garbage, T::RetrySpending, A::Cool),
    (F::Refused, T::Fail, A::None),
    (F::OverBudget, T::Fail, A::None),
    (F::ResultMissing, T::RetrySpending, A::None),
    (F::Timeout, T::RetrySpending, A::None),
    (F::Crashed, T::RetrySpending, A::None),
    (F::ConversationInUse, T::RetryFree, A::None),
    (F::ConversationUnknown, T::RetryFree, A::None),
    (F::ChecksFailed, T::RetrySpending, A::None),
    (F::EvidenceMissing, T::RetrySpending, A::None),
    (F::SandboxFailed, T::RetryFree, A::None),
    (F::Interrupted, T::RetryFree, A::None),
];

#[test]
fn every_class_has_the_effect_that_the_table_says() {
    assert_eq!(TABLE.map(|row| row.0), F::ALL, "the table covers every class once, in order");
    for (class, task, account) in TABLE {
        let effect = class.effect();
        assert_eq!((effect.task, effect.account), (task, account), "{class}");
    }
}

#[test]
fn only_free_retries_have_a_free_bound_and_it_is_never_zero() {
    for class in F::ALL {
        assert_eq!(class.effect().task == T::RetryFree, class.free_retry_limit() > 0, "{class}");
    }
}

#[test]
fn the_name_is_what_is_stored() {
    for class in F::ALL {
        assert_eq!(serde_json::to_value(class).unwrap(), serde_json::json!(class.name()));
        assert_eq!(serde_json::from_value::<F>(serde_json::json!(class.name())).unwrap(), class);
    }
}

#[test]
fn a_missing_conversation_is_never_resumed_and_an_existing_one_never_begun_again() {
    assert_eq!(F::ConversationUnknown.next_conversation(), NextConversation::Fresh);
    assert_eq!(F::ContextTooLong.next_conversation(), NextConversation::Fresh);
    assert_eq!(F::ConversationInUse.next_conversation(), NextConversation::Resume);
    assert_eq!(F::Interrupted.next_conversation(), NextConversation::Resume);
}

/// Plays a task that only ever fails, as the operations treat it: returns the runs it had and the pauses between them.
fn play(failures: impl Iterator<Item = F>, attempts: u32) -> (usize, i64) {
    let limits = Limits { attempts, losses: 5, free: 20 };
    let mut life = Life::new(false, Millis(0));
    let (mut runs, mut waited) = (0, 0);
    for (n, class) in (0_u32..).zip(failures) {
        let token = Token { epoch: 1, n: n.into() };
        let claim = Claim { agent: "builder".parse().unwrap(), token, session: None };
        life = life.apply(Event::Claim(claim), limits).unwrap();
        runs += 1;
        waited += life.pause_after(class, 7).max(match class.effect().account {
            A::None => 0,
            A::Cool => backoff::account_cool_ms(n, 7),
            A::Exhausted => backoff::account_probe_ms(n, 7),
            // Nobody logs in within a second.
            A::LoginRequired => 4_000,
        });
        let effect = class.effect().task;
        let fail = Event::Fail { token, effect, reason: class.to_string(), not_before: Millis(0) };
        life = life.apply(fail, limits.after(class)).unwrap();
        if life.state.name() == StateName::Failed {
            break;
        }
    }
    (runs, waited)
}

#[test]
fn a_task_that_meets_one_class_for_ever_ends_and_never_spins() {
    for class in F::ALL {
        let (runs, waited) = play(std::iter::repeat_n(class, 1_000_000), 3);
        assert!(runs <= 1_001, "{class} ran {runs} times");
        let per_retry = waited / i64::try_from(runs.max(2) - 1).unwrap();
        assert!(runs == 1 || per_retry >= 4_000, "{class} waited {per_retry} ms a retry");
    }
}

proptest! {
    #[test]
    fn no_mixture_of_failures_keeps_a_task_going(seed in proptest::collection::vec(0..F::ALL.len(), 1..40)) {
        let (runs, _) = play(seed.iter().cycle().take(100_000).map(|&at| F::ALL[at]), 5);
        prop_assert!(runs <= 1_006, "ran {} times", runs);
    }
}
