//! From what the files of a home say to what its operations go by.

use crate::config::{Config, HomeKind};
use crate::swarm::{PublishTerms, Rules};

/// The rules of this configuration.
pub(super) fn of(config: &Config) -> Rules {
    let settings = &config.settings;
    let mut roles = config.roles.clone();
    for role in &mut roles {
        // Settings may give a model that a role names another name.
        role.model = settings.claude.model(&role.model).to_owned();
    }
    Rules {
        rehearsal: config.kind == HomeKind::Rehearsal,
        pipeline: config.pipeline.pipeline.clone(),
        pipeline_body: config.pipeline.json.clone(),
        pipeline_hash: config.pipeline.sha256.clone(),
        roles: roles.into_iter().map(|role| (role.name.clone(), role)).collect(),
        daily_cap: settings.daily_budget,
        lease: settings.lease,
        losses: settings.tasks.losses,
        free_retries: settings.tasks.free_retries,
        publish: PublishTerms {
            outlet: settings.publish.outlet.as_str().to_owned(),
            account: settings.publish.account.clone(),
            visibility: settings.publish.visibility.as_str().to_owned(),
        },
    }
}
