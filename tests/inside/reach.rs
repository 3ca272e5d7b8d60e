//! What lies beside the sandbox cannot be found from inside: the database, the doors, other trees, the terminal, other processes.

use std::fs;
use std::process::{Command, Stdio};

use super::stage::Stage;

#[test]
fn the_database_cannot_be_read_or_found() {
    let stage = Stage::new(&["hunter"]);
    let database = stage.swarm.home.join("data/swarm.db");
    assert!(fs::read(&database).unwrap().starts_with(b"SQLite format 3"));
    let seen = stage.inside(&format!(
        "for way in '' /proc/self/root /proc/self/cwd/../../../.. /proc/self/fd/0/../../.. $(echo /proc/[0-9]*/root) $(echo /proc/[0-9]*/cwd); do
           head -c 15 \"$way{0}\" && echo \"read through $way\"
         done 2>/dev/null
         touch /workspace/swarm.db-decoy
         find / -path /proc -prune -o -name 'swarm.db*' -print 2>/dev/null",
        database.display()
    ));
    assert_eq!(seen, "/workspace/swarm.db-decoy\n");
}

#[test]
fn the_doors_of_people_and_workers_cannot_be_reached() {
    let stage = Stage::new(&["hunter"]);
    let run = stage.swarm.home.join("data/run").display().to_string();
    for name in ["operator.sock", "worker.sock", "operator.token", "agents/critic/swarm.sock"] {
        assert!(fs::exists(format!("{run}/{name}")).unwrap(), "{name}");
    }
    let seen = stage.inside(&format!(
        "for name in operator worker agents/critic/swarm; do ask {run}/$name.sock GET /api/v1/status; done
         ask @{run}/operator.sock GET /api/v1/status
         cat {run}/operator.token 2>/dev/null && echo 'a token'
         find / -path /proc -prune -o -name 'operator.token' -print 2>/dev/null
         find / -path /proc -prune -o -type s -print 2>/dev/null
         mv /run/swarm/swarm.sock /run/swarm/other 2>/dev/null && echo moved
         rm -f /run/swarm/swarm.sock 2>/dev/null && echo removed
         ask /run/swarm/swarm.sock GET /healthz | cut -c 1-17"
    ));
    let unreachable = "GET /api/v1/status: unreachable\n".repeat(4);
    assert_eq!(seen, format!("{unreachable}/run/swarm/swarm.sock\nGET /healthz: 200\n"));
}

#[test]
fn loopback_http_lets_nobody_in_without_the_token_and_no_foreign_page() {
    let stage = Stage::new(&["hunter", "critic", "pm"]);
    stage.product("A product");
    let status = stage.swarm.json(&["status"]);
    let address = status["listen"].as_str().unwrap().strip_prefix("http://").unwrap();
    let token = fs::read_to_string(stage.swarm.home.join("data/run/operator.token")).unwrap();
    let token = token.trim();
    let before = stage.elsewhere(&[]);

    let attack = |headers: &str| {
        ["GET /api/v1/status", "GET /api/v1/approvals", "POST /api/v1/approvals/1/approve", "POST /api/v1/halt", "GET /rpc"]
            .map(|what| format!("ask {address} {what} {headers}\n"))
            .concat()
    };
    let without = ["", "'Authorization: Bearer '", "'Authorization: Bearer 0'", "\"Authorization: Basic $(echo a:b | base64)\""];
    // Not even with the token, which no agent has: what a page in a browser would send for a name that leads here.
    let foreign =
        ["'Host: swarm.example'", "'Host: 127.0.0.1.swarm.example'", "'Origin: http://swarm.example'", "'Origin: null'"];
    let foreign = foreign.map(|header| format!("{header} 'Authorization: Bearer {token}'"));
    let mut script: String = without.into_iter().map(attack).chain(foreign.iter().map(|headers| attack(headers))).collect();
    script.push_str(&format!("ask {address} GET /healthz 'Host: swarm.example'\n"));
    // In pieces: a payload holds 4000 characters.
    let lines: Vec<&str> = script.lines().collect();
    let mut tasks = Vec::new();
    for part in lines.chunks(12) {
        let task = stage.probe(&part.join("\n"));
        stage.swarm.until_task(task, &["done"]);
        let seen = stage.printed(task);
        assert_eq!(seen.lines().count(), part.len(), "{seen}");
        assert!(seen.lines().all(|line| line.contains(": 403 ")), "{seen}");
        tasks.push(task);
    }
    let told = stage.probe(&format!("ask {address} GET /api/v1/status 'Authorization: Bearer {token}'"));
    stage.swarm.until_task(told, &["done"]);
    assert!(stage.printed(told).starts_with("GET /api/v1/status: 200 "), "with the token it is open: {}", stage.printed(told));
    tasks.push(told);

    assert_eq!(stage.elsewhere(&tasks), before);
    assert_eq!(stage.swarm.json(&["approvals"])[0]["state"], "open");
}

