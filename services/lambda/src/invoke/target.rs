use std::sync::Arc;

use haneul_kit::Result;

use crate::lambda::Known;
use crate::model::function::{State, Update, VersionRecord};
use crate::names::{LATEST, Named, PUBLISHED_NUMBER, version_number};
use crate::{Lambda, error};

/// What a call means: a function in one version.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) known: Arc<Known>,
    pub(crate) version: Arc<VersionRecord>,
    /// The version or alias that the call named.
    pub(crate) qualifier: Option<String>,
}

impl Lambda {
    /// Which version a name means now. An alias with two versions is drawn by weight.
    pub(crate) async fn target(&self, named: &Named) -> Result<Target> {
        let missing = || error::no_function(named.arn());
        let function = &named.function;
        let known = self.cache.function(&self.records, function).await?.ok_or_else(missing)?;
        let version = match named.qualifier.as_deref() {
            None | Some(LATEST) => known.latest.clone(),
            Some(qualifier) => {
                let number = match version_number(qualifier) {
                    Some(number) => Some(number),
                    None => {
                        let alias = self.cache.alias(&self.records, function, qualifier).await?;
                        let alias = alias.ok_or_else(missing)?;
                        version_number(&self.draw(&alias.version, &alias.weights))
                    }
                };
                match number {
                    Some(number) => {
                        self.cache.version(&self.records, function, number).await?.ok_or_else(missing)?
                    }
                    None => known.latest.clone(),
                }
            }
        };
        Ok(Target { known, version, qualifier: named.qualifier.clone() })
    }

    fn draw(&self, version: &str, weights: &[(String, f64)]) -> String {
        const PARTS: u64 = 1_000_000;
        let mut drawn = self.platform.env.rng.below(PARTS) as f64 / PARTS as f64;
        for (other, weight) in weights {
            if drawn < *weight {
                return other.clone();
            }
            drawn -= weight;
        }
        version.to_owned()
    }

    /// What a call of a function on a capacity provider means: without a qualifier what was published last, and never the
    /// unpublished version. Others are what they are.
    ///
    /// # Errors
    /// NoPublishedVersionException, ResourceConflictException.
    pub(crate) async fn invocable(&self, target: Target) -> Result<Target> {
        if target.version.capacity.is_none() || target.version.version != LATEST {
            return Ok(target);
        }
        if target.qualifier.is_some() {
            return Err(not_now("ActiveNonInvocable"));
        }
        let name = &target.known.name;
        let published = self.cache.version(&self.records, name, PUBLISHED_NUMBER).await?;
        let version = published.ok_or_else(|| {
            error::no_published_version(format!("The function {name} has no published version to invoke."))
        })?;
        Ok(Target { version, ..target })
    }

    /// Waits until the code is ready: AWS refuses calls meanwhile, here it takes milliseconds. Environments of a capacity
    /// provider take longer, and are not waited for.
    pub(crate) async fn ready(&self, target: Target) -> Result<Target> {
        let target = self.invocable(target).await?;
        let name = &target.known.name;
        let target = if target.version.state == State::Pending && target.version.capacity.is_none() {
            let number = version_number(&target.version.version).unwrap_or(0);
            self.settle(name, number).await?;
            let qualifier = Some(target.version.version.clone());
            let named = Named { function: name.clone(), qualifier };
            Target { qualifier: target.qualifier.clone(), ..self.target(&named).await? }
        } else {
            target
        };
        match &target.version.state {
            State::Active => self.answering(target).await,
            State::Pending => Err(not_now("Pending")),
            State::Deactivating => Err(not_now("Deactivating")),
            State::Deactivated => Err(not_now("Deactivated")),
            State::Failed { .. } => Err(not_now("Failed")),
        }
    }
}

impl Lambda {
    /// In place of a version that is not ready what it is to replace.
    async fn answering(&self, target: Target) -> Result<Target> {
        let number = version_number(&target.version.version);
        let (Some(number), Some(_), Update::InProgress) =
            (number, &target.version.capacity, &target.version.update)
        else {
            return Ok(target);
        };
        let previous = self.records.previous(&target.known.name, number).await?;
        Ok(match previous {
            Some(previous) => Target { version: previous.into(), ..target },
            None => target,
        })
    }
}

fn not_now(state: &str) -> haneul_kit::ApiError {
    error::conflict(format!(
        "The operation cannot be performed at this time. The function is currently in the following state: {state}"
    ))
}
