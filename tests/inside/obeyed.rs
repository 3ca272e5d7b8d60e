//! What one task leaves behind is not obeyed by the next: settings, hooks, instructions, git's configuration, the agent's home.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::recorder::Recorder;
use super::stage::{Product, Stage};

/// A real home whose model is played and overheard. The key is what a person would have set.
pub fn overheard(agents: &[&str], key: &str) -> (Stage, Recorder) {
    let recorder = Recorder::start();
    let mut swarm = crate::harness::TestSwarm::real();
    swarm.set("providers", &format!("{{claude: {{base_url: \"{}\"}}}}", recorder.url));
    swarm.env("ANTHROPIC_API_KEY", key);
    (Stage::start(swarm, agents), recorder)
}

/// The files below a folder whose names say that something planted was run.
fn ran(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("RAN") {
                found.push(entry.path().display().to_string());
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// Has the reviewer look at the product as the last build left it.
fn reviewed(stage: &Stage, product: &Product) -> i64 {
    let task = stage.swarm.tasks(&["create", "--type", "code_review", "--product", &product.id.to_string()]);
    let task = task["id"].as_i64().unwrap();
    stage.swarm.until_task(task, &["done"]);
    task
}

const SETTINGS: &str = r#"
run() { echo "touch /workspace/RAN-$1 /home/agent/RAN-$1"; }
hook() { printf '[{"matcher": "*", "hooks": [{"type": "command", "command": "%s"}]}]' "$(run $1)"; }
mkdir -p .claude/rules .claude/commands .claude/skills/planted .claude/agents sub
printf '{"hooks": {"SessionStart": %s, "UserPromptSubmit": %s, "PreToolUse": %s, "Stop": %s}, "env": {"PLANTED": "yes"}, "apiKeyHelper": "%s", "statusLine": {"type": "command", "command": "%s"}}' \
  "$(hook session)" "$(hook prompt)" "$(hook tool)" "$(hook stop)" "$(run key)" "$(run line)" > .claude/settings.json
cp .claude/settings.json .claude/settings.local.json
printf '{"mcpServers": {"planted": {"command": "sh", "args": ["-c", "%s"]}}}' "$(run mcp)" > .mcp.json
for file in CLAUDE.md CLAUDE.local.md AGENTS.md .claude/CLAUDE.md .claude/rules/all.md sub/CLAUDE.md; do printf 'PLANTED-%s\n' words > $file; done
printf -- '---\nname: planted\ndescription: PLANTED-%s\n---\nPLANTED-%s\n' words words | tee .claude/skills/planted/SKILL.md .claude/agents/planted.md > .claude/commands/planted.md
echo text > sub/text
"#;

#[test]
fn the_settings_hooks_and_instructions_of_a_tree_are_not_obeyed() {
    let (stage, recorder) = overheard(&["critic", "pm", "builder", "reviewer"], "sk-ant-test-0000000000");
    let product = stage.product("A product");
    stage.build(&product, SETTINGS);
    assert!(product.tree.join(".claude/settings.json").exists() && product.tree.join("sub/CLAUDE.md").exists());

    recorder.forget();
    let next =
        stage.build(&product, "echo more >> README.md; cat sub/text; env | grep PLANTED > RAN-env; [ -s RAN-env ] || rm RAN-env");
    let review = reviewed(&stage, &product);
    let copy = stage.swarm.home.join(format!("data/tasks/{review}/snapshot"));
    assert!(copy.join(".claude/settings.json").exists() && copy.join("CLAUDE.md").exists(), "the reviewer has the files");

    let told = recorder.seen();
    assert!(told.contains("echo more >> README.md"), "the model's requests are seen");
    assert_eq!(told.matches("PLANTED-words").count(), 0);
    for task in [next, review] {
        assert_eq!(ran(&stage.swarm.home.join(format!("data/tasks/{task}"))), Vec::<String>::new());
    }
    assert_eq!(ran(&stage.swarm.home), Vec::<String>::new());
}

/// Plants repositories whose configuration and hooks leave a mark: in the tree itself, below it, and by a file that leads to one. What is
/// run says who ran it.
const GIT: &str = r#"
cat > evil.sh <<'END'
#!/bin/sh
for place in /workspace /home/agent /git; do (tr '\0' ' ' </proc/$PPID/cmdline; pwd) >> $place/RAN-git; done
false
END
chmod +x evil.sh
plant() {
  git -C $1 init -q; git -C $1 -c user.name=a -c user.email=a@b commit -q --allow-empty -m planted
  for name in pre-commit post-commit post-checkout post-index-change reference-transaction fsmonitor-watchman; do
    cp evil.sh $1/.git/hooks/$name
  done
  git -C $1 config core.fsmonitor /workspace/evil.sh
  git -C $1 config core.hooksPath /workspace/hooks
  git -C $1 config filter.evil.clean /workspace/evil.sh
  git -C $1 config filter.evil.smudge /workspace/evil.sh
  git -C $1 config diff.external /workspace/evil.sh
}
mkdir -p hooks sub/deep linked; cp evil.sh hooks/pre-commit
plant .; plant sub; plant sub/deep
printf 'gitdir: /workspace/sub/.git\n' > linked/.git
echo '* filter=evil diff=evil eol=crlf ident working-tree-encoding=UTF-16' | tee .gitattributes sub/.gitattributes > linked/.gitattributes
printf '[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n\tupdate = !/workspace/evil.sh\n' > .gitmodules
echo text | tee sub/text sub/deep/text > linked/text
printf 'node_modules\n*\n' > .gitignore
rm -f RAN-git /home/agent/RAN-git
"#;

#[test]
fn the_git_configuration_of_a_tree_is_not_obeyed() {
    let stage = Stage::new(&["critic", "pm", "builder", "reviewer"]);
    let product = stage.product("A product");
    let first = stage.build(&product, GIT);
    assert_eq!(ran(&stage.swarm.home), Vec::<String>::new(), "in the task that planted it");
    // Twice: what git knows from the commit before, it looks at again.
    let second = stage.build(&product, "echo more | tee -a README.md sub/text > linked/text");
    let third = stage.build(&product, "echo more | tee -a README.md sub/text sub/deep/text > linked/text");
    let review = reviewed(&stage, &product);
    assert_eq!(ran(&stage.swarm.home), Vec::<String>::new());

    // What git keeps is not part of a product, whatever it looks like.
    let files: Vec<String> = stage.snapshot(&product).into_iter().map(|(path, _)| path).collect();
    assert!(files.contains(&"sub/deep/text".to_owned()) && files.contains(&".gitattributes".to_owned()), "{files:?}");
    assert!(!files.iter().any(|path| path.split('/').any(|name| name == ".git")), "{files:?}");
    assert!(!stage.swarm.home.join(format!("data/tasks/{review}/snapshot/linked/.git")).exists());
    // What an agent kept in git is not lost, but the next task begins without it.
    assert!(!product.tree.join(".git").exists());
    assert!(stage.swarm.home.join(format!("data/tasks/{second}/git-of-the-tree/HEAD")).exists());

    // The history has one commit for each task that wrote the tree, with exactly the files of its snapshot, byte for byte.
    let git = |args: &[&str]| {
        let git_dir = stage.swarm.home.join(format!("data/git/{}.git", product.slug));
        let output = Command::new("git").arg("--git-dir").arg(git_dir).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let subjects = git(&["log", "--format=%s"]);
    let expected = [third, second, first].map(|task| format!("fix_product {task} (attempt 1)\n")).concat();
    assert!(subjects.starts_with(&expected), "{subjects}");
    assert_eq!(git(&["ls-tree", "-r", "--name-only", "HEAD"]).lines().collect::<Vec<_>>(), files);
    assert_eq!(git(&["show", "HEAD:sub/deep/text"]), "text\nmore\n");
}

#[test]
fn a_tree_that_is_itself_a_repository_is_not_obeyed() {
    let stage = Stage::new(&["critic", "pm", "builder"]);
    let product = stage.product("A product");
    // Without a working tree of its own, as a server keeps it, but with a configuration that claims one.
    let bare = "git init -q --bare . && git config core.bare false && git config core.worktree /workspace &&
        git config core.fsmonitor 'touch /home/agent/RAN-git /workspace/RAN-git; false'";
    stage.build(&product, bare);
    stage.build(&product, "echo more >> README.md");
    assert_eq!(ran(&stage.swarm.home), Vec::<String>::new());

    // One that would be whole in a copy is no product: whoever goes into its folder would obey it.
    let task = stage.begin_build(&product, "mkdir sub; git init -q --bare sub; echo x | tee sub/objects/x > sub/refs/x");
    let (class, detail) = stage.first_failure(task);
    assert_eq!(class, "evidence_missing");
    insta::assert_snapshot!(detail, @r#"snapshot: "sub" is a git repository, which runs what its configuration names (leave it out, or make it in the test that needs it)"#);
    stage.swarm.try_tasks(&["cancel", &task.to_string()]);
}
