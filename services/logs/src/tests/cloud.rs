use std::sync::Arc;
use std::time::Duration;

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Region, Result, Seal};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_store::Store;

use super::functions::{self, Functions};
use super::sinks::Sinks;
use crate::Logs;

/// The cloud with all that Logs calls; functions only note what they are sent.
pub(super) struct Cloud {
    pub platform: Platform,
    pub functions: Arc<Functions>,
    pub sinks: Arc<Sinks>,
    pub logs: Arc<Logs>,
    _front: Arc<Front>,
}

pub(super) const OURS: u64 = 111_111_111_111;

impl Cloud {
    pub(super) async fn new() -> Cloud {
        Cloud::on(Store::memory()).await
    }

    pub(super) async fn on(store: Store) -> Cloud {
        Cloud::seeded(store, 11).await
    }

    /// Another life of a cloud needs a seed of its own.
    pub(super) async fn seeded(store: Store, seed: u64) -> Cloud {
        let env = Env::simulated(seed);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), store, Blobs::memory(&env), None, seal, config);
        let functions = Arc::new(Functions::default());
        let sinks = Arc::new(Sinks::default());
        let logs = crate::service::logs(&platform);
        let mut services = vec![haneul_iam::service(&platform).await.unwrap()];
        services.push(crate::service::dispatch(logs.clone()));
        services.push(haneul_cloudwatch::service(&platform).await.unwrap());
        services.push(haneul_kms::service(&platform).await.unwrap());
        services.extend(haneul_s3::services(&platform).await.unwrap());
        services.push(functions::service(&functions));
        services.push(haneul_sts::service(&platform).await.unwrap());
        services.extend(sinks.services());
        let front = Front::new(platform.clone(), &[], services, Options::default());
        front.start_reconcilers();
        Cloud { platform, functions, sinks, logs, _front: front }
    }

    /// Lets the reconcilers do what is due.
    pub(super) async fn settle(&self) {
        for _ in 0..400 {
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn advance(&self, seconds: u64) {
        self.platform.env.clock.advance(Duration::from_secs(seconds));
        self.settle().await;
    }

    /// A user with this statement.
    pub(super) async fn user(&self, name: &str, statement: &str) -> Caller {
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        self.ok::<iam::CreateUser>(create).await;
        let put = i::PutUserPolicyRequest {
            user_name: name.into(),
            policy_name: "own".into(),
            policy_document: format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#),
        };
        self.ok::<iam::PutUserPolicy>(put).await;
        let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let id = self.ok::<iam::CreateAccessKey>(key).await.access_key.access_key_id;
        self.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    }

    pub(super) fn root() -> Caller {
        Caller::root(AccountId::new(OURS).unwrap())
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.platform.env.now().millis()
    }

    pub(super) async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        self.call_as::<O>(&Self::root(), input).await
    }

    pub(super) async fn call_as<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The error as `Code: message`.
    pub(super) async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call::<O>(input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    pub(super) async fn group(&self, name: &str) {
        let input = s::CreateLogGroupRequest { log_group_name: name.into(), ..Default::default() };
        self.ok::<op::CreateLogGroup>(input).await;
    }

    pub(super) async fn stream(&self, group: &str, name: &str) {
        let input = s::CreateLogStreamRequest { log_group_name: group.into(), log_stream_name: name.into() };
        self.ok::<op::CreateLogStream>(input).await;
    }

    pub(super) async fn put(
        &self,
        group: &str,
        stream: &str,
        events: &[(i64, &str)],
    ) -> Result<s::PutLogEventsResponse> {
        let event = |(timestamp, message): &(i64, &str)| s::InputLogEvent {
            timestamp: *timestamp,
            message: (*message).into(),
        };
        let input = s::PutLogEventsRequest {
            log_group_name: group.into(),
            log_stream_name: stream.into(),
            log_events: events.iter().map(event).collect(),
            ..Default::default()
        };
        self.call::<op::PutLogEvents>(input).await
    }

    /// The messages of a stream, by pages of `limit`, from its head.
    pub(super) async fn messages(&self, group: &str, stream: &str, limit: i32) -> Vec<String> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let input = s::GetLogEventsRequest {
                log_group_name: Some(group.into()),
                log_stream_name: stream.into(),
                start_from_head: Some(true),
                limit: Some(limit),
                next_token: token.clone(),
                ..Default::default()
            };
            let page = self.ok::<op::GetLogEvents>(input).await;
            all.extend(page.events.unwrap().into_iter().filter_map(|event| event.message));
            if page.next_forward_token == token {
                return all;
            }
            token = page.next_forward_token;
        }
    }

    /// The messages that a filter finds, all pages.
    pub(super) async fn filter(&self, input: s::FilterLogEventsRequest) -> Vec<String> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let input = s::FilterLogEventsRequest { next_token: token, ..input.clone() };
            let page = self.ok::<op::FilterLogEvents>(input).await;
            all.extend(page.events.unwrap().into_iter().filter_map(|event| event.message));
            token = page.next_token;
            if token.is_none() {
                return all;
            }
        }
    }
}
