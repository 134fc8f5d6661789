//! Policy generations: each job reads what its principal did, once.

use std::sync::Arc;
use std::time::Duration;

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{AccountId, BoxFuture, Caller, Instant, Reconciler, Region, Result, Signal};

use crate::AccessAnalyzer;
use crate::model::{Generation, JobStatus, Use};

/// ListPolicyGenerations: "requested in the last seven days".
pub(crate) const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

pub(crate) struct Generate(pub Arc<AccessAnalyzer>);

impl Reconciler for Generate {
    fn name(&self) -> &'static str {
        "access-analyzer.generate"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.0.generate())
    }

    fn signal(&self) -> &Signal {
        &self.0.jobs
    }
}

impl AccessAnalyzer {
    /// Finishes every job that is at work, and forgets old ones; says when the next is to be forgotten.
    pub(crate) async fn generate(&self) -> Result<Option<Instant>> {
        let mut next: Option<Instant> = None;
        for (key, job) in self.state.all_generations().await? {
            let now = self.platform.env.now();
            let end = Instant::from(job.started) + KEPT;
            if end <= now {
                self.state.forget_generation(&key).await?;
                continue;
            }
            next = Some(next.map_or(end, |next| next.min(end)));
            if job.status != JobStatus::InProgress {
                continue;
            }
            let found = match self.is_there(key.0, key.1, &job).await? {
                true => Ok(self.uses(&job, now).await?),
                false => Err(format!("The principal {} does not exist.", job.principal)),
            };
            self.state
                .change_generation(&key, |job| {
                    job.completed = Some(now.into());
                    match &found {
                        Ok(uses) => (job.status, job.uses) = (JobStatus::Succeeded, uses.clone()),
                        Err(message) => {
                            job.status = JobStatus::Failed;
                            job.error = Some(("RESOURCE_NOT_FOUND_ERROR".to_owned(), message.clone()));
                        }
                    }
                })
                .await?;
        }
        Ok(next)
    }

    async fn is_there(&self, account: AccountId, region: Region, job: &Generation) -> Result<bool> {
        let root = Caller::root(account);
        let name = job.principal.rsplit('/').next().unwrap_or_default().to_owned();
        let bus = &self.platform.bus;
        let found = if job.principal.contains(":role/") {
            let input = i::GetRoleRequest { role_name: name };
            bus.call::<iam::GetRole>(root, region, None, input).await.map(|found| found.role.arn)
        } else {
            let input = i::GetUserRequest { user_name: Some(name) };
            bus.call::<iam::GetUser>(root, region, None, input).await.map(|found| found.user.arn)
        };
        match found {
            Ok(arn) => Ok(arn == job.principal),
            Err(error) if error.code().starts_with("NoSuchEntity") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the principal did in the time and the Regions that the job is about.
    async fn uses(&self, job: &Generation, now: Instant) -> Result<Vec<Use>> {
        let since = job.since.map_or(Instant::EPOCH, Instant::from);
        let until = job.until.map_or(now, Instant::from);
        let used = self.platform.used(&job.principal, since, until).await?;
        let all = job.trails.is_empty() || job.trails.iter().any(|trail| trail.all_regions);
        let wanted = |resource: &str| {
            let region = resource.split(':').nth(3).unwrap_or_default();
            all || region.is_empty()
                || job.trails.iter().flat_map(|trail| &trail.regions).any(|wanted| wanted == region)
        };
        let used = used.into_iter().filter(|(_, resource)| wanted(resource));
        Ok(used.map(|(action, resource)| Use { action, resource }).collect())
    }
}
