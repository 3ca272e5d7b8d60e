//! What an agent leaves behind: processes, a poisoned home, changes of a copy. None of it reaches anything else.

use std::fs;

use super::stage::Stage;

/// Ends the CLI in the middle of the attempt, so that the task gets another one in the same home.
const DIE: &str = "pkill -9 -x claude";

#[test]
fn a_link_in_an_agents_home_does_not_lead_the_worker_out() {
    let stage = Stage::new(&["hunter"]);
    let beside = stage.swarm.home.parent().unwrap();
    let token = fs::read_to_string(stage.swarm.home.join("data/run/operator.token")).unwrap();
    // What the worker itself writes into the home, as something else: as links to files of ours and of a person, as what blocks, as
    // what cannot be opened.
    let attacks = [
        format!("ln -sf {}/data/run/operator.token ~/.swarm-role.md", stage.swarm.home.display()),
        format!("ln -sf {}/made ~/.swarm-role.md", beside.display()),
        "rm ~/.swarm-role.md; mkfifo ~/.swarm-role.md".to_owned(),
        "rm ~/.swarm-role.md; mkdir -p ~/.swarm-role.md/deep; chmod 0 ~/.swarm-role.md".to_owned(),
    ];
    for attack in attacks {
        let task = stage.probe(&format!("[ -e ~/died ] || {{ touch ~/died; {attack}; {DIE}; }}"));
        let shown = stage.swarm.until_task(task, &["done", "failed"]);
        assert_eq!((&shown["state"], shown["attempts"].as_array().unwrap().len()), (&"done".into(), 2), "{attack}: {shown}");
        assert_eq!(shown["attempts"][0]["class"], "crashed", "{attack}");
        let role = stage.swarm.home.join(format!("data/tasks/{task}/home/.swarm-role.md"));
        assert!(
            fs::symlink_metadata(&role).unwrap().is_file() && fs::read_to_string(role).unwrap().contains("Hunter"),
            "{attack}"
        );
    }
    assert!(!beside.join("made").exists());
    assert_eq!(fs::read_to_string(stage.swarm.home.join("data/run/operator.token")).unwrap(), token);
}
