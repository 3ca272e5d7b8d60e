//! What must hold after every step, whatever happened: looked up in the database itself, past the store, and held against what the
//! events tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use claude_swarm::domain::budget::MicroUsd;
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::task::{StateName, Token};
use claude_swarm::domain::time::Millis;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use crate::home::{DAY, connect, dump};

/// A task, as far as the events tell of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub state: StateName,
    pub claim: Option<(String, String)>,
    /// It was lost in the event before.
    lost: bool,
}

/// Looks at everything after each step.
pub struct Watch {
    direct: Connection,
    version: i64,
    seq: i64,
    looks: u64,
    newest: Option<Token>,
    max_rounds: i64,
    pub tasks: BTreeMap<i64, Told>,
    approvals: BTreeMap<i64, &'static str>,
    decisions: BTreeMap<i64, i64>,
    exhausted: BTreeSet<i64>,
    /// The most that each attempt reported to have cost.
    reported: BTreeMap<Token, i64>,
    /// How often each kind of event happened.
    pub kinds: BTreeMap<String, u64>,
}

fn token_of(row: &Row<'_>, at: usize) -> Token {
    Token { epoch: row.get(at).unwrap(), n: row.get(at + 1).unwrap() }
}

impl Watch {
    pub fn over(database: &Path, max_rounds: u32) -> Self {
        Self {
            direct: connect(database),
            version: 0,
            seq: 0,
            looks: 0,
            newest: None,
            max_rounds: i64::from(max_rounds),
            tasks: BTreeMap::new(),
            approvals: BTreeMap::new(),
            decisions: BTreeMap::new(),
            exhausted: BTreeSet::new(),
            reported: BTreeMap::new(),
            kinds: BTreeMap::new(),
        }
    }

    fn number(&self, sql: &str) -> i64 {
        self.direct.prepare_cached(sql).unwrap().query_row([], |row| row.get(0)).unwrap()
    }

