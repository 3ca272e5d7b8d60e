//! What an agent puts into a tree is not what the worker takes it for: links, second names, names that no person could read.

use std::fs;
use std::path::{Path, PathBuf};

use super::stage::Stage;

/// Everything below a folder, links not followed, as paths relative to it.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn links_are_followed_neither_into_the_snapshot_nor_to_the_outlet() {
    let stage = Stage::new(&["critic", "pm", "builder", "reviewer", "tester", "publisher"]);
    let product = stage.product("A product");
    let secret = stage.swarm.home.parent().unwrap().join("secret");
    fs::create_dir(&secret).unwrap();
    fs::write(secret.join("word"), "the secret word").unwrap();
    let secret = secret.display();
    stage.build(
        &product,
        &format!(
            "ln -s /etc/passwd passwd; ln -s {secret}/word word; ln -s {secret} folder; ln -s ../../../../secret up; ln -s / root
             mkdir -p sub/deep; ln -s ../../../../../../secret/word sub/deep/word; ln -s .. sub/deep/parent; ln -s loop loop
             ln -s ../../data/swarm.db database; ln -s /proc/1/environ environ; ln -s README.md readme; mkfifo pipe
             perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => \"socket\", Listen => 1)'; echo kept > sub/deep/kept"
        ),
    );
    assert!(product.tree.join("folder").join("word").exists(), "from outside the link leads there");
    let publish = stage.swarm.until_approval("publish");
    let paths: Vec<String> = stage.snapshot(&product).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["README.md", "SPEC.md", "sub/deep/kept", "test.sh"]);
    stage.swarm.run(&["approve", &publish["id"].to_string()]);
    stage.swarm.until("the product is published", |swarm| (swarm.count("publication:published") == 1).then_some(()));
    let outlet = stage.swarm.home.join("downloads").join(&product.slug);
    assert_eq!(below(&outlet), paths.iter().map(PathBuf::from).collect::<Vec<_>>());
    for path in below(&outlet) {
        let file = outlet.join(&path);
        assert!(fs::symlink_metadata(&file).unwrap().is_file(), "{}", path.display());
        assert!(!fs::read_to_string(&file).unwrap().contains("the secret word"), "{}", path.display());
    }
    let copies = stage.swarm.home.join("data/artifacts");
    for path in below(&copies) {
        assert!(!String::from_utf8_lossy(&fs::read(copies.join(path)).unwrap()).contains("the secret word"));
    }
}

#[test]
fn a_link_is_not_evidence() {
    let stage = Stage::new(&["critic", "pm", "builder"]);
    let product = stage.product("A product");
    let task = stage.begin_build(&product, "ln -s /etc/hosts README.md; echo true > test.sh");
    let (class, detail) = stage.first_failure(task);
    insta::assert_snapshot!(format!("{class}: {detail}"), @r#"evidence_missing: files: "README.md" is not in /workspace (a plain file must be there; naming it, or a link to it, is not enough)"#);
}

#[test]
fn a_second_name_for_a_file_outside_cannot_be_made_and_one_inside_is_a_file() {
    let stage = Stage::new(&["critic", "pm", "builder"]);
    let product = stage.product("A product");
    let places = "/usr/bin/env /etc/passwd /etc/hosts /run/swarm/swarm.sock /opt/swarm/bin/claude /home/agent/.swarm-role.md /proc/self/exe";
    stage.build(
        &product,
        &format!(
            "for place in {places}; do for to in /workspace/stolen ~/stolen /tmp/stolen; do
               ln $place $to 2>/dev/null && echo \"$place as $to\" >> made; ln -L $place $to 2>/dev/null && echo \"$place as $to\" >> made
               rm -f $to
             done; done
             echo one > name; ln name other"
        ),
    );
    // The agent's home is its own, and a file in it may have two names there.
    assert_eq!(
        fs::read_to_string(product.tree.join("made"))
            .unwrap_or_default()
            .replace("/home/agent/.swarm-role.md as /home/agent/stolen\n", ""),
        ""
    );
    let before = stage.snapshot(&product);
    let of = |path: &str| before.iter().find(|(name, _)| name == path).unwrap().1.clone();
    assert_eq!(of("name"), of("other"));
    // Bytes that were taken stay as they were, whatever happens to the names.
    stage.build(&product, "echo two > other");
    let kept = stage.swarm.home.join("data/artifacts").join(&of("name")[..2]).join(of("name"));
    assert_eq!(fs::read_to_string(kept).unwrap(), "one\n");
}

#[test]
fn names_that_cannot_be_shown_or_taken_away_fail_and_say_why() {
    let stage = Stage::new(&["critic", "pm", "builder"]);
    let product = stage.product("A product");
    let attacks = [
        r"touch $'line\nfeed'",
        r"mkdir sub; touch $'sub/\e]0;pwned\a'",
        r"mkdir $'turned\u202e'; touch $'turned\u202e/file'",
        r"touch $'not text \xff'",
        r"touch 'back\slash'",
        r"p=.; for i in $(seq 70); do p=$p/d; done; mkdir -p $p; touch $p/file",
        r"mkdir many; cd many; seq 10001 | xargs touch",
    ];
    let mut said = String::new();
    for attack in attacks {
        let clean = "find /workspace -mindepth 1 -delete; echo read > README.md; echo true > test.sh";
        let task = stage.begin_build(&product, &format!("{clean}; {attack}"));
        let (class, detail) = stage.first_failure(task);
        said.push_str(&format!("{class}: {}\n", detail));
        stage.swarm.tasks(&["cancel", &task.to_string()]);
    }
    insta::assert_snapshot!(said, @r#"
    evidence_missing: snapshot: "line\nfeed" is no path that a product may have (rename it: no control characters or backslashes, at most 255 bytes a name and 1024 in all)
    evidence_missing: snapshot: "sub/\u{1b}]0;pwned\u{7}" is no path that a product may have (rename it: no control characters or backslashes, at most 255 bytes a name and 1024 in all)
    evidence_missing: snapshot: "turned\u{202e}/file" is no path that a product may have (rename it: no control characters or backslashes, at most 255 bytes a name and 1024 in all)
    evidence_missing: snapshot: the name "not text \xFF" is not UTF-8 (rename it, or leave it out)
    evidence_missing: snapshot: "back\\slash" is no path that a product may have (rename it: no control characters or backslashes, at most 255 bytes a name and 1024 in all)
    evidence_missing: snapshot: folders are nested too deep in "d" (at most 64 deep)
    evidence_missing: snapshot: the product has more than 10000 files (leave build results out)
    "#);
}
