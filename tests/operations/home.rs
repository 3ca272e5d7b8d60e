//! A home for tests of the operations: the real `Swarm` over a real database, the real pipeline, a clock that the test sets, and
//! agents whose sessions and reports the test plays itself. No process, no socket, no model.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use claude_swarm::artifacts::Artifacts;
use claude_swarm::config::PinnedPipeline;
use claude_swarm::domain::agent::Role;
use claude_swarm::domain::budget::{MicroUsd, Usage};
use claude_swarm::domain::error::{Error, Kind};
use claude_swarm::domain::failure::FailureClass;
use claude_swarm::domain::name::AgentName;
use claude_swarm::domain::pipeline::{Pipeline, TaskType, Tree};
use claude_swarm::domain::principal::Principal;
use claude_swarm::domain::report::{CheckReport, Complete, Ended, Fail, Progress};
use claude_swarm::domain::snapshot::{Entry, Manifest};
use claude_swarm::domain::task::{TaskId, Token};
use claude_swarm::domain::time::{Clock, Millis};
use claude_swarm::store::Store;
use claude_swarm::swarm::{
    ApprovalRow, ClaimAnswer, Claimed, CreateTask, ProductRow, PublishTerms, Rules, Setback, Swarm, TaskRow, Wait,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const OPERATOR: Principal = Principal::Operator;
pub const SYSTEM: Principal = Principal::System;

/// Half past nine in the morning of some day, UTC.
pub const MORNING: Millis = Millis(1_772_357_400_000);
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// A clock that says what the test says.
#[derive(Debug)]
pub struct FakeClock(AtomicI64);

impl FakeClock {
    pub fn new() -> Self {
        Self(AtomicI64::new(MORNING.0))
    }

    pub fn set(&self, to: Millis) {
        self.0.store(to.0, Ordering::SeqCst);
    }

    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }
}

/// The pipeline that a fresh home gets.
pub fn pipeline() -> Pipeline {
    serde_saphyr::from_str(include_str!("../../config/pipeline.yaml")).unwrap()
}

/// Who does what: the roles of a fresh home, with two builders.
pub const ROLES: [(&str, u32, &[&str]); 9] = [
    ("hunter", 1, &["scan_platform", "research"]),
    ("critic", 1, &["evaluate_idea"]),
    ("pm", 1, &["write_spec"]),
    ("builder", 2, &["build_product", "fix_product"]),
    ("reviewer", 1, &["code_review"]),
    ("tester", 1, &["test_product"]),
    ("publisher", 1, &["prepare_listing", "market"]),
    ("liaison", 1, &["respond_to_human", "directive"]),
    ("support", 1, &["monitor_github", "triage_issue", "implement_proposal"]),
];

fn role(name: &str, count: u32, task_types: &[&str]) -> Role {
    Role {
        name: name.to_owned(),
        title: name.to_owned(),
        provider: "claude".to_owned(),
        model: "sonnet".to_owned(),
        task_types: task_types.iter().map(|&kind| kind.to_owned()).collect(),
        count,
        prompt: format!("You are {name}."),
        prompt_hash: format!("{name:0>64}"),
    }
}

/// The rules of a real home with this pipeline.
pub fn rules(pipeline: Pipeline) -> Rules {
    let pinned = PinnedPipeline::new(pipeline);
    let roles: BTreeMap<String, Role> =
        ROLES.iter().map(|(name, count, types)| ((*name).to_owned(), role(name, *count, types))).collect();
    Rules {
        rehearsal: false,
        pipeline: pinned.pipeline,
        pipeline_body: pinned.json,
        pipeline_hash: pinned.sha256,
        roles,
        daily_cap: MicroUsd::from_usd(1_000.0),
        lease: Duration::from_secs(30),
        losses: 5,
        free_retries: 20,
        publish: PublishTerms { outlet: "local".to_owned(), account: "me".to_owned(), visibility: "private".to_owned() },
    }
}

/// A folder that goes away with the test; in memory where the machine has such a place, because these tests are about logic and
/// not about the disk.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// A home, and the swarm over it.
pub struct Home {
    pub swarm: Swarm,
    pub clock: Arc<FakeClock>,
    pub rules: Rules,
    pub dir: TempDir,
}

