//! What a home that is right becomes: its defaults, its agents, their prompts; and what is read beside it.
//!
//! Not here: what is wrong with roles (`roles`) and settings (`settings`, `safety`).

use claude_swarm::config::{Environment, HomeKind, Settings, load};

use super::small_home::SmallHome;

#[test]
fn a_small_home_loads_with_defaults() {
    let small = SmallHome::new();
    let loaded = load(&small.home()).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.settings, Settings::default());
    assert_eq!(loaded.config.kind, HomeKind::Real);
    assert_eq!(loaded.config.rehearsal, None);
    let agents: Vec<String> = loaded.config.agents().iter().map(|(agent, _)| agent.to_string()).collect();
    assert_eq!(agents, ["hunter", "pm"]);
    assert!(loaded.config.role_of(&"hunter".parse().unwrap()).is_some());
    assert!(loaded.config.role_of(&"hunter-1".parse().unwrap()).is_none());
}

#[test]
fn a_prompt_is_put_together_in_order_and_its_hash_is_of_all_of_it() {
    let small = SmallHome::new();
    let prompt = |small: &SmallHome| {
        let config = load(&small.home()).unwrap().config;
        (config.roles[0].prompt.clone(), config.roles[0].prompt_hash.clone())
    };
    let (text, hash) = prompt(&small);
    insta::assert_snapshot!(text, @r"
    # Master
    Be honest.

    # RULES

    Rules without a heading.

    # A role
    Do it.

    # Searching
    Look twice.
    ");
    small.write("skills/search.md", "# Searching\nLook three times.\n");
    assert_ne!(prompt(&small).1, hash);
}

#[test]
fn whoever_writes_specifications_is_given_their_outline() {
    let small = SmallHome::new();
    let roles = load(&small.home()).unwrap().config.roles;
    let outline = "# Template of SPEC.md\n\n<template>\n# Title\n</template>\n";
    let given: Vec<bool> = roles.iter().map(|role| role.prompt.ends_with(outline)).collect();
    assert_eq!(given, [false, true], "the hunter writes none, the manager does");
}

#[test]
fn a_prompt_that_is_too_long_is_refused() {
    let small = SmallHome::new();
    let errors = small.write("skills/search.md", &"long ".repeat(30_000)).errors();
    assert!(errors.contains("its whole prompt has 150") && errors.contains("at most 120000 bytes"), "{errors}");
}

#[test]
fn the_environment_is_read() {
    let environment = Environment::read();
    assert!(environment.path.is_some() && environment.current_dir.is_some());
}
