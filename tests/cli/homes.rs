//! Homes: made once, read with their mistakes, and what kind they are.

use std::fs;

use serde_json::{Value, json};

use super::place::Place;
use crate::output::{SWARM, ended, err, out};

#[test]
fn a_home_is_made_once() {
    let place = Place::empty();
    let home = place.home.to_str().unwrap();
    let refused = place.run(SWARM, &["init", home, "--listen", "0.0.0.0:80"]);
    ended(&refused, 2);
    assert!(err(&refused).starts_with("error: listen: "), "{}", err(&refused));
    assert!(!place.home.exists());
    let made = place.run(SWARM, &["init", home, "--tmux", "default", "--listen", "127.0.0.1:4321", "--json"]);
    ended(&made, 0);
    let made: Value = serde_json::from_str(&out(&made)).unwrap();
    assert_eq!(made["home"], home);
    let settings = fs::read_to_string(place.home.join("config/settings.yaml")).unwrap();
    assert!(settings.contains("listen: 127.0.0.1:4321") && settings.contains("server: default"), "{settings}");
    assert!(!place.home.join("config/kind").exists());
    let again = place.run(SWARM, &["init", home]);
    ended(&again, 5);
    ended(&place.run(SWARM, &["config", "check", "--home", home]), 0);
}

#[test]
fn a_broken_configuration_is_shown_with_its_place_and_starts_nothing() {
    let place = Place::home();
    fs::write(place.home.join("config/settings.yaml"), "budget:\n  daily_usd: lots\n").unwrap();
    let plain = place.at_home(&["config", "check"]);
    ended(&plain, 1);
    assert!(out(&plain).starts_with("config/settings.yaml:2: budget.daily_usd: "), "{}", out(&plain));
    assert!(plain.stderr.is_empty(), "{}", err(&plain));
    let report: Value = serde_json::from_str(&out(&place.at_home(&["config", "check", "--json"]))).unwrap();
    assert_eq!((&report["ok"], &report["problems"][0]["line"]), (&json!(false), &json!(2)), "{report}");
    let start = place.at_home(&["start"]);
    ended(&start, 1);
    assert!(err(&start).contains("config/settings.yaml:2: budget.daily_usd: "), "{}", err(&start));
    assert!(!place.home.join("logs/daemon.log").exists());
}

#[test]
fn only_a_rehearsal_is_played_by_a_script() {
    let place = Place::empty();
    ended(&place.run(SWARM, &["init", place.home.to_str().unwrap()]), 0);
    for option in [&["--auto-approve"][..], &["--pace", "2"]] {
        let output = place.at_home(&[&["start"], option].concat());
        ended(&output, 6);
    }
    assert!(!place.home.join("logs/daemon.log").exists());
}