    fn all<T>(&self, sql: &str, read: impl Fn(&Row<'_>) -> T) -> Vec<T> {
        let mut statement = self.direct.prepare_cached(sql).unwrap();
        statement.query_map([], |row| Ok(read(row))).unwrap().map(Result::unwrap).collect()
    }

    /// Whether anything at all was written since the last look.
    pub fn changed(&self) -> bool {
        self.number("PRAGMA data_version") != self.version
    }

    /// Every task, as text.
    pub fn tasks_as_text(&self) -> String {
        dump(&self.direct, &["tasks".to_owned()])
    }

    /// A worker reported a cost, and it was taken.
    pub fn was_reported(&mut self, token: Token, cost: MicroUsd) {
        let most = self.reported.entry(token).or_default();
        *most = cost.0.max(*most);
    }

    /// Looks at one consistent state while others go on writing.
    pub fn look_at_one_state(&mut self) {
        self.direct.execute_batch("BEGIN").unwrap();
        self.look();
        self.direct.execute_batch("COMMIT").unwrap();
    }

    /// Looks at what a step may have changed.
    pub fn look(&mut self) {
        let version = self.number("PRAGMA data_version");
        if version == self.version {
            return;
        }
        self.version = version;
        self.read_events();
        self.open_tasks_are_as_told();
        self.claims_are_exclusive();
        self.looks += 1;
        if self.looks.is_multiple_of(25) {
            self.look_at_all();
        }
    }

    fn read_events(&mut self) {
        let sql = "SELECT seq, kind, task, approval, product, data, agent, actor, at FROM events WHERE seq > ?1 ORDER BY seq";
        let mut statement = self.direct.prepare_cached(sql).unwrap();
        type New = (i64, String, Option<i64>, Option<i64>, Option<i64>, String, Option<String>, String, i64);
        let rows = statement.query_map([self.seq], |row| {
            let first = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
            Ok((first.0, first.1, first.2, first.3, first.4, row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?))
        });
        let new: Vec<New> = rows.unwrap().map(Result::unwrap).collect();
        drop(statement);
        for (seq, kind, task, approval, product, data, agent, actor, at) in new {
            self.seq = seq;
            let data: Value = serde_json::from_str(&data).unwrap();
            if kind.starts_with("task:") {
                self.tell_task(&kind, task.unwrap(), &data, agent.unwrap_or_default());
            } else if kind.starts_with("approval:") {
                self.tell_approval(&kind, approval.unwrap(), product.unwrap(), &data, &actor);
            } else if kind == "budget:exhausted" {
                assert!(self.exhausted.insert(at / DAY), "said twice on one day");
            }
            *self.kinds.entry(kind).or_default() += 1;
        }
    }

    fn tell_task(&mut self, kind: &str, id: i64, data: &Value, agent: String) {
        use StateName as S;
        let said = || S::parse(data["state"].as_str().unwrap()).unwrap();
        if kind == "task:created" {
            let new = Told { state: said(), claim: None, lost: false };
            assert_eq!(self.tasks.insert(id, new), None, "task {id} was created twice");
            return;
        }
        let told = self.tasks.get_mut(&id).unwrap_or_else(|| panic!("{kind} of task {id}, which nobody created"));
        let from = told.state;
        let (legal, to) = match kind {
            "task:depends" => (matches!(from, S::Blocked | S::Pending), said()),
            "task:unblocked" => (from == S::Blocked, S::Pending),
            "task:claimed" => (from == S::Pending, S::Claimed),
            "task:started" => (from == S::Claimed, S::Running),
            "task:validating" => (from == S::Running, S::Validating),
            "task:completed" => (from.is_held(), S::Done),
            "task:retrying" | "task:lost" => (from.is_held(), S::Pending),
            "task:failed" => (from.is_held() || told.lost, S::Failed),
            "task:cancelled" => (!from.is_over(), S::Cancelled),
            "task:retried" => (matches!(from, S::Failed | S::Cancelled), said()),
            "task:released" => (true, from),
            other => panic!("an event that says nothing of a state: {other}"),
        };
        assert!(legal, "{kind} of task {id}, which is {from}");
        told.lost = kind == "task:lost";
        told.state = to;
        if kind == "task:claimed" {
            told.claim = Some((agent, data["token"].as_str().unwrap().to_owned()));
        } else if !to.is_held() {
            told.claim = None;
        }
    }

    fn tell_approval(&mut self, kind: &str, id: i64, product: i64, data: &Value, actor: &str) {
        let to = match (kind, data["decision"].as_str()) {
            ("approval:requested", _) => "open",
            ("approval:withdrawn", _) => "withdrawn",
            ("approval:decided", Some("approve")) => "approved",
            ("approval:decided", Some("reject")) => "rejected",
            other => panic!("{other:?}"),
        };
        let from = self.approvals.insert(id, to);
        assert_eq!(from, (to != "open").then_some("open"), "approval {id} became {to}");
        if kind == "approval:decided" {
            assert_eq!(actor, "operator", "a person decides");
            *self.decisions.entry(product).or_default() += 1;
        }
    }

    /// The state of a row and the state that the events tell are one, and so are the claims.
    fn open_tasks_are_as_told(&self) {
        let sql =
            "SELECT id, state, claim_agent, claim_epoch, claim_n, attempts, max_attempts, losses, max_losses, free, max_free
                   FROM tasks WHERE state IN ('blocked', 'pending', 'claimed', 'running', 'validating') ORDER BY id";
        let rows = self.all(sql, |row| {
            let state: String = row.get(1).unwrap();
            let agent: Option<String> = row.get(2).unwrap();
            let claim = agent.map(|agent| (agent, token_of(row, 3).to_string()));
            for (count, most) in [(5, 6), (7, 8)] {
                let (count, most): (i64, i64) = (row.get(count).unwrap(), row.get(most).unwrap());
                assert!(count < most, "task {} is {state} with {count} of {most}", row.get::<_, i64>(0).unwrap());
            }
            // While its account is closed a task is put back as often as the account's gate lets it through.
            let gate = FailureClass::ALL.into_iter().map(FailureClass::free_retry_limit).max().map_or(0, i64::from);
            let (free, most): (i64, i64) = (row.get(9).unwrap(), row.get(10).unwrap());
            assert!(free <= most.max(gate), "task {} was put back {free} times", row.get::<_, i64>(0).unwrap());
            (row.get::<_, i64>(0).unwrap(), StateName::parse(&state).unwrap(), claim)
        });
        let told = self.tasks.iter().filter(|(_, told)| !told.state.is_over());
        let told: Vec<_> = told.map(|(id, told)| (*id, told.state, told.claim.clone())).collect();
        assert_eq!(rows, told, "the rows (left) and what the events tell (right)");
    }

    fn claims_are_exclusive(&mut self) {
        let open = self.all("SELECT task, epoch, n FROM attempts WHERE ended_at IS NULL ORDER BY task", |row| {
            (row.get::<_, i64>(0).unwrap(), token_of(row, 1).to_string())
        });
        let held = self.tasks.iter().filter(|(_, told)| told.state.is_held());
        let held: Vec<_> = held.map(|(id, told)| (*id, told.claim.clone().unwrap().1)).collect();
        assert_eq!(open, held, "attempts under way (left) and claims (right)");
        let written = self.all(
            "SELECT t.product FROM attempts a JOIN tasks t ON t.id = a.task WHERE a.released_at IS NULL AND t.exclusive = 1",
            |row| row.get::<_, Option<i64>>(0).unwrap(),
        );
        let distinct: BTreeSet<_> = written.iter().collect();
        assert_eq!(distinct.len(), written.len(), "two attempts may write one tree: {written:?}");
        let newest = self.all("SELECT epoch, n FROM attempts ORDER BY id DESC LIMIT 1", |row| token_of(row, 0)).pop();
        assert!(newest >= self.newest, "tokens only grow: {:?} then {newest:?}", self.newest);
        self.newest = newest;
    }

    /// Looks at everything, whether it was changed or not.
    pub fn look_at_all(&self) {
        self.every_task_is_as_told();
        self.attempts_add_up();
        self.blocked_is_what_waits();
        self.approvals_are_as_told();
        self.rounds_are_bounded();
        assert_eq!(self.number("SELECT count(*) FROM accounts WHERE state = 'ready' AND probing IS NOT NULL"), 0);
        let stray = "SELECT count(*) FROM accounts c JOIN attempts a ON a.id = c.probing WHERE a.ended_at IS NOT NULL";
        assert_eq!(self.number(stray), 0, "a probe that is over");
        let twice = "SELECT count(*) FROM (SELECT 1 FROM tasks WHERE claim_session IS NOT NULL GROUP BY claim_session HAVING count(*) > 1)";
        assert_eq!(self.number(twice), 0, "one session, one claim");
    }

    fn every_task_is_as_told(&self) {
        let sql =
            "SELECT id, state, attempts, max_attempts, losses, max_losses, free, max_free, result IS NULL FROM tasks ORDER BY id";
        let rows = self.all(sql, |row| {
            let id: i64 = row.get(0).unwrap();
            let state = StateName::parse(&row.get::<_, String>(1).unwrap()).unwrap();
            for (count, most) in [(2, 3), (4, 5), (6, 7)] {
                let (count, most): (i64, i64) = (row.get(count).unwrap(), row.get(most).unwrap());
                assert!(count <= most, "task {id}: {count} of {most}");
            }
            assert_eq!(row.get::<_, bool>(8).unwrap(), state != StateName::Done, "task {id} is {state}");
            (id, state)
        });
        let told: Vec<_> = self.tasks.iter().map(|(id, told)| (*id, told.state)).collect();
        assert_eq!(rows, told, "no task disappears, and each is in the state that the events tell");
    }

    fn attempts_add_up(&self) {
        let mut before = None;
        let mut total = 0;
        self.all("SELECT epoch, n, cost, ended_at IS NULL, released_at IS NULL, id FROM attempts ORDER BY id", |row| {
            let token = token_of(row, 0);
            let cost: i64 = row.get(2).unwrap();
            assert!(cost >= 0 && cost <= self.reported.get(&token).copied().unwrap_or(0), "{token} cost {cost}");
            assert!(!row.get::<_, bool>(3).unwrap() || row.get::<_, bool>(4).unwrap(), "{token} is released and has not ended");
            (token, cost)
        })
        .into_iter()
        .for_each(|(token, cost)| {
            assert!(before < Some(token), "tokens strictly grow: {before:?} then {token}");
            before = Some(token);
            total += cost;
        });
        assert_eq!(self.number("SELECT coalesce(sum(cost), 0) FROM spend"), total, "the days' sums and the attempts'");
    }

    fn blocked_is_what_waits(&self) {
        let waits = "SELECT n.task FROM task_needs n JOIN tasks o ON o.id = n.needs WHERE o.state <> 'done'";
        let ready =
            format!("SELECT count(*) FROM tasks WHERE state NOT IN ('blocked', 'cancelled', 'failed') AND id IN ({waits})");
        assert_eq!(self.number(&ready), 0, "a task goes on without what it needs");
        let free = format!("SELECT count(*) FROM tasks WHERE state = 'blocked' AND id NOT IN ({waits})");
        assert_eq!(self.number(&free), 0, "a task waits for nothing");
    }

    fn approvals_are_as_told(&self) {
        let rows = self.all("SELECT id, state, kind, decided_by FROM approvals ORDER BY id", |row| {
            let text = |at| row.get::<_, String>(at).unwrap();
            (row.get::<_, i64>(0).unwrap(), text(1), text(2), row.get::<_, Option<String>>(3).unwrap())
        });
        let told: Vec<_> = self.approvals.iter().map(|(id, state)| (*id, (*state).to_owned())).collect();
        assert_eq!(rows.iter().map(|row| (row.0, row.1.clone())).collect::<Vec<_>>(), told);
        let decided = |row: &&(i64, String, String, Option<String>)| matches!(row.1.as_str(), "approved" | "rejected");
        assert!(rows.iter().filter(decided).all(|row| row.3.as_deref() == Some("operator")));
        let outward = rows.iter().filter(|row| row.1 == "approved" && matches!(row.2.as_str(), "publish" | "post"));
        let allowed: Vec<i64> = outward.map(|row| row.0).collect();
        let intended = self.all("SELECT approval FROM publications ORDER BY approval", |row| row.get::<_, i64>(0).unwrap());
        assert_eq!(intended, allowed, "publications (left) are what was approved (right), once each");
        let open = "SELECT count(*) FROM (SELECT 1 FROM approvals WHERE state = 'open' GROUP BY product HAVING count(*) > 1)";
        assert_eq!(self.number(open), 0, "one question at a time about a product");
    }

    fn rounds_are_bounded(&self) {
        self.all("SELECT id, round, round_bound FROM products", |row| {
            let (id, round, bound): (i64, i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
            let decisions = self.decisions.get(&id).copied().unwrap_or(0);
            assert!(round <= bound, "product {id} is in round {round} of {bound}");
            assert!(bound <= self.max_rounds + 1 + decisions, "product {id}: {bound} rounds by {decisions} decisions");
        });
    }

    /// The day's money, as the database has it: spent, and reserved.
    pub fn money(&self, now: Millis) -> (i64, i64) {
        let mut spent = self.direct.prepare_cached("SELECT coalesce(sum(cost), 0) FROM spend WHERE day = ?1").unwrap();
        let spent = spent.query_row([now.0.div_euclid(DAY)], |row| row.get(0)).unwrap();
        let reserved = self.all("SELECT budget, cost FROM attempts WHERE released_at IS NULL", |row| {
            let (budget, cost): (i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
            (budget - cost).max(0)
        });
        (spent, reserved.into_iter().sum())
    }

    /// Which task an agent's worker must get now: a second opinion, by looking at every row. None where it must wait.
    pub fn next_for(&self, agent: &str, types: &[String], cap: i64, now: Millis) -> Option<i64> {
        if self.number("SELECT count(*) FROM meta WHERE key = 'halted'") > 0 {
            return None;
        }
        let may_work = "SELECT paused IS NULL AND quarantined IS NULL AND wanted FROM agents WHERE name = ?1";
        let mut statement = self.direct.prepare_cached(may_work).unwrap();
        if statement.query_row([agent], |row| row.get::<_, bool>(0)).optional().unwrap() != Some(true) {
            return None;
        }
        let open = "SELECT state = 'ready' OR (state = 'cooling' AND until <= ?1 AND probing IS NULL) FROM accounts WHERE name = 'claude'";
        let mut statement = self.direct.prepare_cached(open).unwrap();
        if statement.query_row([now.0], |row| row.get::<_, bool>(0)).optional().unwrap() == Some(false) {
            return None;
        }
        let unreleased =
            "SELECT a.task, t.product, t.exclusive FROM attempts a JOIN tasks t ON t.id = a.task WHERE a.released_at IS NULL";
        let unreleased = self.all(unreleased, |row| {
            (row.get::<_, i64>(0).unwrap(), row.get::<_, Option<i64>>(1).unwrap(), row.get::<_, bool>(2).unwrap())
        });
        let sql = "SELECT id, type, priority, not_before, product, exclusive, budget FROM tasks WHERE state = 'pending'";
        let ready = self.all(sql, |row| {
            let id: i64 = row.get(0).unwrap();
            let kind: String = row.get(1).unwrap();
            let (priority, not_before, budget): (i64, i64, i64) = (row.get(2).unwrap(), row.get(3).unwrap(), row.get(6).unwrap());
            let (product, exclusive): (Option<i64>, bool) = (row.get(4).unwrap(), row.get(5).unwrap());
            let taken = exclusive && unreleased.iter().any(|other| other.2 && product.is_some() && other.1 == product);
            let may = types.contains(&kind) && not_before <= now.0 && !taken && !unreleased.iter().any(|other| other.0 == id);
            may.then_some((-priority, id, budget))
        });
        let (spent, reserved) = self.money(now);
        let fits = ready.into_iter().flatten().filter(|(_, _, budget)| spent + reserved + budget <= cap);
        fits.min().map(|(_, id, _)| id)
    }
}
