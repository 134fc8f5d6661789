use std::collections::HashMap;
use std::io::{Cursor, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Region, Result, Seal};
use haneul_lambda_exec::simulated::{Answer, Simulated};
use haneul_lambda_exec::{BoxFuture, Executor, Invocation};
use haneul_lambda_wire::{operations as op, shapes as s};
use haneul_sqs_wire::{operations as sqs, shapes as q};
use haneul_store::Store;
use parking_lot::Mutex;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::Lambda;

pub(super) const OURS: u64 = 111_111_111_111;
pub(super) const THEIRS: u64 = 222_222_222_222;

pub(super) type Body = Arc<dyn Fn(Invocation) -> BoxFuture<'static, Answer> + Send + Sync>;

/// Functions by name; one that is not here echoes.
#[derive(Clone, Default)]
pub(super) struct Bodies(Arc<Mutex<HashMap<String, Body>>>);

pub(super) struct Cloud {
    pub(super) platform: Platform,
    pub(super) front: Arc<Front>,
    pub(super) bodies: Bodies,
    pub(super) lambda: Arc<Lambda>,
    pub(super) executor: Arc<Simulated>,
    /// Events that functions were given, with the function's name.
    pub(super) seen: Arc<Mutex<Vec<(String, Value)>>>,
}

pub(super) fn root(account: u64) -> Caller {
    Caller::root(AccountId::new(account).unwrap())
}

pub(super) fn zip_of(files: &[(&str, &str)]) -> Bytes {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner().into()
}

impl Cloud {
    pub(super) async fn new() -> Cloud {
        let env = Env::simulated(5);
        let store = Store::memory();
        let blobs = Blobs::memory(&env);
        Cloud::over(env, store, blobs, None, Bodies::default()).await
    }

    /// With a folder of container images.
    pub(super) async fn with_images(images: Option<&std::path::Path>) -> Cloud {
        let env = Env::simulated(5);
        let (store, blobs) = (Store::memory(), Blobs::memory(&env));
        Cloud::made(env, store, blobs, None, Bodies::default(), images).await
    }

    /// On parts that outlive it, as a disk does.
    pub(super) async fn over(
        env: Env,
        store: Store,
        blobs: Blobs,
        data_dir: Option<&std::path::Path>,
        bodies: Bodies,
    ) -> Cloud {
        Cloud::made(env, store, blobs, data_dir, bodies, None).await
    }

