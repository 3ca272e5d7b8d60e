//! The swarm at a glance as text: who it is, what needs a person, the agents, the queue.

use crate::cli::table::{Table, cell};
use crate::cli::terminal::{Terminal, Tone};
use crate::cli::{time, tone};
use crate::domain::account::AccountState;
use crate::domain::agent::AgentState;
use crate::domain::text::one_line;
use crate::domain::time::Millis;
use crate::protocol::status::{BudgetView, StatusView};

/// Characters of the budget's bar.
const BAR: usize = 24;

/// The whole page.
pub(super) fn overview(terminal: &Terminal, status: &StatusView, now: Millis) -> String {
    let mut parts = vec![head(terminal, status, now)];
    let needs = needs(terminal, status);
    if !needs.is_empty() {
        parts.push(format!("{}\n{}", terminal.paint(Tone::Bad, "needs you"), needs));
    }
    parts.push(agents(terminal, status));
    let queue: Vec<String> =
        status.queue.iter().filter(|(_, count)| **count > 0).map(|(state, count)| format!("{count} {state}")).collect();
    parts.push(if queue.is_empty() { "no tasks yet".to_owned() } else { format!("tasks   {}", queue.join(" · ")) });
    let notes: Vec<String> = status.notes.iter().map(|note| format!("{} {note}", terminal.paint(Tone::Warn, "note"))).collect();
    if !notes.is_empty() {
        parts.push(notes.join("\n"));
    }
    parts.join("\n\n")
}

fn head(terminal: &Terminal, status: &StatusView, now: Millis) -> String {
    let badge = if status.rehearsal { format!("  {}", terminal.paint(Tone::Warn, "[REHEARSAL]")) } else { String::new() };
    let unsafe_badge =
        if status.sandbox_off { format!("  {}", terminal.paint(Tone::Bad, "[NO SANDBOX]")) } else { String::new() };
    let listen = status.listen.as_ref().map(|listen| format!(" · {listen}")).unwrap_or_default();
    format!(
        "{}{badge}{unsafe_badge}\nhome    {}\ndaemon  process {} · up {} · version {}{listen}\nwatch   {}\nbudget  {}{}",
        terminal.paint(Tone::Strong, &status.name),
        status.home,
        status.daemon_pid,
        time::age(status.since, now),
        status.version,
        status.attach,
        budget(terminal, &status.budget),
        if status.rehearsal { "; played, nobody is charged" } else { "" },
    )
}

/// `[###==.....] $3.00 spent + $2.00 reserved of $25.00 today (UTC)`: # spent, = reserved.
fn budget(terminal: &Terminal, budget: &BudgetView) -> String {
    let share = |usd: f64| if budget.cap_usd > 0.0 { (usd / budget.cap_usd).clamp(0.0, 1.0) } else { 1.0 };
    let taken = share(budget.spent_usd + budget.reserved_usd);
    let (spent, taken_cells) = (cells(share(budget.spent_usd)), cells(taken));
    let bar = format!("{}{}{}", "#".repeat(spent), "=".repeat(taken_cells - spent), ".".repeat(BAR - taken_cells));
    let tone = if taken >= 1.0 {
        Tone::Bad
    } else if taken >= 0.8 {
        Tone::Warn
    } else {
        Tone::Good
    };
    format!(
        "[{}] ${:.2} spent + ${:.2} reserved of ${:.2} today (UTC)",
        terminal.paint(tone, &bar),
        budget.spent_usd,
        budget.reserved_usd,
        budget.cap_usd
    )
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a short bar"
)]
fn cells(share: f64) -> usize {
    (share * BAR as f64).round() as usize
}

/// What waits for a person, and the command for it.
fn needs(terminal: &Terminal, status: &StatusView) -> String {
    let mut table = Table::new(terminal, &["WHAT", "WHY", "WHAT TO DO"]);
    let mut row = |what: String, why: String, command: String| {
        table.row([cell(what).tone(Tone::Bad), cell(why), cell(command).tone(Tone::Strong)]);
    };
    if let Some(why) = &status.halted {
        row("halted".to_owned(), one_line(why, 120), "claude-swarm start".to_owned());
    }
    for approval in &status.approvals {
        let product = approval.product_slug.clone().unwrap_or_else(|| format!("product {}", approval.product));
        let (what, why) = (format!("approval {}", approval.id), format!("{} ({product})", one_line(&approval.question, 120)));
        row(what, why, format!("claude-swarm approval {}", approval.id));
    }
    for account in &status.accounts {
        let why = account.reason.as_deref().map(|why| one_line(why, 120)).unwrap_or_default();
        if account.state == AccountState::LoginRequired {
            let command = format!("log in, then: claude-swarm account open {}", account.name);
            row(format!("{} login", account.name), why, command);
        }
    }
    for agent in status.agents.iter().filter(|agent| agent.state == AgentState::Quarantined) {
        let why = agent.why.as_deref().map(|why| one_line(why, 120)).unwrap_or_default();
        row(format!("{} in quarantine", agent.name), why, format!("claude-swarm logs {}", agent.name));
    }
    for task in &status.failed {
        let why = task.reason.as_deref().map(|why| one_line(why, 120)).unwrap_or_default();
        row(format!("task {} failed", task.id), format!("{}: {why}", task.kind), format!("claude-tasks show {}", task.id));
    }
    if table.is_empty() { String::new() } else { table.show() }
}

fn agents(terminal: &Terminal, status: &StatusView) -> String {
    let headings = ["AGENT", "ROLE", "MODEL", "STATE", "TASK", "TOKENS", "TODAY", "RESTARTS", "WHY"];
    let mut table = Table::new(terminal, &headings);
    for agent in &status.agents {
        let task = match (agent.task, &agent.task_type) {
            (Some(id), Some(kind)) => format!("{id} {kind}"),
            (Some(id), None) => id.to_string(),
            (None, _) => String::new(),
        };
        let restarts = cell(agent.restarts).right();
        table.row([
            cell(&agent.name).tone(Tone::Strong),
            cell(&agent.role),
            cell(&agent.model),
            tone::agent(agent.state),
            cell(task),
            cell(agent.tokens_today).right(),
            cell(format!("${:.2}", agent.cost_today_usd)).right(),
            if agent.restarts > 0 { restarts.tone(Tone::Warn) } else { restarts },
            cell(agent.why.as_deref().map(|why| one_line(why, 120)).unwrap_or_default()).tone(Tone::Dim),
        ]);
    }
    let mut lines = vec![table.show()];
    for account in status.accounts.iter().filter(|account| account.state != AccountState::LoginRequired) {
        let until = account.until.map(|until| format!(" until {}", time::moment(until))).unwrap_or_default();
        let why = account.reason.as_deref().map(|why| format!(": {}", one_line(why, 120))).unwrap_or_default();
        lines.push(format!("account {} is {}{until}{why}", account.name, account.state.as_str()));
    }
    lines.join("\n")
}
