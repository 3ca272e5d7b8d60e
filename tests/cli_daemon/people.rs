//! What a person enters and says: income, messages, pauses, accounts.

use serde_json::json;

use super::stage::quiet;
use crate::output::ended;

#[test]
fn income_messages_pauses_and_accounts() {
    let swarm = quiet();
    assert_eq!(swarm.run(&["income", "add", "12.50", "--source", "gumroad"]), "income 1: 12.50 USD\n");
    let refund = ["income", "add", "-0.29", "--source", "gumroad", "--currency", "eur", "--date", "2026-11-01", "--note", "back"];
    assert_eq!(swarm.run(&refund), "income 2: -0.29 EUR\n");
    let listed = swarm.run(&["income", "list"]);
    assert!(listed.contains("2026-11-01") && listed.ends_with("\nsum -0.29 EUR\nsum 12.50 USD\n"), "{listed}");
    assert_eq!(swarm.json(&["income", "list"]).as_array().unwrap().len(), 2);
    ended(&swarm.try_run(&["income", "add", "1", "--source", "x", "--product", "9"]), 4);
    ended(&swarm.try_run(&["income", "add", "0", "--source", "x"]), 2);

    assert_eq!(swarm.json(&["tell", "hunter", "look again"]), json!({"id": 1}));
    ended(&swarm.try_run(&["tell", "nobody", "x"]), 4);
    ended(&swarm.try_run(&["tell", "hunter", " "]), 2);

    assert_eq!(swarm.json(&["pause", "hunter", "pm"]), json!({"agents": ["hunter", "pm"]}));
    assert!(swarm.run(&["pause", "hunter", "pm", "--reason", "by operator"]).starts_with("nothing to change"));
    assert_eq!(swarm.run(&["resume", "hunter"]), "resumed hunter\n");
    ended(&swarm.try_run(&["pause", "hunter", "nobody"]), 4);
    ended(&swarm.try_run(&["account", "open", "claude"]), 0);
    ended(&swarm.try_run(&["attach", "hunter"]), 4);
    assert_eq!(swarm.run(&["products"]), "no products yet\n");
    assert_eq!(swarm.run(&["approvals"]), "nothing waits for you\n");
    for args in [&["approval", "1"][..], &["approve", "1"], &["reject", "1", "--reason", "x"]] {
        ended(&swarm.try_run(args), 4);
    }
}
