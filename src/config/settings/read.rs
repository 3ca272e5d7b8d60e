//! Reading settings.yaml: one function a section, every problem at once.

use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::{
    Logs, Outlet, Outlets, Publish, Server, Settings, Supervision, Tasks, Tmux, TmuxServer, Visibility, claude, sandbox,
};
use crate::config::home::Home;
use crate::config::yaml::{Node, Refusal, Report, Section, Value, line, text, whole, word};
use crate::domain::budget::MicroUsd;
use crate::domain::name::is_name;

/// Reads the settings. Where a field is wrong, the report says so and the default stands in, so that the next one is looked at too; what
/// is answered then is of no use.
pub fn read(source: &str, home: &Home, report: &Report) -> Settings {
    let default = Settings::default();
    let Some(tree) = report.parse(source) else { return default };
    let mut top = Section::new(Some(&tree), String::new(), None, report);
    let settings = Settings {
        name: top.field("name", default.name, line("name")),
        server: server(top.section("server"), default.server),
        tmux: tmux(top.section("tmux"), default.tmux),
        daily_budget: one(top.section("budget"), "daily_usd", default.daily_budget, dollars),
        lease: one(top.section("leases"), "seconds", default.lease, seconds(5..=3600)),
        tasks: tasks(top.section("tasks"), &default.tasks),
        claude: providers(top.section("providers"), default.claude),
        sandbox: sandbox::read(top.section("sandbox"), home),
        outlets: outlets(top.section("outlets"), default.outlets),
        publish: publish(top.section("publish"), default.publish),
        supervision: supervision(top.section("supervision"), &default.supervision),
        logs: logs(top.section("logs"), &default.logs),
        snapshot_max_bytes: one(top.section("artifacts"), "max_mb", default.snapshot_max_bytes, megabytes(1..=10240)),
    };
    top.end();
    settings
}

/// A section with one field.
fn one<T>(mut section: Section<'_>, key: &'static str, default: T, read: impl FnOnce(&Node) -> Result<T, Refusal>) -> T {
    let value = section.field(key, default, read);
    section.end();
    value
}

fn server(mut section: Section<'_>, default: Server) -> Server {
    let listen = section.field("listen", default.listen, |node| {
        let remedy = "write an address of this machine with a port, for example 127.0.0.1:8080; port 0 takes any free one";
        let address = text(remedy)(node).ok().and_then(|address| address.parse::<SocketAddr>().ok());
        let address = address.ok_or_else(|| (format!("{} is not an address with a port", node.shown()), remedy.to_owned()))?;
        if !address.ip().is_loopback() {
            let remedy = "listen on 127.0.0.1 or [::1]; from elsewhere, come by `ssh -L 8080:127.0.0.1:8080 HOST`";
            return Err((format!("{address} can be reached from other machines"), remedy.to_owned()));
        }
        Ok(address)
    });
    section.end();
    Server { listen }
}

fn tmux(mut section: Section<'_>, default: Tmux) -> Tmux {
    let servers = [("default", TmuxServer::Default), ("own", TmuxServer::Own)];
    let tmux = Tmux {
        server: section.field("server", default.server, word(&servers)),
        history_limit: section.field("history_limit", default.history_limit, whole(100..=50_000, "lines")),
    };
    section.end();
    tmux
}

fn dollars(node: &Node) -> Result<MicroUsd, Refusal> {
    let remedy = "write a number of US dollars, for example 25";
    let Value::Number(number) = &node.value else {
        return Err((format!("{} is not a number", node.shown()), remedy.to_owned()));
    };
    match number.as_f64().filter(|usd| *usd > 0.0 && *usd <= 1_000_000.0) {
        Some(usd) => Ok(MicroUsd::from_usd(usd)),
        None => {
            let remedy = "write a number of US dollars above 0, for example 25; `claude-swarm pause` stops the spending";
            Err((format!("{number} is out of range"), remedy.to_owned()))
        }
    }
}

fn seconds(range: std::ops::RangeInclusive<u64>) -> impl FnOnce(&Node) -> Result<Duration, Refusal> {
    |node| whole(range, "seconds")(node).map(Duration::from_secs)
}

fn megabytes(range: std::ops::RangeInclusive<u64>) -> impl FnOnce(&Node) -> Result<u64, Refusal> {
    |node| whole(range, "MB")(node).map(|mb| mb * 1_000_000)
}

fn tasks(mut section: Section<'_>, default: &Tasks) -> Tasks {
    let tasks = Tasks {
        losses: section.field("losses", default.losses, whole(1..=100, "times")),
        free_retries: section.field("free_retries", default.free_retries, whole(0..=1000, "times")),
    };
    section.end();
    tasks
}

fn providers(mut section: Section<'_>, default: super::Claude) -> super::Claude {
    let claude = claude::read(section.section("claude"), default);
    section.end();
    claude
}

fn outlets(mut section: Section<'_>, default: Outlets) -> Outlets {
    let local_directory = one(section.section("local"), "directory", default.local_directory, |node| {
        let remedy = "write a folder like downloads, or an absolute path";
        let folder = PathBuf::from(text(remedy)(node)?);
        let refuse = |what: &str| Err((format!("{} {what}", node.shown()), remedy.to_owned()));
        if folder.as_os_str().is_empty() || folder.components().any(|part| matches!(part, Component::ParentDir)) {
            return refuse("is not a folder that can be named here");
        }
        let taken = ["agents", "config", "data", "logs", "skills", "templates"];
        let first = folder.components().find(|part| !matches!(part, Component::CurDir));
        match first {
            None => refuse("is the home itself"),
            Some(Component::Normal(part)) if taken.iter().any(|name| part == Path::new(name)) => {
                refuse("is for something else in a home")
            }
            Some(_) => Ok(folder),
        }
    });
    section.end();
    Outlets { local_directory }
}

fn publish(mut section: Section<'_>, default: Publish) -> Publish {
    let visibilities = [("private", Visibility::Private), ("public", Visibility::Public)];
    let publish = Publish {
        outlet: section.field("outlet", default.outlet, word(&[("local", Outlet::Local)])),
        account: section.field("account", default.account, |node| {
            let remedy = "write a name in lower-case letters, digits and inner hyphens, for example local";
            let account = text(remedy)(node)?;
            if is_name(&account) { Ok(account) } else { Err((format!("{} is not a name", node.shown()), remedy.to_owned())) }
        }),
        visibility: section.field("visibility", default.visibility, word(&visibilities)),
    };
    section.end();
    publish
}

fn supervision(mut section: Section<'_>, default: &Supervision) -> Supervision {
    let mut crash_loop = section.section("crash_loop");
    let crash_loop_exits = crash_loop.field("exits", default.crash_loop_exits, whole(2..=100, "exits"));
    let crash_loop_within = crash_loop.field("within_seconds", default.crash_loop_within, seconds(10..=86_400));
    crash_loop.end();
    let supervision = Supervision {
        grace: section.field("grace_seconds", default.grace, seconds(5..=600)),
        crash_loop_exits,
        crash_loop_within,
        stop_grace: section.field("stop_grace_seconds", default.stop_grace, seconds(1..=600)),
    };
    section.end();
    supervision
}

fn logs(mut section: Section<'_>, default: &Logs) -> Logs {
    let logs = Logs {
        max_bytes: section.field("max_mb", default.max_bytes, megabytes(1..=1000)),
        keep: section.field("keep", default.keep, whole(0..=100, "files")),
    };
    section.end();
    logs
}