    async fn made(
        env: Env,
        store: Store,
        blobs: Blobs,
        data_dir: Option<&std::path::Path>,
        bodies: Bodies,
        images: Option<&std::path::Path>,
    ) -> Cloud {
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), store, blobs, data_dir, seal, config);
        let seen: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let (watched, known) = (seen.clone(), bodies.clone());
        let mut executor = None;
        let lambda = crate::service::lambda(&platform, images.map(Into::into), |logs| {
            let simulated = Arc::new(Simulated::new(&env, logs, move |spec, call| {
                let event = serde_json::from_slice(&call.payload).unwrap_or(Value::Null);
                watched.lock().push((spec.function_name.clone(), event.clone()));
                let body = known.0.lock().get(&spec.function_name).cloned();
                match body {
                    Some(body) => body(call),
                    None => Box::pin(async move { Answer::Value(event) }),
                }
            }));
            executor = Some(simulated.clone());
            simulated as Arc<dyn Executor>
        })
        .unwrap();
        let mut services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            haneul_kinesis::service(&platform).await.unwrap(),
            haneul_kms::service(&platform).await.unwrap(),
            haneul_logs::service(&platform).await.unwrap(),
            haneul_secretsmanager::service(&platform).await.unwrap(),
            haneul_sqs::service(&platform).await.unwrap(),
            haneul_sts::service(&platform).await.unwrap(),
            crate::service::table(lambda.clone()),
        ];
        services.extend(haneul_s3::services(&platform).await.unwrap());
        services.extend(haneul_dynamodb::services(&platform).await.unwrap());
        let front = Front::new(platform.clone(), &[], services, Options::default());
        front.start_reconcilers();
        Cloud { platform, front, bodies, lambda, executor: executor.unwrap(), seen }
    }

    /// What a function does.
    pub(super) fn body(&self, name: &str, body: impl Fn(Invocation) -> Answer + Send + Sync + 'static) {
        let body: Body = Arc::new(move |call| {
            let answer = body(call);
            Box::pin(async move { answer })
        });
        self.bodies.0.lock().insert(name.to_owned(), body);
    }

    /// What a function does that waits for something.
    pub(super) fn async_body(
        &self,
        name: &str,
        body: impl Fn(Invocation) -> BoxFuture<'static, Answer> + Send + Sync + 'static,
    ) {
        self.bodies.0.lock().insert(name.to_owned(), Arc::new(body));
    }

    pub(super) async fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(&root(OURS), input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The error as `Code: message`.
    pub(super) async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call::<O>(&root(OURS), input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    /// Rows that executions have anywhere.
    pub(super) async fn durable_rows(&self) -> usize {
        use haneul_store::{Range, Reads};

        use crate::model::durable as d;
        let store = &self.platform.store;
        store.scan_keys(&d::EXECUTIONS, Range::all(), 100).await.unwrap().len()
            + store.scan_keys(&d::STARTED, Range::all(), 100).await.unwrap().len()
            + store.scan_keys(&d::DATA, Range::all(), 100).await.unwrap().len()
            + store.scan_keys(&d::OPERATIONS, Range::all(), 100).await.unwrap().len()
            + store.scan_keys(&d::BRIEFS, Range::all(), 100).await.unwrap().len()
            + store.scan_keys(&d::HISTORY, Range::all(), 100).await.unwrap().len()
            + store.scan_keys(&d::TIMERS, Range::all(), 100).await.unwrap().len()
            + store.scan_keys(&d::WORK, Range::all(), 100).await.unwrap().len()
    }

    /// Lets every task run until nothing moves.
    pub(super) async fn settle(&self) {
        for _ in 0..400 {
            tokio::task::yield_now().await;
        }
        // Unpacking is on threads that may block, of which there may be several.
        for _ in 0..4 {
            tokio::task::spawn_blocking(|| {}).await.unwrap();
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        }
    }

    pub(super) async fn pass(&self, secs: u64) {
        self.platform.env.clock.advance(Duration::from_secs(secs));
        self.settle().await;
    }

    /// Lets time pass in small steps until something is true.
    pub(super) async fn until(&self, what: &str, mut is: impl FnMut() -> bool) {
        for _ in 0..600 {
            self.settle().await;
            if is() {
                return;
            }
            self.platform.env.clock.advance(Duration::from_millis(500));
        }
        panic!("it never came to this: {what}");
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.seen.lock().iter().filter(|(own, _)| own == name).count()
    }

    /// A role that Lambda may assume, with one statement.
    pub(super) async fn role(&self, name: &str, statement: &str) -> String {
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        self.role_trusted_by(name, trust, statement).await
    }

    pub(super) async fn role_trusted_by(&self, name: &str, trust: &str, statement: &str) -> String {
        let create = i::CreateRoleRequest {
            role_name: name.into(),
            assume_role_policy_document: trust.into(),
            ..Default::default()
        };
        let made = self.ok::<iam::CreateRole>(create).await.role;
        if !statement.is_empty() {
            let put = i::PutRolePolicyRequest {
                role_name: name.into(),
                policy_name: "own".into(),
                policy_document: format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#),
            };
            self.ok::<iam::PutRolePolicy>(put).await;
        }
        made.arn
    }

    /// A user with one statement, as the caller that its key would make it.
    pub(super) async fn user(&self, account: u64, name: &str, statement: &str) -> Caller {
        let root = root(account);
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        self.call::<iam::CreateUser>(&root, create).await.unwrap();
        let put = i::PutUserPolicyRequest {
            user_name: name.into(),
            policy_name: "own".into(),
            policy_document: format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#),
        };
        self.call::<iam::PutUserPolicy>(&root, put).await.unwrap();
        let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let id = self.call::<iam::CreateAccessKey>(&root, key).await.unwrap().access_key.access_key_id;
        self.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    }

    /// A function with a role that may do everything.
    pub(super) async fn function(&self, name: &str) -> s::FunctionConfiguration {
        let role = self.role(&format!("{name}-role"), ALL).await;
        self.ok::<op::CreateFunction>(create(name, &role)).await
    }

    pub(super) async fn invoke(&self, name: &str, event: Value) -> s::InvocationResponse {
        self.ok::<op::Invoke>(invocation(name, event)).await
    }

    pub(super) async fn send_event(&self, name: &str, event: Value) {
        let input = s::InvocationRequest { invocation_type: Some("Event".into()), ..invocation(name, event) };
        let answer = self.ok::<op::Invoke>(input).await;
        assert_eq!(answer.status_code, Some(202));
    }

    pub(super) async fn queue(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let attributes = attributes.iter().map(|(key, value)| (key.to_string(), value.to_string()));
        let input = q::CreateQueueRequest {
            queue_name: name.into(),
            attributes: Some(attributes.collect()),
            ..Default::default()
        };
        self.ok::<sqs::CreateQueue>(input).await;
        format!("arn:aws:sqs:us-east-1:{OURS}:{name}")
    }

    pub(super) async fn send(&self, queue: &str, body: &str) {
        let input =
            q::SendMessageRequest { queue_url: url(queue), message_body: body.into(), ..Default::default() };
        self.ok::<sqs::SendMessage>(input).await;
    }

    /// Messages of a queue, taken out.
    pub(super) async fn drain(&self, queue: &str) -> Vec<q::Message> {
        let mut all = Vec::new();
        loop {
            let input = q::ReceiveMessageRequest {
                queue_url: url(queue),
                max_number_of_messages: Some(10),
                message_attribute_names: Some(vec!["All".into()]),
                ..Default::default()
            };
            let got = self.ok::<sqs::ReceiveMessage>(input).await.messages.unwrap_or_default();
            if got.is_empty() {
                return all;
            }
            for message in got {
                let input = q::DeleteMessageRequest {
                    queue_url: url(queue),
                    receipt_handle: message.receipt_handle.clone().unwrap(),
                };
                self.ok::<sqs::DeleteMessage>(input).await;
                all.push(message);
            }
        }
    }

    /// Messages that are visible, and those that are under way.
    pub(super) async fn depth(&self, queue: &str) -> (u32, u32) {
        let input =
            q::GetQueueAttributesRequest { queue_url: url(queue), attribute_names: Some(vec!["All".into()]) };
        let got = self.ok::<sqs::GetQueueAttributes>(input).await.attributes.unwrap();
        let number = |name: &str| got.get(name).and_then(|text| text.parse().ok()).unwrap();
        (number("ApproximateNumberOfMessages"), number("ApproximateNumberOfMessagesNotVisible"))
    }
}

pub(super) const ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

pub(super) fn url(queue_arn: &str) -> String {
    let name = queue_arn.rsplit(':').next().unwrap();
    format!("https://sqs.us-east-1.amazonaws.com/{OURS}/{name}")
}

pub(super) fn create(name: &str, role: &str) -> s::CreateFunctionRequest {
    let zip_file = Some(zip_of(&[("index.py", "def handler(event, context): return event")]));
    s::CreateFunctionRequest {
        function_name: name.into(),
        role: role.into(),
        runtime: Some("python3.12".into()),
        handler: Some("index.handler".into()),
        code: s::FunctionCode { zip_file, ..Default::default() },
        ..Default::default()
    }
}

pub(super) fn invocation(name: &str, event: Value) -> s::InvocationRequest {
    s::InvocationRequest {
        function_name: name.into(),
        payload: Some(event.to_string().into_bytes().into()),
        ..Default::default()
    }
}

pub(super) fn answer(response: &s::InvocationResponse) -> Value {
    serde_json::from_slice(response.payload.as_deref().unwrap_or_default()).unwrap_or(Value::Null)
}

pub(super) fn fails() -> Answer {
    Answer::Throws("ValueError", "no".into())
}

pub(super) fn is_poison(event: &Value) -> bool {
    event.to_string().contains("poison")
}

pub(super) fn nothing() -> Answer {
    Answer::Value(json!(null))
}
