//! The API as a client sees it, without the layers in front.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use haneul_env::Env;
use haneul_kit::cx::Parts;
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Cx, Handle, Platform, Principal, Reconciler, Region, Result, Seal};
use haneul_shape::Operation;
use haneul_shape::value::Map;
use haneul_sqs_wire::operations as op;
use haneul_sqs_wire::shapes::*;
use haneul_store::Store;

use super::Sqs;
use crate::plane::log::Limits;

mod attributes;
mod batches;
mod crash;
mod dead_letter;
mod fifo;
mod figures;
mod messages;
mod policies;
mod polling;
mod queues;

/// A cloud with only this service, in memory or on a simulated disk, its clock standing still.
#[derive(Clone)]
pub(super) struct Cloud {
    pub(super) platform: Platform,
    pub(super) sqs: Arc<Sqs>,
}

pub(super) const ME: u64 = 0;
pub(super) const OTHER: u64 = 111_111_111_111;

/// Small enough that a short test rotates segments, writes checkpoints and reads bodies back.
pub(super) const SMALL: Limits =
    Limits { cache_bytes: 2_000, checkpoint_bytes: 20_000, segment_bytes: 16_384 };

impl Cloud {
    pub(super) async fn new() -> Cloud {
        Cloud::open(platform(Env::simulated(1), None), Limits::default()).await
    }

    pub(super) async fn on_disk(seed: u64) -> Cloud {
        Cloud::open(platform(Env::simulated(seed), Some(Path::new("/data"))), SMALL).await
    }

    pub(super) async fn open(platform: Platform, limits: Limits) -> Cloud {
        let sqs = Arc::new(Sqs::open(&platform, limits).await.unwrap());
        Cloud { platform, sqs }
    }

    /// Ends this one and starts it again on the same disk.
    pub(super) async fn restart(self) -> Cloud {
        let platform = self.platform.clone();
        drop(self);
        Cloud::open(platform, SMALL).await
    }

    pub(super) fn cx(&self, account: u64) -> Cx {
        let account = AccountId::new(account).unwrap();
        let principal = Principal::User { path: "/".into(), name: "ann".into(), id: "AIDAEXAMPLE".into() };
        let caller = Caller { account, principal, access_key_id: None, session: None };
        let within = Parts::within("r", caller, Region::US_EAST_1, self.platform.env.now());
        Cx::new(Parts { secure: false, ..within })
    }

    pub(super) async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output>
    where
        Sqs: Handle<O>,
    {
        self.sqs.call(&self.cx(ME), input).await
    }

    pub(super) fn advance(&self, secs: u64) {
        self.platform.env.clock.advance(Duration::from_secs(secs));
    }

    pub(super) async fn create(&self, name: &str, attributes: &[(&str, &str)]) -> Result<String> {
        let input = CreateQueueRequest {
            queue_name: name.into(),
            attributes: Some(map(attributes)),
            ..Default::default()
        };
        self.call::<op::CreateQueue>(input).await.map(|output| output.queue_url.unwrap())
    }

    pub(super) async fn queue(&self, name: &str) -> String {
        self.create(name, &[]).await.unwrap()
    }

    pub(super) async fn send(&self, url: &str, body: &str) -> SendMessageResult {
        let input =
            SendMessageRequest { queue_url: url.into(), message_body: body.into(), ..Default::default() };
        self.call::<op::SendMessage>(input).await.unwrap()
    }

    pub(super) async fn send_fifo(&self, url: &str, body: &str, group: &str, id: &str) -> SendMessageResult {
        let input = SendMessageRequest {
            queue_url: url.into(),
            message_body: body.into(),
            message_group_id: Some(group.into()),
            message_deduplication_id: Some(id.into()),
            ..Default::default()
        };
        self.call::<op::SendMessage>(input).await.unwrap()
    }

    pub(super) async fn receive(&self, url: &str, max: i32) -> Vec<Message> {
        let input = ReceiveMessageRequest {
            queue_url: url.into(),
            max_number_of_messages: Some(max),
            message_system_attribute_names: Some(vec!["All".into()]),
            message_attribute_names: Some(vec!["All".into()]),
            ..Default::default()
        };
        self.call::<op::ReceiveMessage>(input).await.unwrap().messages.unwrap_or_default()
    }

    pub(super) async fn bodies(&self, url: &str, max: i32) -> Vec<String> {
        self.receive(url, max).await.into_iter().map(|message| message.body.unwrap()).collect()
    }

    pub(super) async fn delete(&self, url: &str, handle: &str) -> Result<()> {
        let input = DeleteMessageRequest { queue_url: url.into(), receipt_handle: handle.into() };
        self.call::<op::DeleteMessage>(input).await.map(drop)
    }

    pub(super) async fn visibility(&self, url: &str, handle: &str, secs: i32) -> Result<()> {
        let input = ChangeMessageVisibilityRequest {
            queue_url: url.into(),
            receipt_handle: handle.into(),
            visibility_timeout: secs,
        };
        self.call::<op::ChangeMessageVisibility>(input).await.map(drop)
    }

    pub(super) async fn set(&self, url: &str, attributes: &[(&str, &str)]) -> Result<()> {
        let input = SetQueueAttributesRequest { queue_url: url.into(), attributes: map(attributes) };
        self.call::<op::SetQueueAttributes>(input).await.map(drop)
    }

    pub(super) async fn attributes(&self, url: &str) -> Map<String> {
        let input =
            GetQueueAttributesRequest { queue_url: url.into(), attribute_names: Some(vec!["All".into()]) };
        self.call::<op::GetQueueAttributes>(input).await.unwrap().attributes.unwrap()
    }

    /// Visible, in flight, delayed.
    pub(super) async fn counts(&self, url: &str) -> (u32, u32, u32) {
        let attributes = self.attributes(url).await;
        let count = |suffix: &str| -> u32 {
            attributes.get(&format!("ApproximateNumberOfMessages{suffix}")).unwrap().parse().unwrap()
        };
        (count(""), count("NotVisible"), count("Delayed"))
    }

    /// Lets message move tasks do what is due.
    pub(super) async fn run_tasks(&self) {
        self.sqs.mover.reconcile().await.unwrap();
    }
}

pub(super) fn platform(env: Env, data_dir: Option<&Path>) -> Platform {
    let seal = Seal::new(&[7; 32], env.rng.clone());
    let blobs = haneul_blob::Blobs::memory(&env);
    let config = Config { root_keys: Vec::new(), relaxed: false };
    Platform::new(env, Store::memory(), blobs, data_dir, seal, config)
}

pub(super) fn map(pairs: &[(&str, &str)]) -> Map<String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn handle(message: &Message) -> &str {
    message.receipt_handle.as_deref().unwrap()
}

pub(super) fn attribute<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.attributes.as_ref()?.get(name).map(String::as_str)
}

/// The code of an error that must be one.
pub(super) fn code<T>(result: Result<T>) -> String {
    result.err().map_or_else(|| "none".to_owned(), |error| error.code().to_owned())
}