/// An agent with a live session, as its worker.
#[derive(Debug, Clone)]
pub struct Hired {
    pub name: AgentName,
    pub who: Principal,
    pub session: i64,
}

impl Home {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A home whose rules differ from the usual ones.
    pub async fn with(change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = rules(pipeline());
        change(&mut rules);
        Self::over(folder(), rules).await
    }

    /// A home whose pipeline differs from the usual one.
    pub async fn with_pipeline(change: impl FnOnce(&mut Pipeline)) -> Self {
        let mut pipeline = pipeline();
        change(&mut pipeline);
        assert_eq!(pipeline.problems(), [], "the test's pipeline is sound");
        Self::over(folder(), rules(pipeline)).await
    }

    /// A home whose pipeline and rules differ from the usual ones.
    pub async fn with_rules_of(change: impl FnOnce(&mut Pipeline), more: impl FnOnce(&mut Rules)) -> Self {
        let mut pipeline = pipeline();
        change(&mut pipeline);
        let mut rules = rules(pipeline);
        more(&mut rules);
        Self::over(folder(), rules).await
    }

    async fn over(dir: TempDir, rules: Rules) -> Self {
        let clock = Arc::new(FakeClock::new());
        let swarm = open(dir.path(), &rules, &clock).await.unwrap();
        Self { swarm, clock, rules, dir }
    }

    /// What a new daemon does: forgets everything but the files.
    pub async fn restart(&mut self) {
        self.swarm = open(self.dir.path(), &self.rules, &self.clock).await.unwrap();
    }

    pub fn database(&self) -> PathBuf {
        self.dir.path().join("swarm.db")
    }

    /// A connection of the test's own, past the store.
    pub fn direct(&self) -> Connection {
        connect(&self.database())
    }

    /// Changes the database behind the daemon's back.
    pub fn tamper(&self, sql: &str) {
        let changed = self.direct().execute(sql, []).unwrap();
        assert_eq!(changed, 1, "{sql}");
    }

    /// Everything in the database, as text.
    pub fn dump(&self) -> String {
        dump(&self.direct(), &tables(&self.direct()))
    }

    /// An operation that must be refused in this way, and after which nothing in the database may differ.
    pub async fn refused<T: std::fmt::Debug>(&self, kind: Kind, operation: impl Future<Output = Result<T, Error>>) -> Error {
        let before = self.dump();
        let error = operation.await.expect_err("this had to be refused");
        assert_eq!(error.kind, kind, "{error}");
        similar(&before, &self.dump());
        error
    }

    /// Waits until everything that was asked for is committed and told: whoever is asked last is answered last.
    pub async fn settle(&self) {
        self.swarm.session_started(&SYSTEM, 0, String::new(), 0, 0).await.unwrap();
    }

    /// Whether an operation is told to those who follow the events.
    pub async fn is_told<T>(&self, operation: impl Future<Output = T>) -> bool {
        self.settle().await;
        let mut events = self.swarm.follow();
        events.borrow_and_update();
        operation.await;
        self.settle().await;
        events.has_changed().unwrap()
    }

    /// How often an event of this kind happened.
    pub async fn count(&self, kind: &str) -> usize {
        self.swarm.events_after(0, u32::MAX).await.unwrap().iter().filter(|event| event.kind == kind).count()
    }

    pub fn agent(&self, name: &str) -> AgentName {
        name.parse().unwrap()
    }

    /// Wants an agent, and plays its session up to the worker's hello.
    pub async fn hire(&self, name: &str) -> Hired {
        let name = self.agent(name);
        self.swarm.start_agents(&OPERATOR, vec![name.clone()]).await.unwrap();
        self.seat(name).await
    }

    /// A new session for an agent that is wanted already.
    pub async fn seat(&self, name: AgentName) -> Hired {
        let session = self.swarm.intend_session(&SYSTEM, name.clone(), format!("claude-{name}")).await.unwrap();
        self.swarm.session_started(&SYSTEM, session, format!("%{session}"), 100, 7).await.unwrap();
        let who = Principal::Worker(name.clone());
        self.swarm.session_ready(&who, session).await.unwrap();
        Hired { name, who, session }
    }