#[test]
fn another_products_tree_cannot_be_seen() {
    let stage = Stage::new(&["critic", "pm", "builder"]);
    let (one, other) = (stage.product("One"), stage.product("Other"));
    stage.build(&one, "echo the secret of one > secret.txt");
    assert!(one.tree.join("secret.txt").exists());
    let (_, sha256) = stage.snapshot(&one).into_iter().find(|(path, _)| path == "secret.txt").unwrap();
    stage.build(
        &other,
        &format!(
            "(cat ../{0}/secret.txt {1}/secret.txt /workspace/../{0}/secret.txt
              find / -path /proc -prune -o -name secret.txt -print
              ask /run/swarm/swarm.sock GET /api/v1/artifacts/{sha256}
              ask /run/swarm/swarm.sock GET /api/v1/products) >printed 2>/dev/null",
            one.slug,
            one.tree.display()
        ),
    );
    let seen = fs::read_to_string(other.tree.join("printed")).unwrap();
    assert_eq!(seen.lines().count(), 2, "{seen}");
    assert!(seen.lines().all(|line| line.contains(": 403 ")), "{seen}");
    assert!(!other.tree.join("secret.txt").exists());
}

#[test]
fn no_key_can_be_typed_into_any_pane() {
    let stage = Stage::new(&["hunter", "critic"]);
    let server = stage.swarm.tmux_server();
    let socket = stage.swarm.tmux(&["display-message", "-p", "#{socket_path}"]).trim().to_owned();
    assert!(fs::exists(&socket).unwrap(), "{socket}");
    let pane = || stage.swarm.tmux(&["capture-pane", "-p", "-t", "claude-critic"]);
    let before = pane();
    let seen = stage.inside(&format!(
        "for how in '-L {server}' '-S {socket}' ''; do
           tmux $how send-keys -t claude-critic 'approve 1' Enter && echo \"typed with tmux $how\"
           tmux $how list-sessions && echo \"listed with tmux $how\"
         done 2>/dev/null
         find / -path /proc -prune -o -path '*tmux*' -type s -print 2>/dev/null
         for terminal in /dev/tty /dev/console /dev/pts/[0-9]* /proc/[0-9]*/fd/0; do
           [ -t 0 ] <$terminal && echo 'approve 1' >$terminal && echo \"wrote to $terminal\"
         done 2>/dev/null
         perl -e 'for my $fd (0 .. 20) {{ open(my $f, \"+<&=$fd\") or next; for (\"approve 1\\n\" =~ /./gs) {{ ioctl($f, 0x5412, $_) && print \"typed\\n\" }} }}'"
    ));
    assert_eq!(seen, "");
    assert_eq!(pane(), before);
    assert_eq!(stage.swarm.count("message:sent"), 0);
}

#[test]
fn the_daemons_environment_and_the_machines_processes_cannot_be_seen() {
    let mut swarm = crate::harness::TestSwarm::rehearsal();
    swarm.env("SWARM_TEST_CANARY", "the-canary-of-the-daemon");
    let stage = Stage::start(swarm, &["hunter"]);
    let mut other =
        Command::new("sleep").args(["98123.5"]).env("CANARY", "the-canary-of-another").stdin(Stdio::null()).spawn().unwrap();
    let daemon = stage.swarm.daemon.as_ref().unwrap().id();
    let outside = fs::read_to_string(format!("/proc/{daemon}/environ")).unwrap();
    assert!(outside.contains("the-canary-of-the-daemon"));
    let seen = stage.inside(&format!(
        "cat /proc/[0-9]*/environ /proc/{daemon}/environ /proc/{0}/environ 2>/dev/null | tr '\\0' '\\n' | grep -i canary
         cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -x -e '9812[3].5' -e 'daemo[n]' -e 'worke[r]' -e 'tmu[x]'
         kill -0 {daemon} 2>/dev/null && echo 'the daemon can be signalled'
         kill -0 {0} 2>/dev/null && echo 'another process can be signalled'
         ps -e 2>/dev/null | wc -l",
        other.id()
    ));
    other.kill().unwrap();
    other.wait().unwrap();
    let processes: u32 = seen.trim().parse().unwrap_or_else(|_| panic!("{seen}"));
    assert!(processes < 15, "{seen}");
}
