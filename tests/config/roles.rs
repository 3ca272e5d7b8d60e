//! Roles and the other texts of a home that are missing, cannot be read, or do not fit together.

use std::fs;

use claude_swarm::config::Home;
use claude_swarm::domain::error::Kind;

use super::small_home::{SmallHome, role};

#[test]
fn missing_and_unreadable_files_are_named() {
    let small = SmallHome::new();
    for path in ["config/pipeline.yaml", "templates/product_spec.md", "agents/MASTER.md"] {
        fs::remove_file(small.folder.path().join(path)).unwrap();
    }
    fs::write(small.folder.path().join("agents/RULES.md"), b"fine\nnot \xff fine\n").unwrap();
    small.write("skills/search.md", "harmless\nhidden\u{202e} text\n").write("config/kind", "rehersal");
    insta::assert_snapshot!(small.errors(), @r#"
    config/kind: "rehersal" is no kind of home
      → write `rehearsal`, or delete the file for a real home
    config/pipeline.yaml: is missing
      → put it back; `claude-swarm init` of another folder writes one that can be copied
    templates/product_spec.md: is missing
      → put it back; `claude-swarm init` of another folder writes one that can be copied
    agents/RULES.md:2: is not UTF-8
      → save it as UTF-8
    skills/search.md:2: holds the control character U+202E
      → take it out: it can hide text from a reader or act on a terminal
    agents/MASTER.md: is missing; every prompt begins with it
      → `claude-swarm init` of another folder writes one that can be copied
    "#);
    let nothing = tempfile::tempdir().unwrap();
    let error = Home::open(nothing.path()).unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    assert!(error.hint.unwrap().starts_with("`claude-swarm init "));
}

#[test]
fn bad_front_matter_is_named_with_the_line_of_the_file() {
    let small = SmallHome::new();
    small
        .write("agents/a.md", "no front matter\n")
        .write("agents/b.md", "---\ntitle: B\nmodel: x\n")
        .write("agents/c.md", "---\ntitle: C\n\nmodel: [\n---\nbody\n")
        .write("agents/d.md", &role("title: D\nmodel: --help\ntask_types: research\nskill: [search]\ncount: many\nprovider: codex"))
        .write("agents/e.md", &role("title: E"))
        .write("agents/f.md", "---\ntitle: F\nmodel: x\ntask_types: [research]\n---\n\n")
        .write("agents/G_g.md", &role("title: G\nmodel: x\ntask_types: [research]"))
        .write("agents/h.md", &role("title: H\nmodel: x\ntask_types:\n  - research\n  - reserch\n  - publish\nskills: [sear, search]\nshared: [../RULES]"))
        .write("agents/i.md", &role("title: I\nmodel: x\ntask_types: [research]\nskills: [nothing]\nshared: [hunter, RULE]"))
        .write("agents/j.md", "---\r\ntitle: J\r\nmodel: 4\r\ntask_types: [research, research]\r\n---\r\nbody\r\n");
    insta::assert_snapshot!(small.errors(), @r#"
    agents/G_g.md: "G_g" is not a name of a role
      → name the file in lower-case letters, digits and inner hyphens
    agents/a.md:1: has no front matter
      → begin the file with `---`, lines like `title: Hunter`, and `---` again; shared texts are named in CAPITALS
    agents/b.md:1: its front matter is not closed
      → write a line `---` below the last of its fields
    agents/c.md:4: is not YAML: unclosed bracket '['
      → mend the YAML; indent with spaces, and quote texts that hold `: ` or ` #`
    agents/d.md:3: model: "--help" is not a name of a model
      → write a model's name, for example sonnet
    agents/d.md:4: task_types: "research" is not a list
      → write a list of names in letters, digits, _ and -, like [one, two]
    agents/d.md:5: skill: there is no such field
      → take it out, or write one of: title, model, provider, task_types, skills, shared, count
    agents/d.md:6: count: "many" is not a number
      → write a whole number of agents from 0 to 99
    agents/d.md:7: provider: "codex" is not known
      → write one of: claude
    agents/e.md:1: model: is missing
      → add a line like `model: sonnet`
    agents/e.md:1: task_types: is missing
      → add a line like `task_types: [research]`
    agents/f.md:6: says nothing below its front matter
      → write what the role is to do
    agents/h.md:6: task_types: there is no task type "reserch"
      → write one of: directive, research, respond_to_human, write_spec
    agents/h.md:7: task_types: publish is done by the daemon, without an agent
      → take it out
    agents/h.md:9: shared: "../RULES" is not a name
      → write a list of names in letters, digits, _ and -, like [one, two]
    agents/i.md:5: skills: there is no skills/nothing.md
      → write skills/nothing.md, or one of: search
    agents/i.md:6: shared: there is no shared text agents/hunter.md
      → write agents/hunter.md, or one of: MASTER, RULES
    agents/i.md:6: shared: there is no shared text agents/RULE.md
      → write agents/RULE.md, or one of: MASTER, RULES
    agents/j.md:3: model: 4 is not a text
      → write a model's name, for example sonnet; in quotes if it looks like a number or a yes or no
    agents/j.md:4: task_types: research is there twice
      → take one out
    "#);
}

#[test]
fn two_agents_of_one_name_and_types_without_a_taker_are_seen() {
    let small = SmallHome::new();
    small
        .write("agents/dev.md", &role("title: D\nmodel: x\ntask_types: [research]\ncount: 2"))
        .write("agents/dev-2.md", &role("title: D\nmodel: x\ntask_types: [research]"))
        .write(&format!("agents/{}.md", "l".repeat(39)), &role("title: L\nmodel: x\ntask_types: [research]\ncount: 12"));
    insta::assert_snapshot!(small.errors(), @r"
    agents/dev-2.md: count: its agent dev-2 would have the name of one of agents/dev.md
      → rename one of the two roles
    agents/lllllllllllllllllllllllllllllllllllllll.md: count: lllllllllllllllllllllllllllllllllllllll-12 is too long for a name of an agent
      → give the role a shorter name
    ");
    let small = SmallHome::new();
    small.write("agents/hunter.md", &role("title: H\nmodel: x\ntask_types: [research]\ncount: 0"));
    insta::assert_snapshot!(small.warnings(), @r"
    agents: warning: no role takes tasks of the type research; they would wait
      → add research to the task_types of a role in agents/
    ");
}
