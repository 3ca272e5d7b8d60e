//! Whatever else may speak to the socket: the provider's paths and shapes, requests that are none, clients that go away.
//!
//! No CLI runs here.

use std::net::SocketAddr;
use std::time::Duration;

use claude_swarm::rehearsal::{Pace, Scenario, Server};
use serde_json::{Value, json};

use super::stage::{PATIENCE, Stage};

fn body(task: Value) -> Value {
    json!({"model": "some-model", "messages": [{"role": "user", "content": format!("<task>\n{task}\n</task>")}]})
}

#[tokio::test]
async fn every_path_answers_in_the_providers_shapes() {
    let stage = Stage::set(
        "{name: plain, tasks: [{when: {type: t}, turns: [{say: 'Hello from {{id}}.'}]}], models: {some-model: {output_tokens: 7}}}",
    );
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", stage.base_url);
    assert_eq!(client.head(url("/")).send().await.unwrap().status(), 200);

    let hello = body(json!({"id": 3, "type": "t"}));
    let message: Value = client.post(url("/v1/messages?beta=true")).json(&hello).send().await.unwrap().json().await.unwrap();
    assert_eq!(message["content"], json!([{"type": "text", "text": "Hello from 3."}]));
    assert_eq!((&message["stop_reason"], &message["model"]), (&json!("end_turn"), &json!("some-model")));
    assert_eq!((&message["usage"]["output_tokens"], &message["usage"]["cache_read_input_tokens"]), (&json!(7), &json!(0)));

    let counted: Value = client.post(url("/v1/messages/count_tokens")).json(&hello).send().await.unwrap().json().await.unwrap();
    assert!(counted["input_tokens"].as_u64().unwrap() > 10, "{counted}");

    for (request, status, kind) in [
        (client.get(url("/v1/models")), 404, "not_found_error"),
        (client.get(url("/v1/messages")), 404, "not_found_error"),
        (client.post(url("/v1/messages")), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).body("\u{0}{[\"<task>"), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).body(vec![b'['; 1 << 20]), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).body(vec![b' '; (64 << 20) + 1]), 413, "request_too_large"),
        (client.post(url("/v1/messages/count_tokens")).body("[]"), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).json(&body(json!({"id": "x", "type": "t"}))), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).json(&body(json!({"id": 1, "type": "unknown"}))), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).json(&json!({"messages": []})), 400, "invalid_request_error"),
    ] {
        let answer = request.send().await.unwrap();
        let (got, error) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!((got.as_u16(), &error["type"], &error["error"]["type"]), (status, &json!("error"), &json!(kind)), "{error}");
    }
    assert_eq!(*stage.journal.total().borrow(), 13);
    stage.close().await;
}

#[tokio::test]
async fn a_stalled_answer_ends_with_its_client_or_with_the_server() {
    let stage = Stage::set("{name: silent, tasks: [{turns: [{say: never}], fail: [{at_turn: 0, times: 9, stall: true}]}]}");
    let client = reqwest::Client::new();
    let url = format!("{}/v1/messages", stage.base_url);
    let mut request = body(json!({"id": 3, "type": "t"}));
    for streamed in [true, false] {
        request["stream"] = json!(streamed);
        let gone = client.post(&url).json(&request).send().await.unwrap();
        assert_eq!(gone.status(), 200);
    }
    // Both clients have gone; the server must notice, although it has nothing to send.
    let port = format!(":{:04X}", stage.base_url.rsplit(':').next().unwrap().parse::<u16>().unwrap());
    let held = || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        // 01 is established, 08 waits for us to close.
        fields.filter(|fields| fields[1].ends_with(&port) && ["01", "08"].contains(&fields[3])).count()
    };
    let noticed = async {
        while held() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, noticed).await.expect("the server lets go of clients that have gone");
    let waiting = client.post(&url).json(&request).send().await.unwrap();
    stage.close().await;
    assert!(waiting.bytes().await.is_err(), "the server broke it off");
}

#[tokio::test]
async fn only_loopback_is_bound() {
    let scenario = Scenario::parse("{name: n, otherwise: [{say: hi}]}").unwrap();
    let error = Server::bind(SocketAddr::from(([0, 0, 0, 0], 0)), scenario, Pace::SCRIPTED).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
