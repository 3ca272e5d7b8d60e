//! The stage: a swarm whose model does what a task's text says, and what the tests need to see of it.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::TestSwarm;

/// What the hostile model plays.
pub const MODEL: &str = include_str!("model.yaml");

/// Shell functions for attacks. `ask ADDRESS METHOD PATH [HEADER…]` sends a bare HTTP request to a socket's path or HOST:PORT, and prints
/// the status and the beginning of the body, or `unreachable`. `$BODY` is the request's body.
const TOOLS: &str = r#"ask() { perl -MIO::Socket::UNIX -MIO::Socket::INET -e '
  my ($to, $method, $path, @headers) = @ARGV; my $body = $ENV{BODY} // ""; alarm 20;
  my $s = $to =~ m{^/} ? IO::Socket::UNIX->new(Peer => $to) : IO::Socket::INET->new(PeerAddr => $to);
  if (!$s) { print "$method $path: unreachable\n"; exit }
  unshift @headers, "Host: localhost" unless grep /^host:/i, @headers;
  print $s join("\r\n", "$method $path HTTP/1.1", @headers, "Connection: close", "Content-Length: " . length($body), "", $body);
  local $/; my $all = <$s>; my ($head, $rest) = split /\r\n\r\n/, $all, 2; my ($code) = $head =~ /^\S+ (\d+)/;
  $rest =~ s/\s+/ /g; print "$method $path: $code ", substr($rest, 0, 300), "\n"' "$@"; }
"#;

pub struct Stage {
    pub swarm: TestSwarm,
}

/// A product that a test works on.
pub struct Product {
    pub id: i64,
    pub slug: String,
    /// Its tree, outside.
    pub tree: PathBuf,
}

impl Stage {
    /// A rehearsal with these agents at work.
    pub fn new(agents: &[&str]) -> Self {
        Self::start(TestSwarm::rehearsal(), agents)
    }

    /// The same, on a home that was prepared.
    pub fn start(mut swarm: TestSwarm, agents: &[&str]) -> Self {
        if swarm.home.join("config/rehearsal.yaml").exists() {
            swarm.script(MODEL);
        }
        swarm.start_daemon(&[]);
        let verb: Vec<&str> = ["start"].iter().chain(agents).copied().collect();
        swarm.run(&verb);
        Self { swarm }
    }

    /// Runs a shell script inside the hunter's sandbox, as its model's tool call. Answers what it printed.
    pub fn inside(&self, script: &str) -> String {
        let task = self.probe(script);
        self.swarm.until_task(task, &["done"]);
        self.printed(task)
    }

    /// Begins what [`Stage::inside`] does, and answers the task's number.
    pub fn probe(&self, script: &str) -> i64 {
        let question = format!("{{ {TOOLS}\n{script}\n}} >/workspace/printed 2>&1; echo end >>/workspace/printed");
        self.swarm.create("research", &json!({ "question": question }))
    }

    /// What a probe has printed.
    pub fn printed(&self, task: i64) -> String {
        let path = self.workspace(task).join("printed");
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
        text.strip_suffix("end\n").unwrap_or_else(|| panic!("the attack did not run to its end: {text:?}")).to_owned()
    }

    /// The folder that was `/workspace` for a task without a product's tree.
    pub fn workspace(&self, task: i64) -> PathBuf {
        self.swarm.home.join(format!("data/tasks/{task}/workspace"))
    }

    /// A new product, with a specification that waits for a person. Needs critic and pm.
    pub fn product(&self, title: &str) -> Product {
        let idea = json!({"title": title, "problem": "p", "customer": "c", "evidence": "e", "category": "content"});
        self.swarm.create("evaluate_idea", &json!({ "idea": idea }));
        let found = self.swarm.until("the specification is there", |swarm| {
            let open = swarm.json(&["approvals"]);
            open.as_array().unwrap().iter().find(|approval| approval["product_title"] == title).cloned()
        });
        let slug = found["product_slug"].as_str().unwrap().to_owned();
        let tree = self.swarm.home.join("data/projects").join(&slug);
        Product { id: found["product"].as_i64().unwrap(), slug, tree }
    }

    /// Has the builder run a script in a product's tree, and answers the task's number. What the type must leave is there.
    pub fn build(&self, product: &Product, script: &str) -> i64 {
        let task = self.begin_build(product, &format!("echo read > README.md; echo true > test.sh\n{script}"));
        self.swarm.until_task(task, &["done"]);
        task
    }

    /// The same with nothing added, and without waiting.
    pub fn begin_build(&self, product: &Product, script: &str) -> i64 {
        let payload = json!({"from": "person", "summary": format!("{TOOLS}\n{script}")}).to_string();
        let args = ["create", "--type", "fix_product", "--product", &product.id.to_string(), "--payload", &payload];
        self.swarm.tasks(&args)["id"].as_i64().unwrap()
    }

    /// The paths of a product's newest snapshot, and their bytes' names.
    pub fn snapshot(&self, product: &Product) -> Vec<(String, String)> {
        let products = self.swarm.json(&["products"]);
        let row = products.as_array().unwrap().iter().find(|row| row["id"] == product.id).unwrap().clone();
        let (_, manifest) = self.swarm.rest("GET", &format!("/api/v1/snapshots/{}", row["snapshot"].as_str().unwrap()), b"");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        manifest.as_array().unwrap().iter().map(|entry| (text(&entry["path"]), text(&entry["sha256"]))).collect()
    }

    /// Waits until an attempt at a task has failed; answers with its class and what is said about it.
    pub fn first_failure(&self, task: i64) -> (String, String) {
        self.swarm.until(&format!("an attempt at task {task} fails"), |swarm| {
            let shown = swarm.tasks(&["show", &task.to_string()]);
            let attempt = shown["attempts"].as_array()?.iter().find(|attempt| attempt["outcome"] == "failed")?.clone();
            let text = |name: &str| attempt[name].as_str().unwrap_or_default().to_owned();
            Some((text("class"), text("detail")))
        })
    }

    /// Everything that happened but in these tasks: what an attack must not add to.
    pub fn elsewhere(&self, tasks: &[i64]) -> Vec<Value> {
        let mut events = self.swarm.events();
        events.retain(|event| !event["task"].as_i64().is_some_and(|task| tasks.contains(&task)));
        events
    }
}
