//! From what operations answer to what travels.

use crate::domain::agent::AgentState;
use crate::domain::approval::ApprovalState;
use crate::domain::task::StateName;
use crate::protocol::approvals::{ApprovalDetail, ApprovalView};
use crate::protocol::income::IncomeBody;
use crate::protocol::products::{ProductView, PublicationView};
use crate::protocol::status::{AccountView, AgentView, BudgetView, StatusView};
use crate::protocol::tasks::{ArtifactView, AttemptView, ClaimView, NeedView, TaskDetail as Detail, TaskView};
use crate::server::{About, Hub};
use crate::swarm::{AgentStatus, ApprovalRow, AttemptRow, IncomeRow, ProductRow, PublicationRow, Status, TaskDetail, TaskRow};

pub(super) fn task(row: &TaskRow) -> TaskView {
    TaskView {
        id: row.id,
        kind: row.kind.clone(),
        state: row.life.state.name(),
        priority: row.priority,
        product: row.product,
        round: row.round,
        attempts_spent: row.life.attempts,
        losses: row.life.losses,
        claim: row.life.state.claim().map(|claim| ClaimView {
            agent: claim.agent.to_string(),
            token: claim.token.to_string(),
            session: claim.session,
        }),
        verdict: row.verdict.clone(),
        reason: row.life.reason.clone(),
        not_before: row.life.not_before,
        created_by: row.created_by.clone(),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

pub(super) fn attempt(row: AttemptRow) -> AttemptView {
    AttemptView {
        number: row.number,
        agent: row.agent.to_string(),
        token: row.token.to_string(),
        model: row.model,
        conversation: row.conversation,
        prompt: row.prompt,
        started_at: row.started_at,
        ended_at: row.ended_at,
        outcome: row.outcome,
        class: row.class,
        detail: row.detail,
        cost_usd: row.cost.usd(),
        tokens: row.usage.total(),
    }
}

pub(super) fn task_detail(detail: TaskDetail) -> Detail {
    let failed = detail.needs.iter().find(|(_, state)| matches!(state, StateName::Failed | StateName::Cancelled));
    let stuck = failed.filter(|_| detail.task.life.state.name() == StateName::Blocked);
    Detail {
        task: task(&detail.task),
        uuid: detail.task.uuid,
        payload: detail.task.payload,
        result: detail.task.result,
        feedback: detail.task.feedback,
        parent: detail.task.parent,
        product_slug: detail.product.map(|product| product.slug),
        stuck: stuck
            .map(|(id, state)| format!("it needs task {id}, which is {state}; `claude-tasks retry {id}` or cancel this one")),
        needs: detail.needs.into_iter().map(|(id, state)| NeedView { id, state }).collect(),
        attempts: detail.attempts.into_iter().map(attempt).collect(),
        artifacts: detail
            .artifacts
            .into_iter()
            .map(|row| ArtifactView { name: row.name, sha256: row.sha256, size: row.size })
            .collect(),
        events: detail.events,
    }
}

pub(super) fn approval(row: ApprovalRow, product: Option<&ProductRow>) -> ApprovalView {
    ApprovalView {
        id: row.id,
        kind: row.kind,
        state: row.state,
        question: row.question,
        product: row.product,
        product_slug: product.map(|product| product.slug.clone()),
        product_title: product.map(|product| product.title.clone()),
        task: row.task,
        outdated: row.state == ApprovalState::Open && product.is_some_and(|product| product.snapshot != row.snapshot),
        snapshot: row.snapshot,
        terms: row.terms,
        binding: row.binding,
        created_at: row.created_at,
        decided_at: row.decided_at,
        decided_by: row.decided_by,
        reason: row.reason,
    }
}

pub(super) fn approval_detail(
    row: ApprovalRow,
    product: Option<&ProductRow>,
    manifest: crate::domain::snapshot::Manifest,
) -> ApprovalDetail {
    ApprovalDetail { approval: approval(row, product), files: manifest.0 }
}

pub(super) fn product(row: ProductRow, publications: &[PublicationRow]) -> ProductView {
    let own = publications.iter().filter(|publication| publication.product == row.id);
    ProductView {
        publications: own
            .map(|it| PublicationView {
                approval: it.approval,
                outlet: it.outlet.clone(),
                state: it.state,
                url: it.url.clone(),
                error: it.error.clone(),
            })
            .collect(),
        id: row.id,
        slug: row.slug,
        title: row.title,
        state: row.state,
        reason: row.reason,
        round: row.round,
        snapshot: row.snapshot,
        created_at: row.created_at,
    }
}

pub(super) fn income(row: IncomeRow) -> IncomeBody {
    IncomeBody {
        id: Some(row.id),
        amount_cents: row.amount,
        currency: row.currency,
        source: row.source,
        product: row.product,
        note: row.note,
        at: Some(row.at),
    }
}

fn agent(status: AgentStatus, hub: &Hub) -> AgentView {
    let held_back = hub.why(&status.name).filter(|_| status.state == AgentState::Idle);
    AgentView {
        name: status.name.to_string(),
        role: status.role,
        model: status.model,
        provider: status.provider,
        state: status.state,
        why: status.why.or(held_back),
        session: status.session.as_ref().map(|session| session.name.clone()),
        pid: status.session.as_ref().and_then(|session| session.pid),
        task: status.task.as_ref().map(|task| task.id),
        task_type: status.task.map(|task| task.kind),
        restarts: status.restarts,
        cost_today_usd: status.cost_today.usd(),
        tokens_today: status.tokens_today,
    }
}

pub(super) fn status(status: Status, about: About, hub: &Hub) -> StatusView {
    StatusView {
        name: about.name,
        rehearsal: status.rehearsal,
        home: about.home,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        daemon_pid: std::process::id(),
        since: about.since,
        listen: about.listen,
        attach: about.attach,
        sandbox_off: about.sandbox_off,
        halted: status.halted,
        agents: status.agents.into_iter().map(|status| agent(status, hub)).collect(),
        queue: StateName::ALL.into_iter().map(|state| (state, status.queue.get(&state).copied().unwrap_or(0))).collect(),
        approvals: status.approvals.into_iter().map(|(row, product)| approval(row, product.as_ref())).collect(),
        failed: status.failed.iter().map(task).collect(),
        budget: BudgetView {
            spent_usd: status.ledger.spent.usd(),
            reserved_usd: status.ledger.reserved.usd(),
            cap_usd: status.ledger.cap.usd(),
        },
        accounts: status
            .closed_accounts
            .into_iter()
            .map(|account| AccountView {
                name: account.name,
                state: account.state,
                until: (account.until.0 > 0).then_some(account.until),
                reason: account.reason,
            })
            .collect(),
        notes: about.notes,
    }
}
