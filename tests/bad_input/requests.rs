//! Requests to the API itself that no command line of ours would send.

use serde_json::json;

use super::stage::{quiet, without_change};

#[test]
fn bodies_and_paths_that_are_not_understood() {
    let swarm = quiet();
    let large = format!("{{\"type\": \"research\", \"payload\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let requests: [(&str, &str, &str); 24] = [
        ("POST", "/api/v1/tasks", "{"),
        ("POST", "/api/v1/tasks", "not json"),
        ("POST", "/api/v1/tasks", "\u{0}"),
        ("POST", "/api/v1/tasks", "{}"),
        ("POST", "/api/v1/tasks", "[]"),
        ("POST", "/api/v1/tasks", r#"{"type": "research", "priority": 1.5}"#),
        ("POST", "/api/v1/tasks", r#"{"type": "research", "priority": 1e400}"#),
        ("POST", "/api/v1/tasks", r#"{"type": "research", "payload": {"question": "q"}, "needs": [99999999999999999999]}"#),
        ("POST", "/api/v1/tasks", r#"{"type": "research", "payload": {"question": "q"}, "unknown": 1}"#),
        ("POST", "/api/v1/tasks", &large),
        ("GET", "/api/v1/tasks?state=sleeping", ""),
        ("GET", "/api/v1/tasks?limit=many", ""),
        ("GET", "/api/v1/tasks?product=", ""),
        ("GET", "/api/v1/tasks/one", ""),
        ("GET", "/api/v1/tasks/99999999999999999999", ""),
        ("GET", "/api/v1/tasks/-1", ""),
        ("DELETE", "/api/v1/tasks/1", ""),
        ("POST", "/api/v1/approvals/0/approve", "{}"),
        ("POST", "/api/v1/approvals/1/reject", "{}"),
        ("POST", "/api/v1/approvals/1/approve", r#"{"reason": 7}"#),
        ("POST", "/api/v1/agents/start", r#"{"agents": "hunter"}"#),
        ("GET", "/api/v1/artifacts/..%2f..%2fswarm.db", ""),
        ("GET", "/api/v1/snapshots/0", ""),
        ("GET", "/nothing", ""),
    ];
    let mut all = String::new();
    without_change(&swarm, || {
        for (method, path, body) in requests {
            let (status, problem) = swarm.rest(method, path, body.as_bytes());
            let shown: String = body.escape_debug().take(40).collect();
            all.push_str(&format!("{method} {path} {shown}\n  {status} {problem}\n"));
            assert!((400..500).contains(&status), "{all}");
        }
    });
    insta::assert_snapshot!(all, @r#"
    POST /api/v1/tasks {
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: EOF while parsing an object at line 1 column 1","field":"body"}
    POST /api/v1/tasks not json
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: expected ident at line 1 column 2","field":"body"}
    POST /api/v1/tasks \0
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: expected value at line 1 column 1","field":"body"}
    POST /api/v1/tasks {}
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: missing field `type` at line 1 column 2","field":"body"}
    POST /api/v1/tasks []
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: invalid length 0, expected struct CreateTask with 6 elements at line 1 column 2","field":"body"}
    POST /api/v1/tasks {\"type\": \"research\", \"priority\": 1
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: invalid type: floating point `1.5`, expected i64 at line 1 column 36","field":"body"}
    POST /api/v1/tasks {\"type\": \"research\", \"priority\": 1
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: number out of range at line 1 column 38","field":"body"}
    POST /api/v1/tasks {\"type\": \"research\", \"payload\": {\
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: invalid type: floating point `1e+20`, expected i64 at line 1 column 81","field":"body"}
    POST /api/v1/tasks {\"type\": \"research\", \"payload\": {\
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: unknown field `unknown`, expected one of `type`, `priority`, `payload`, `needs`, `dedup_key`, `product` at line 1 column 60","field":"body"}
    POST /api/v1/tasks {\"type\": \"research\", \"payload\": [[
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: recursion limit exceeded at line 1 column 159","field":"body"}
    GET /api/v1/tasks?state=sleeping 
      422 {"kind":"invalid","status":422,"detail":"\"sleeping\" is no state of a task","field":"state","hint":"one of: blocked, pending, claimed, running, validating, done, failed, cancelled"}
    GET /api/v1/tasks?limit=many 
      422 {"kind":"invalid","status":422,"detail":"limit: invalid digit found in string","field":"query"}
    GET /api/v1/tasks?product= 
      422 {"kind":"invalid","status":422,"detail":"product: cannot parse integer from empty string","field":"query"}
    GET /api/v1/tasks/one 
      422 {"kind":"invalid","status":422,"detail":"\"one\" is no number","field":"path"}
    GET /api/v1/tasks/99999999999999999999 
      422 {"kind":"invalid","status":422,"detail":"\"99999999999999999999\" is no number","field":"path"}
    GET /api/v1/tasks/-1 
      404 {"kind":"not_found","status":404,"detail":"there is no task -1","hint":"`claude-tasks list` shows what there is"}
    DELETE /api/v1/tasks/1 
      404 {"kind":"not_found","status":404,"detail":"there is nothing at DELETE /api/v1/tasks/1"}
    POST /api/v1/approvals/0/approve {}
      404 {"kind":"not_found","status":404,"detail":"there is no approval 0","hint":"`claude-swarm approvals` lists what is open"}
    POST /api/v1/approvals/1/reject {}
      422 {"kind":"invalid","status":422,"detail":"a rejection needs one","field":"reason","hint":"the next attempt is told why: --reason \"…\""}
    POST /api/v1/approvals/1/approve {\"reason\": 7}
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: invalid type: integer `7`, expected a string at line 1 column 12","field":"body"}
    POST /api/v1/agents/start {\"agents\": \"hunter\"}
      422 {"kind":"invalid","status":422,"detail":"is not what is taken here: invalid type: string \"hunter\", expected a sequence at line 1 column 19","field":"body"}
    GET /api/v1/artifacts/..%2f..%2fswarm.db 
      404 {"kind":"not_found","status":404,"detail":"there is no such artifact"}
    GET /api/v1/snapshots/0 
      404 {"kind":"not_found","status":404,"detail":"there is no snapshot 0"}
    GET /nothing 
      404 {"kind":"not_found","status":404,"detail":"there is nothing at GET /nothing"}
    "#);
}

#[test]
fn bytes_that_are_no_text_or_no_request_leave_the_daemon_standing() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    let swarm = quiet();
    without_change(&swarm, || {
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1_000_000));
        let headers = format!("GET / HTTP/1.1\r\n{}\r\n", "X-Header: y\r\n".repeat(10_000));
        for bytes in [
            &b"\xff\xfe\x00"[..],
            b"GET",
            b"POST /api/v1/tasks HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            long.as_bytes(),
            headers.as_bytes(),
            b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n\xff\xff",
            b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
        ] {
            let mut socket = UnixStream::connect(swarm.home.join("data/run/operator.sock")).unwrap();
            drop(socket.write_all(bytes));
            drop(socket.shutdown(std::net::Shutdown::Write));
            drop(socket.read_to_end(&mut Vec::new()));
        }
        // Somebody who says nothing keeps nobody else waiting.
        let _silent: Vec<UnixStream> =
            (0..50).map(|_| UnixStream::connect(swarm.home.join("data/run/operator.sock")).unwrap()).collect();
        assert_eq!(swarm.rest("GET", "/healthz", b"").1["status"], json!("ok"));
    });
}