    /// Claims, and there must be work.
    pub async fn claim(&self, hired: &Hired) -> Claimed {
        match self.swarm.claim(&hired.who, hired.session).await.unwrap() {
            ClaimAnswer::Task(claimed) => *claimed,
            ClaimAnswer::Wait(wait) => panic!("{} has to wait: {wait:?}", hired.name),
        }
    }

    /// Claims, and there must be none.
    pub async fn wait(&self, hired: &Hired) -> Wait {
        match self.swarm.claim(&hired.who, hired.session).await.unwrap() {
            ClaimAnswer::Wait(wait) => wait,
            ClaimAnswer::Task(claimed) => panic!("{} got task {} ({})", hired.name, claimed.task.id, claimed.task.kind),
        }
    }

    /// Claims, and reports that the CLI was started.
    pub async fn start(&self, hired: &Hired) -> Claimed {
        let claimed = self.claim(hired).await;
        self.swarm.started(&hired.who, claimed.attempt.token).await.unwrap();
        claimed
    }

    /// Puts bytes into the artifact store, and answers with a file of them.
    pub fn file(&self, path: &str, content: &str) -> Entry {
        let kept = self.swarm.artifacts().put(content.as_bytes(), 1 << 20).unwrap();
        Entry { path: path.to_owned(), executable: false, size: kept.size, sha256: kept.sha256 }
    }

    /// A report that a task is done as well as it can be.
    pub fn finishing(&self, claimed: &Claimed, result: Value) -> Complete {
        let manifest = (claimed.spec.tree == Tree::Write).then(|| {
            let text = format!("task {} attempt {}", claimed.task.id, claimed.attempt.number);
            let files = ["README.md", "SPEC.md", "test.sh"];
            Manifest::new(files.iter().map(|path| self.file(path, &text)).collect()).unwrap()
        });
        let checks = claimed.spec.checks.iter().map(|check| self.check(&check.name, 0, "ok")).collect();
        Complete {
            progress: Progress {
                token: claimed.attempt.token,
                report: 100,
                usage: Usage { input: 1000, output: 100, cache_read: 0, cache_write: 0 },
                cost: MicroUsd::from_usd(0.25),
            },
            result,
            manifest,
            checks,
        }
    }

    /// What a check came to.
    pub fn check(&self, name: &str, exit: i32, tail: &str) -> CheckReport {
        let log = self.file("log", tail);
        CheckReport { name: name.to_owned(), exit: Some(exit), tail: tail.to_owned(), sha256: log.sha256, size: log.size }
    }

    /// Claims and finishes a task well, with a verdict that lets its product go on.
    pub async fn work(&self, hired: &Hired) -> Claimed {
        let claimed = self.start(hired).await;
        self.finish(hired, &claimed, good(&claimed.spec, &claimed.task.kind)).await;
        claimed
    }

    /// Finishes a task that is claimed; it must be done then.
    pub async fn finish(&self, hired: &Hired, claimed: &Claimed, result: Value) {
        let ended = self.swarm.complete(&hired.who, self.finishing(claimed, result)).await.unwrap();
        let task = self.task(claimed.task.id).await;
        assert_eq!(ended, Ended::Done, "{} ({}): {:?}", task.id, task.kind, task.life.reason);
    }

    /// Reports a failure of this class.
    pub async fn fail(&self, hired: &Hired, claimed: &Claimed, class: FailureClass) -> Ended {
        self.swarm.fail(&hired.who, failing(claimed, class)).await.unwrap()
    }

    pub async fn create(&self, request: CreateTask) -> TaskId {
        let created = self.swarm.create_task(&OPERATOR, request).await.unwrap();
        assert!(!created.existed);
        created.id
    }

    pub async fn task(&self, id: TaskId) -> TaskRow {
        self.swarm.task(id).await.unwrap().task
    }

    pub async fn product(&self, id: i64) -> ProductRow {
        self.swarm.products().await.unwrap().into_iter().find(|product| product.id == id).unwrap()
    }

    /// The approval that is open; there must be one.
    pub async fn open(&self) -> ApprovalRow {
        let mut open = self.swarm.approvals(false).await.unwrap();
        assert_eq!(open.len(), 1, "{open:?}");
        open.remove(0).0
    }

