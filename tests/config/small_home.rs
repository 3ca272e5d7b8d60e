//! A small home that is right, and what is said of it when it is made wrong.

use std::fs;

use claude_swarm::config::{Home, Problem, Settings, Severity, load};

pub const PIPELINE: &str = "version: 1
max_rounds: 3
types:
  research:
    summary: Find out
    priority: 5
    payload: &any {type: object}
    result: *any
  write_spec: &of_manager {summary: For the manager, payload: *any, result: *any}
  respond_to_human: *of_manager
  directive: *of_manager
  publish:
    summary: Put it out
    executor: daemon
    payload: {type: object, required: [approval], properties: {approval: {type: integer}}}
    result: *any
approvals:
  continue:
    question: Go on?
  publish:
    question: Put it out?
";

/// A small home that is right, and can be made wrong.
pub struct SmallHome {
    pub folder: tempfile::TempDir,
}

impl SmallHome {
    pub fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        home.write("config/settings.yaml", "");
        home.write("config/pipeline.yaml", PIPELINE);
        home.write("templates/product_spec.md", "# Title\n");
        home.write("agents/MASTER.md", "# Master\nBe honest.\n");
        home.write("agents/RULES.md", "Rules without a heading.\n");
        home.write("skills/search.md", "# Searching\nLook twice.\n");
        home.write(
            "agents/hunter.md",
            &role("title: Hunter\nmodel: sonnet\ntask_types: [research]\nskills: [search]\nshared: [RULES]"),
        );
        home.write("agents/pm.md", &role("title: PM\nmodel: sonnet\ntask_types: [write_spec, respond_to_human, directive]"));
        home
    }

    pub fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn home(&self) -> Home {
        Home::open(self.folder.path()).unwrap()
    }

    pub fn settings(&self, text: &str) -> Settings {
        self.write("config/settings.yaml", text);
        load(&self.home()).map(|loaded| loaded.config.settings).unwrap_or_else(|problems| panic!("{}", shown(&problems)))
    }

    /// The errors of a home that must have some.
    pub fn errors(&self) -> String {
        match load(&self.home()) {
            Ok(loaded) => panic!("it loaded: {loaded:?}"),
            Err(problems) => {
                assert!(problems.iter().any(|problem| problem.severity == Severity::Error));
                shown(&problems).replace(&self.home().root().display().to_string(), "HOME")
            }
        }
    }

    pub fn warnings(&self) -> String {
        shown(&load(&self.home()).unwrap_or_else(|problems| panic!("{}", shown(&problems))).warnings)
    }
}

/// The file of a role with these lines of front matter.
pub fn role(front: &str) -> String {
    format!("---\n{front}\n---\n# A role\nDo it.\n")
}

/// Problems as a person reads them.
pub fn shown(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The errors of a home whose settings are this text.
pub fn settings_errors(text: &str) -> String {
    SmallHome::new().write("config/settings.yaml", text).errors()
}
