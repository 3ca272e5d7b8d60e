//! Operations in one transaction: each for itself, in order, and durable when answered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use claude_swarm::domain::error::{Error, Kind};
use claude_swarm::domain::event::{EventKind, NewEvent};
use claude_swarm::domain::principal::Principal;
use claude_swarm::domain::time::Millis;
use claude_swarm::store::{Store, Tx};

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("swarm.db")).unwrap();
    (dir, store)
}

fn put(tx: &Tx<'_>, key: &str) -> Result<(), Error> {
    tx.set_text(key, "there")?;
    tx.record(Millis(0), &NewEvent::new(EventKind::MessageSent, Principal::System))?;
    Ok(())
}

async fn is_there(store: &Store, key: &str) -> bool {
    let key = key.to_owned();
    store.read(move |reader| Ok(reader.text(&key)?.is_some())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_operation_takes_nothing_with_it() {
    let (_dir, store) = open();
    let mut all = tokio::task::JoinSet::new();
    for n in 0..200 {
        let store = store.clone();
        all.spawn(async move {
            let outcome = store.write(move |tx| {
                put(tx, &format!("key {n}"))?;
                if n % 3 == 0 { Err(Error::conflict("no")) } else { Ok(()) }
            });
            (n, outcome.await.is_ok())
        });
    }
    for (n, kept) in all.join_all().await {
        assert_eq!((kept, is_there(&store, &format!("key {n}")).await), (n % 3 != 0, n % 3 != 0));
    }
    let events = store.read(|reader| Ok(reader.events_after(0, 1000)?.len())).await.unwrap();
    assert_eq!(events, 133, "an event for each that was kept");
}

#[tokio::test]
async fn an_operation_that_breaks_down_does_not_end_the_store() {
    let (_dir, store) = open();
    let outcome = store.write(|tx| {
        put(tx, "half")?;
        assert!(tx.text("half")?.is_none(), "a fault that the test makes");
        Ok(())
    });
    let error = outcome.await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable, "{error}");
    store.write(|tx| put(tx, "whole")).await.unwrap();
    assert_eq!((is_there(&store, "half").await, is_there(&store, "whole").await), (false, true));
}

#[tokio::test]
async fn a_query_that_breaks_down_does_not_end_the_store() {
    let (_dir, store) = open();
    for _ in 0..20 {
        let error = store.read::<(), _>(|_| panic!("a fault that the test makes")).await.unwrap_err();
        assert_eq!(error.kind, Kind::Unavailable, "{error}");
    }
    assert!(!is_there(&store, "anything").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_commit_runs_in_the_order_of_the_commits() {
    let (_dir, store) = open();
    let order = Arc::new(Mutex::new(Vec::new()));
    let next = Arc::new(AtomicUsize::new(0));
    let mut all = tokio::task::JoinSet::new();
    for n in 0..300 {
        let (store, order, next) = (store.clone(), Arc::clone(&order), Arc::clone(&next));
        all.spawn(async move {
            let operation = move |tx: &Tx<'_>| {
                put(tx, &format!("key {n}"))?;
                let at = next.fetch_add(1, Ordering::SeqCst);
                if n % 5 == 0 { Err(Error::conflict("no")) } else { Ok(at) }
            };
            let after = move |at: &usize| order.lock().unwrap().push(*at);
            let waiting = store.write_then(operation, after);
            if n % 2 == 0 {
                // This one does not wait for its answer.
                drop(tokio::time::timeout(std::time::Duration::ZERO, waiting).await);
            } else {
                drop(waiting.await);
            }
        });
    }
    all.join_all().await;
    store.write(|_| Ok(())).await.unwrap();
    let order = order.lock().unwrap();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(order.len(), 240, "for each that was committed, and for no other");
}

#[tokio::test]
async fn events_are_told_when_they_are_there() {
    let (_dir, store) = open();
    let mut newest = store.follow();
    assert_eq!(*newest.borrow_and_update(), 0);
    store.write(|tx| put(tx, "a")).await.unwrap();
    newest.changed().await.unwrap();
    let seq = *newest.borrow_and_update();
    let events = store.read(|reader| Ok(reader.events_after(0, 10)?)).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [seq]);
    let refused = store.write(|tx| put(tx, "b").and(Err::<(), _>(Error::conflict("no")))).await;
    assert!(refused.is_err());
    store.write(|_| Ok(())).await.unwrap();
    assert!(!newest.has_changed().unwrap(), "what was refused is not told");
}

#[tokio::test]
async fn a_sealed_store_reads_and_does_not_write() {
    let (_dir, store) = open();
    store.write(|tx| put(tx, "a")).await.unwrap();
    store.seal("it is damaged".to_owned());
    let error = store.write(|tx| put(tx, "b")).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable);
    assert!(error.message.contains("it is damaged") && error.hint.is_some(), "{error}");
    assert_eq!((is_there(&store, "a").await, is_there(&store, "b").await), (true, false));
}