    pub async fn approve(&self, approval: &ApprovalRow) -> ApprovalRow {
        let approve = claude_swarm::domain::approval::Decision::Approve;
        self.swarm.decide(&OPERATOR, approval.id, approve, None, Some(approval.binding.clone())).await.unwrap()
    }

    pub async fn reject(&self, approval: &ApprovalRow, reason: &str) -> ApprovalRow {
        let reject = claude_swarm::domain::approval::Decision::Reject;
        self.swarm.decide(&OPERATOR, approval.id, reject, Some(reason.to_owned()), None).await.unwrap()
    }

    /// The task of this type that waits for a worker; there must be one.
    pub async fn pending(&self, kind: &str) -> TaskRow {
        use claude_swarm::domain::task::StateName;
        let filter = claude_swarm::swarm::TaskFilter {
            state: Some(StateName::Pending),
            kind: Some(kind.to_owned()),
            limit: 10,
            ..claude_swarm::swarm::TaskFilter::default()
        };
        let mut found = self.swarm.tasks(filter).await.unwrap();
        assert_eq!(found.len(), 1, "pending tasks of type {kind}: {found:?}");
        found.remove(0)
    }

    /// A product whose specification was approved, so that it is about to be built.
    pub async fn product_to_build(&self) -> i64 {
        let (hunter, critic, pm) = (self.hire("hunter").await, self.hire("critic").await, self.hire("pm").await);
        self.create(research("what sells?")).await;
        self.work(&hunter).await;
        self.work(&critic).await;
        self.work(&pm).await;
        let asked = self.open().await;
        self.approve(&asked).await;
        for hired in [hunter, critic, pm] {
            self.dismiss(&hired).await;
        }
        asked.product
    }

    /// Ends an agent's session because nobody wants it any more.
    pub async fn dismiss(&self, hired: &Hired) {
        self.swarm.session_ended(&SYSTEM, hired.session, "dismissed".to_owned(), None).await.unwrap();
    }

    /// Ends an agent's session as if its process had died; what it held is not given back yet.
    pub async fn kill(&self, hired: &Hired) {
        let minute = Some(Setback { remembered: MINUTE, pause: SECOND });
        self.swarm.session_ended(&SYSTEM, hired.session, "its worker died".to_owned(), minute).await.unwrap();
    }
}

/// Opens the swarm of a folder as a daemon does.
pub async fn open(dir: &Path, rules: &Rules, clock: &Arc<FakeClock>) -> Result<Swarm, Error> {
    let store = Store::open(&dir.join("swarm.db")).unwrap();
    let artifacts = Artifacts::open(&dir.join("artifacts")).unwrap();
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    Swarm::open(store, artifacts, rules.clone(), clock).await
}

/// A question for the hunter: the simplest task there is.
pub fn research(question: &str) -> CreateTask {
    CreateTask { kind: "research".to_owned(), payload: json!({ "question": question }), ..CreateTask::default() }
}

/// The last word about an attempt whose use is known already.
pub fn nothing_more(token: Token) -> Progress {
    Progress { token, report: 0, usage: Usage::default(), cost: MicroUsd(0) }
}

pub fn failing(claimed: &Claimed, class: FailureClass) -> Fail {
    let progress = Progress {
        token: claimed.attempt.token,
        report: 100,
        usage: Usage { input: 500, ..Usage::default() },
        cost: MicroUsd::from_usd(0.1),
    };
    Fail { progress, class, detail: format!("it ended as {class}"), resets_at: None }
}

/// A result that keeps to its type's schema, with the verdict that lets the product go on.
pub fn good(spec: &TaskType, kind: &str) -> Value {
    let verdict = spec.verdicts().into_iter().find(|verdict| matches!(verdict.as_str(), "pass" | "approve"));
    answer(kind, verdict.as_deref())
}

