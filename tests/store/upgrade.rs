//! A database that an earlier version made is brought to today's schema, with everything in it.

use std::path::Path;

use claude_swarm::store::{Store, TaskFilter};
use rusqlite::Connection;

/// A database as the first schema has it: a product with files, and a task of each kind.
#[expect(clippy::disallowed_methods, reason = "the test makes the file that an earlier version would have left")]
fn first_schema(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(include_str!("../../src/store/migrations/0001_foundation.sql")).unwrap();
    let snapshot = "a".repeat(64);
    connection
        .execute_batch(&format!(
            "INSERT INTO pipelines VALUES ('p', '{{}}', 1);
             INSERT INTO snapshots VALUES ('{snapshot}', '[]', 1);
             INSERT INTO products (uuid, slug, title, idea, state, round_bound, pipeline, snapshot, created_at, updated_at)
               VALUES ('u', 'tool', 'Tool', '{{}}', 'active', 4, 'p', '{snapshot}', 1, 1);
             INSERT INTO tasks (uuid, type, state, priority, payload, product, trace, pipeline, exclusive, budget, max_attempts,
                 max_losses, max_free, created_by, created_at, updated_at)
               VALUES ('1', 'research', 'done', 5, '{{}}', NULL, 't', 'p', 0, 1, 3, 5, 20, 'operator', 1, 1),
                      ('2', 'fix_product', 'pending', 8, '{{}}', 1, 't', 'p', 1, 1, 3, 5, 20, 'operator', 1, 1),
                      ('3', 'test_product', 'pending', 7, '{{}}', 1, 't', 'p', 0, 1, 3, 5, 20, 'operator', 1, 1);
             PRAGMA user_version = 1;"
        ))
        .unwrap();
}

#[tokio::test]
async fn what_was_to_be_looked_at_is_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swarm.db");
    first_schema(&path);
    for _ in 0..2 {
        let store = Store::open(&path).unwrap();
        let all = store.read(|reader| Ok(reader.tasks(&TaskFilter { limit: 9, ..TaskFilter::default() })?)).await.unwrap();
        let snapshots: Vec<_> = all.into_iter().rev().map(|task| (task.kind, task.snapshot)).collect();
        let expected = [("research", None), ("fix_product", None), ("test_product", Some("a".repeat(64)))];
        assert_eq!(snapshots, expected.map(|(kind, snapshot)| (kind.to_owned(), snapshot)));
    }
}
