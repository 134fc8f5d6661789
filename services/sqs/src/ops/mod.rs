//! The API: one file per operation or pair of operations, each validates, acts and renders.

use std::sync::Arc;

use haneul_kit::{Access, AccountId, Cx, Platform, Result, Service, pinned_policy};
use haneul_shape::value::Map;
use haneul_sqs_wire::operations::*;
use haneul_sqs_wire::values::queue_attribute_name::POLICY;

use crate::error;
use crate::keys::Keys;
use crate::metrics::Depths;
use crate::plane::clean::Cleaner;
use crate::plane::log::Limits;
use crate::plane::{LiveQueue, Plane, QueueKey};
use crate::queue::{name, policy};
use crate::store::{self, Registry};
use crate::tasks::Mover;

mod batch;
mod change_message_visibility;
mod create_queue;
mod delete_message;
mod delete_queue;
mod get_queue_attributes;
mod get_queue_url;
mod list_dead_letter_source_queues;
mod list_queues;
mod message_move_tasks;
mod permissions;
mod purge_queue;
mod receive_message;
mod send_message;
mod set_queue_attributes;
mod tags;

#[cfg(test)]
mod tests;

/// The service's state.
pub struct Sqs {
    platform: Platform,
    plane: Arc<Plane>,
    registry: Arc<Registry>,
    mover: Arc<Mover>,
    keys: Keys,
}

/// Opens the queues and their log.
pub async fn service(platform: &Platform) -> Result<Service> {
    platform.tagged.add("sqs", crate::resources::KINDS, crate::resources::list);
    let sqs = Arc::new(Sqs::open(platform, Limits::default()).await?);
    let cleaner = Arc::new(Cleaner::new(sqs.plane.clone()));
    let mover = sqs.mover.clone();
    platform.metrics.register(Arc::new(Depths { plane: sqs.plane.clone() }));
    Ok(Service::of(&haneul_sqs_wire::SERVICE, sqs)
        .op::<AddPermission>()
        .op::<CancelMessageMoveTask>()
        .op::<ChangeMessageVisibility>()
        .op::<ChangeMessageVisibilityBatch>()
        .op::<CreateQueue>()
        .op::<DeleteMessage>()
        .op::<DeleteMessageBatch>()
        .op::<DeleteQueue>()
        .op::<GetQueueAttributes>()
        .op::<GetQueueUrl>()
        .op::<ListDeadLetterSourceQueues>()
        .op::<ListMessageMoveTasks>()
        .op::<ListQueueTags>()
        .op::<ListQueues>()
        .op::<PurgeQueue>()
        .op::<ReceiveMessage>()
        .op::<RemovePermission>()
        .op::<SendMessage>()
        .op::<SendMessageBatch>()
        .op::<SetQueueAttributes>()
        .op::<StartMessageMoveTask>()
        .op::<TagQueue>()
        .op::<UntagQueue>()
        .reconciler(mover)
        .reconciler(cleaner)
        .build())
}

impl Sqs {
    pub(crate) async fn open(platform: &Platform, limits: Limits) -> Result<Sqs> {
        let (queues, known) = store::load(&platform.store).await?;
        let plane = match &platform.data_dir {
            None => Plane::in_memory(&platform.env, queues),
            Some(dir) => {
                let (env, dir) = (platform.env.clone(), dir.join("sqs"));
                let recovered =
                    tokio::task::spawn_blocking(move || Plane::recover(&env, &dir, queues, known, limits))
                        .await;
                recovered.map_err(haneul_kit::ApiError::internal)?.map_err(error::store)?
            }
        };
        let plane = Arc::new(plane);
        let registry = Arc::new(Registry::new(platform.store.clone(), platform.env.clone(), plane.clone()));
        let mover = Arc::new(Mover::new(registry.clone()));
        Ok(Sqs { platform: platform.clone(), plane, registry, mover, keys: Keys::default() })
    }

    /// The queue of a URL.
    fn queue(&self, cx: &Cx, url: &str) -> Result<Arc<LiveQueue>> {
        self.plane.get(&name::of_url(cx, url)?).ok_or_else(error::queue_does_not_exist)
    }

    /// Checks the policy among the attributes of a request. An empty one takes a policy away.
    async fn check_policy<'a>(
        &self,
        owner: AccountId,
        attributes: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<()> {
        for (_, text) in attributes.filter(|(name, text)| *name == POLICY && !text.is_empty()) {
            policy::check_given(&self.platform, owner, text).await?;
        }
        Ok(())
    }

    /// The queue that an ARN in the parameter `parameter` names.
    fn queue_of_arn(&self, parameter: &str, arn: &str) -> Result<Arc<LiveQueue>> {
        let key = name::of_arn(arn).ok_or_else(|| error::malformed_arn(parameter))?;
        self.plane.get(&key).ok_or_else(|| {
            error::resource_not_found(format!(
                "The resource that you specified for the {parameter} parameter doesn't exist."
            ))
        })
    }

    /// The permission for an action that a queue's policy can give to other accounts.
    fn shared(&self, cx: &Cx, action: &'static str, url: &str) -> Result<Vec<Access>> {
        Ok(vec![self.on_queue(action, &name::of_url(cx, url)?, true)])
    }

    /// The permission for an action that only the queue's own account can have, whatever its policy says. Source: SQS
    /// Developer Guide, "Limitations of Amazon SQS custom policies".
    fn own(&self, cx: &Cx, action: &'static str, url: &str) -> Result<Vec<Access>> {
        let key = name::of_url(cx, url)?;
        Ok(vec![self.on_queue(action, &key, key.account == cx.account())])
    }

    /// The permission to look at or change what a queue's policy is among. The root user of the queue's account is not
    /// bound by that policy here, so that an account can take back one that locks out everybody. Source: IAM User Guide,
    /// "Perform a privileged task on an AWS Organizations member account". A delegate of the root user is somebody else.
    fn unlocking(&self, cx: &Cx, action: &'static str, url: &str, shared: bool) -> Result<Vec<Access>> {
        let key = name::of_url(cx, url)?;
        let is_own = key.account == cx.account();
        let is_owners_root = is_own && cx.caller().is_root();
        Ok(vec![self.on_queue(action, &key, !is_owners_root && (shared || is_own))])
    }

    /// The attributes of a request, with the users and roles that the policy names by their ids.
    async fn pin_policy(&self, attributes: Map<String>) -> Result<Vec<(String, String)>> {
        let Map(mut attributes) = attributes;
        for (_, policy) in attributes.iter_mut().filter(|(name, _)| name == POLICY) {
            *policy = pinned_policy::pin(&self.platform, policy).await?;
        }
        Ok(attributes)
    }

    fn on_queue(&self, action: &'static str, key: &QueueKey, with_policy: bool) -> Access {
        let access = Access::on(action, &key.arn());
        let Some(queue) = self.plane.get(key) else { return access };
        let meta = queue.meta();
        let policy = meta.attributes.policy.clone().filter(|_| with_policy);
        let tags = meta.record.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        access.with_policy(policy).resource_tags(tags)
    }
}