/// A result that keeps to the schema of its type.
pub fn answer(kind: &str, verdict: Option<&str>) -> Value {
    let passed = matches!(verdict, Some("pass" | "approve"));
    let aspect = json!({ "ok": passed, "note": "looked at" });
    let findings = if passed { json!([]) } else { json!([{ "severity": "major", "where": "a.sh", "what": "it is wrong" }]) };
    match kind {
        "scan_platform" | "research" => json!({ "summary": "found one", "ideas": [idea("Link checker")] }),
        "evaluate_idea" => json!({
            "verdict": verdict, "score": 7, "demand": "some", "competition": "little", "feasibility": "easy", "reasons": "good",
            "is_bounty": false, "is_outside_contribution": false, "opinions_differ": false,
        }),
        "write_spec" => json!({ "summary": "what it is", "files": ["SPEC.md"] }),
        "build_product" | "fix_product" => json!({ "summary": "made it", "files": ["README.md", "test.sh"] }),
        "code_review" => json!({
            "verdict": verdict, "security": aspect, "quality": aspect, "maintainability": aspect, "findings": findings,
            "summary": "reviewed",
        }),
        "test_product" => json!({
            "verdict": verdict, "build": aspect, "function": aspect, "customer": aspect, "findings": findings, "summary": "tested",
        }),
        "prepare_listing" => {
            json!({ "title": "Link checker", "tagline": "It checks", "description": "All links.", "price_usd": 9 })
        }
        "market" => json!({ "posts": [{ "channel": "forum", "text": "Look." }] }),
        "publish" | "post" => json!({ "url": "file:///downloads/x" }),
        "respond_to_human" => json!({ "answer": "Yes." }),
        "directive" => json!({ "answer": "Done.", "scans": [{ "platform": "GitHub", "topic": "Markdown" }] }),
        "monitor_github" => json!({ "summary": "one", "issues": [{ "reference": "#1", "title": "t", "body": "b" }] }),
        "implement_proposal" | "triage_issue" => json!({ "summary": "looked into" }),
        other => panic!("no answer for {other}"),
    }
}

pub fn idea(title: &str) -> Value {
    json!({ "title": title, "problem": "p", "customer": "c", "evidence": "e", "category": "digital_product" })
}

/// A connection past the store.
#[expect(clippy::disallowed_methods, reason = "the test looks at the file itself, and changes it behind the store's back")]
pub fn connect(path: &Path) -> Connection {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}

/// The tables of a database.
pub fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    let mut statement = connection.prepare_cached(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.collect::<Result<_, _>>().unwrap()
}

/// Every value of these tables, as text.
pub fn dump(connection: &Connection, tables: &[String]) -> String {
    let mut text = String::new();
    for table in tables {
        let mut statement = connection.prepare_cached(&format!("SELECT * FROM \"{table}\" ORDER BY 1, 2")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            text.push_str(table);
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    ValueRef::Null => text.push_str("|-"),
                    ValueRef::Integer(n) => write!(text, "|{n}").unwrap(),
                    ValueRef::Real(n) => write!(text, "|{n:?}").unwrap(),
                    ValueRef::Text(bytes) => write!(text, "|{:?}", String::from_utf8_lossy(bytes)).unwrap(),
                    ValueRef::Blob(bytes) => write!(text, "|{bytes:?}").unwrap(),
                }
            }
            text.push('\n');
        }
    }
    text
}

/// Says which lines differ, if any do.
pub fn similar(before: &str, after: &str) {
    if before == after {
        return;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let gone: Vec<_> = old.iter().filter(|line| !new.contains(line)).collect();
    let came: Vec<_> = new.iter().filter(|line| !old.contains(line)).collect();
    panic!("the database was changed\nwas: {gone:#?}\nis: {came:#?}");
}

/// A product that was built, reviewed, tested and listed, and whose publication was approved; answers with that approval.
pub async fn ready_to_publish(home: &Home) -> ApprovalRow {
    let asked = ready_to_approve(home).await;
    home.approve(&asked).await
}

/// A product that was built, reviewed, tested and listed; answers with the approval that is asked for.
pub async fn ready_to_approve(home: &Home) -> ApprovalRow {
    home.product_to_build().await;
    for name in ["builder-1", "reviewer", "tester", "publisher"] {
        let hired = home.hire(name).await;
        home.work(&hired).await;
        home.dismiss(&hired).await;
    }
    let asked = home.open().await;
    assert_eq!(asked.kind, "publish");
    asked
}
