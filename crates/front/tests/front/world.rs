use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use haneul_base::{AccountId, Instant};
use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::layers::hooks::{Audit, Record};
use haneul_front::{Cloud, ConnInfo, Options};
use haneul_kit::directory::{NamedPolicy, PrincipalPolicies, Role};
use haneul_kit::platform::{Config, RootKey};
use haneul_kit::{
    Access, AccessKey, ApiError, Arn, BoxFuture, ByteStream, Caller, Cx, Directory, Extension, Handle,
    Platform, Policy, Principal, Result, Seal, Service,
};
use haneul_policy::Rules;
use haneul_s3_wire as s3;
use haneul_shape::ServiceModel;
use haneul_sigv4::{Credentials, SignPayload, Signer, Timestamp};
use haneul_sqs_wire as sqs;
use haneul_store::Store;
use http_body_util::Full;
use parking_lot::Mutex;

pub(crate) const ROOT: Credentials<'_> =
    Credentials { access_key_id: "test", secret_access_key: "test", session_token: None };
/// A user whose policy is the world's.
pub(crate) const USER: Credentials<'_> =
    Credentials { access_key_id: "AKIAUSER", secret_access_key: "user-secret", session_token: None };
pub(crate) const INACTIVE: Credentials<'_> =
    Credentials { access_key_id: "AKIAINACTIVE", secret_access_key: "user-secret", session_token: None };

pub(crate) const MODELS: &[&ServiceModel] = &[
    &haneul_cloudwatch_wire::SERVICE,
    &haneul_dynamodb_wire::SERVICE,
    &haneul_lambda_wire::SERVICE,
    &s3::SERVICE,
    &haneul_s3control_wire::SERVICE,
    &sqs::SERVICE,
    &haneul_sts_wire::SERVICE,
];

pub(crate) struct World {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) env: Env,
    pub(crate) codes: Arc<Codes>,
}

/// How calls ended, as the record has it; empty for those that succeeded.
#[derive(Default)]
pub(crate) struct Codes(pub(crate) Mutex<Vec<String>>);

impl Audit for Codes {
    fn note(&self, record: &Record<'_>) {
        self.0.lock().push(record.error_code.unwrap_or_default().to_owned());
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl World {
    pub(crate) fn new() -> World {
        World::with(false, "")
    }

    /// `user_policy` is the JSON of the user's only policy.
    pub(crate) fn with(relaxed: bool, user_policy: &str) -> World {
        World::made(Env::simulated(7), relaxed, user_policy)
    }

    pub(crate) fn made(env: Env, relaxed: bool, user_policy: &str) -> World {
        let (store, blobs) = (Store::memory(), Blobs::memory(&env));
        let root = RootKey {
            account: AccountId::DEFAULT,
            access_key_id: "test".into(),
            secret_access_key: "test".into(),
        };
        let config = Config { root_keys: vec![root], relaxed };
        let platform =
            Platform::new(env.clone(), store, blobs, None, Seal::new(&[9; 32], env.rng.clone()), config);
        platform.set_directory(Arc::new(Users::new(user_policy)));
        let services = vec![tiny_sqs(&env), tiny_s3(), tiny_sts(), tiny_dynamodb(), tiny_lambda()];
        let codes = Arc::new(Codes::default());
        let options = Options { audit: codes.clone(), ..Options::default() };
        let cloud = Cloud::new(platform, MODELS, services, options);
        World { cloud, env, codes }
    }

    /// A signer of the world's time.
    pub(crate) fn signer<'a>(&self, credentials: Credentials<'a>, service: &'a str) -> Signer<'a> {
        Signer::new(credentials, "us-east-1", service, Timestamp::from_unix_s(self.env.now().secs()))
    }

    /// Sends what was built, signed.
    pub(crate) async fn signed(
        &self,
        credentials: Credentials<'_>,
        service: &str,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> Answer {
        let body = body.into();
        let (mut parts, ()) = request.header("host", "localhost:4566").body(()).unwrap().into_parts();
        self.signer(credentials, service).sign(&mut parts, SignPayload::Bytes(&body)).unwrap();
        self.send(http::Request::from_parts(parts, body)).await
    }

    pub(crate) async fn unsigned(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Answer {
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: http::Request<Bytes>) -> Answer {
        self.send_from(request, ConnInfo::default()).await
    }

    pub(crate) async fn send_from(&self, request: http::Request<Bytes>, from: ConnInfo) -> Answer {
        read(self.cloud.handle(request.map(Full::new), from).await).await
    }

    pub(crate) async fn json(
        &self,
        credentials: Credentials<'_>,
        service: &str,
        target: &str,
        body: &str,
    ) -> Answer {
        let request = http::Request::post("/")
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.0");
        self.signed(credentials, service, request, body.to_owned()).await
    }

    pub(crate) async fn query(&self, credentials: Credentials<'_>, service: &str, form: &str) -> Answer {
        let request = http::Request::post("/").header("content-type", "application/x-www-form-urlencoded");
        self.signed(credentials, service, request, form.to_owned()).await
    }
}

pub(crate) async fn read(answer: http::Response<ByteStream>) -> Answer {
    let (parts, body) = answer.into_parts();
    let body = body.collect(1 << 24).await.unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The error's code, in whichever protocol it came.
    pub(crate) fn code(&self) -> String {
        if let Some((_, rest)) = self.body.split_once("<Code>") {
            return rest.split("</Code>").next().unwrap().to_owned();
        }
        // As SDKs do: it is SQS's code where the body has another name.
        if let Some((code, _)) = self.header("x-amzn-query-error").split_once(';') {
            return code.to_owned();
        }
        let by_type = || {
            let (_, rest) = self.body.split_once("\"__type\":\"")?;
            rest.split('"').next()?.rsplit('#').next()
        };
        by_type().unwrap_or(self.header("x-amzn-errortype")).to_owned()
    }
}

struct Users {
    keys: HashMap<String, Arc<AccessKey>>,
    user_policy: Option<Arc<Policy>>,
}

impl Users {
    fn new(user_policy: &str) -> Users {
        let ann = Principal::User { path: "/".into(), name: "ann".into(), id: "AIDAANN".into() };
        let user = Caller { account: AccountId::DEFAULT, principal: ann, access_key_id: None, session: None };
        let key = |credentials: Credentials<'_>, active, caller: &Caller| {
            let id = credentials.access_key_id.to_owned();
            let caller = Caller { access_key_id: Some(id.clone()), ..caller.clone() };
            let secret = credentials.secret_access_key.to_owned();
            (id.clone(), Arc::new(AccessKey { id, secret, active, caller }))
        };
        let root = Caller::root(AccountId::DEFAULT);
        Users {
            keys: [key(ROOT, true, &root), key(USER, true, &user), key(INACTIVE, false, &user)].into(),
            user_policy: (!user_policy.is_empty())
                .then(|| Arc::new(Policy::parse(user_policy, &Rules::IDENTITY).unwrap())),
        }
    }
}

impl Directory for Users {
    fn access_key<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Arc<AccessKey>>>> {
        Box::pin(async move { Ok(self.keys.get(id).cloned()) })
    }

    fn policies<'a>(&'a self, caller: &'a Caller) -> BoxFuture<'a, Result<Arc<PrincipalPolicies>>> {
        let mut policies = PrincipalPolicies::default();
        if let (Principal::User { .. }, Some(policy)) = (&caller.principal, &self.user_policy) {
            policies.identity.push(NamedPolicy {
                name: "arn:aws:iam::000000000000:policy/ann".into(),
                policy: policy.clone(),
            });
        }
        Box::pin(async move { Ok(Arc::new(policies)) })
    }

    fn role<'a>(&'a self, _: AccountId, _: &'a str) -> BoxFuture<'a, Result<Option<Arc<Role>>>> {
        Box::pin(async { Ok(None) })
    }

    fn managed_policy<'a>(&'a self, _: &'a Arn) -> BoxFuture<'a, Result<Option<Arc<Policy>>>> {
        Box::pin(async { Ok(None) })
    }

    fn note_use(&self, _: &Caller, _: &'static str, _: &'static str, _: Instant) {}
}

/// SQS: `SendMessage` answers with what it was sent, panics when told to; `ReceiveMessage` waits for the end of the world.
struct TinySqs(Env);

fn tiny_sqs(env: &Env) -> Service {
    Service::of(&sqs::SERVICE, Arc::new(TinySqs(env.clone())))
        .op::<sqs::operations::GetQueueUrl>()
        .op::<sqs::operations::SendMessage>()
        .op::<sqs::operations::ReceiveMessage>()
        .build()
}

fn queue_arn(cx: &Cx, url: &str) -> Arn {
    cx.arn("sqs", url.rsplit('/').next().unwrap_or_default())
}

impl Handle<sqs::operations::SendMessage> for TinySqs {
    async fn access(&self, cx: &Cx, input: &sqs::shapes::SendMessageRequest) -> Result<Vec<Access>> {
        let shared = input.queue_url.ends_with("/shared").then(|| {
            let anybody = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}}"#;
            Arc::new(Policy::parse(anybody, &Rules::RESOURCE).unwrap())
        });
        Ok(vec![Access::on("sqs:SendMessage", &queue_arn(cx, &input.queue_url)).with_policy(shared)])
    }

    async fn call(
        &self,
        _: &Cx,
        input: sqs::shapes::SendMessageRequest,
    ) -> Result<sqs::shapes::SendMessageResult> {
        assert!(input.message_body != "panic", "told to");
        Ok(sqs::shapes::SendMessageResult {
            message_id: Some(format!("{} {}", input.queue_url, input.message_body)),
            ..Default::default()
        })
    }
}

impl Handle<sqs::operations::GetQueueUrl> for TinySqs {
    async fn access(&self, cx: &Cx, input: &sqs::shapes::GetQueueUrlRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::on("sqs:GetQueueUrl", &queue_arn(cx, &input.queue_name))])
    }

    async fn call(
        &self,
        _: &Cx,
        input: sqs::shapes::GetQueueUrlRequest,
    ) -> Result<sqs::shapes::GetQueueUrlResult> {
        Ok(sqs::shapes::GetQueueUrlResult { queue_url: Some(input.queue_name) })
    }
}

impl Handle<sqs::operations::ReceiveMessage> for TinySqs {
    async fn access(&self, cx: &Cx, input: &sqs::shapes::ReceiveMessageRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::on("sqs:ReceiveMessage", &queue_arn(cx, &input.queue_url))])
    }

    async fn call(
        &self,
        _: &Cx,
        _: sqs::shapes::ReceiveMessageRequest,
    ) -> Result<sqs::shapes::ReceiveMessageResult> {
        self.0.tasks.stopping().await;
        Ok(Default::default())
    }
}

/// S3: `PutObject` tells the length of what it was sent and the checksum behind it; `GetObject` gives the key as content.
struct TinyS3;

fn tiny_s3() -> Service {
    Service::of(&s3::SERVICE, Arc::new(TinyS3))
        .op::<s3::operations::PutObject>()
        .op::<s3::operations::GetObject>()
        .op::<s3::operations::PutBucketTagging>()
        .extension(Arc::new(TinyS3))
        .build()
}

impl Handle<s3::operations::PutObject> for TinyS3 {
    async fn access(&self, _: &Cx, input: &s3::shapes::PutObjectRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::on("s3:PutObject", &Arn::bare("s3", format_args!("{}/{}", input.bucket, input.key)))])
    }

    async fn call(
        &self,
        cx: &Cx,
        mut input: s3::shapes::PutObjectRequest,
    ) -> Result<s3::shapes::PutObjectOutput> {
        if input.bucket == "absent" {
            return Err(ApiError::new("NoSuchBucket", "The specified bucket does not exist")
                .with_field("BucketName", "absent"));
        }
        let (said, mut length) = (input.body.length(), 0);
        while let Some(piece) = input.body.next().await {
            let piece = piece.map_err(|error| match error.downcast::<ApiError>() {
                Ok(error) => *error,
                Err(error) => ApiError::internal(error),
            })?;
            length += piece.len();
        }
        let trailers = &cx.http().unwrap().trailers;
        let e_tag = Some(format!("{length} of {said:?} to {}/{}", input.bucket, input.key));
        let checksum_crc32 = trailers.header("x-amz-checksum-crc32").map(str::to_owned);
        Ok(s3::shapes::PutObjectOutput { e_tag, checksum_crc32, ..Default::default() })
    }
}

impl Handle<s3::operations::GetObject> for TinyS3 {
    async fn access(&self, _: &Cx, input: &s3::shapes::GetObjectRequest) -> Result<Vec<Access>> {
        let open = (input.bucket == "open").then(|| {
            let anybody = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}}"#;
            Arc::new(Policy::parse(anybody, &Rules::RESOURCE).unwrap())
        });
        let arn = Arn::bare("s3", format_args!("{}/{}", input.bucket, input.key));
        Ok(vec![Access::on("s3:GetObject", &arn).owned_by(AccountId::DEFAULT).with_policy(open)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s3::shapes::GetObjectRequest,
    ) -> Result<s3::shapes::GetObjectOutput> {
        cx.add_header(http::HeaderName::from_static("x-seen"), http::HeaderValue::from_static("yes"));
        if input.key == "broken" {
            return Err(ApiError::internal("told to"));
        }
        if input.key == "gone" {
            return Err(
                ApiError::new("NoSuchKey", "The specified key does not exist.").with_field("Key", "gone")
            );
        }
        Ok(s3::shapes::GetObjectOutput { body: ByteStream::from_bytes(input.key), ..Default::default() })
    }
}

impl Handle<s3::operations::PutBucketTagging> for TinyS3 {
    async fn access(&self, _: &Cx, input: &s3::shapes::PutBucketTaggingRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::on("s3:PutBucketTagging", &Arn::bare("s3", &input.bucket))])
    }

    async fn call(&self, _: &Cx, _: s3::shapes::PutBucketTaggingRequest) -> Result<haneul_shape::Empty> {
        Ok(haneul_shape::Empty)
    }
}

impl Extension for TinyS3 {
    fn unmodelled<'a>(
        &'a self,
        cx: &'a Cx,
        body: ByteStream,
    ) -> BoxFuture<'a, Result<Result<http::Response<ByteStream>>, ByteStream>> {
        Box::pin(async move {
            let head = cx.http().unwrap();
            if head.method != http::Method::OPTIONS {
                return Err(body);
            }
            let bucket = head.bucket.clone().unwrap_or_default();
            Ok(Ok(http::Response::new(ByteStream::from_bytes(format!(
                "preflight of {bucket}{}",
                head.uri.path()
            )))))
        })
    }

    fn decorate<'a>(&'a self, _: &'a Cx, answer: &'a mut http::response::Parts) -> BoxFuture<'a, ()> {
        answer.headers.insert("x-decorated", http::HeaderValue::from_static("yes"));
        Box::pin(async {})
    }
}

/// STS: GetCallerIdentity.
struct TinySts;

fn tiny_sts() -> Service {
    Service::of(&haneul_sts_wire::SERVICE, Arc::new(TinySts))
        .op::<haneul_sts_wire::operations::GetCallerIdentity>()
        .build()
}

impl Handle<haneul_sts_wire::operations::GetCallerIdentity> for TinySts {
    async fn access(
        &self,
        _: &Cx,
        _: &haneul_sts_wire::shapes::GetCallerIdentityRequest,
    ) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn call(
        &self,
        cx: &Cx,
        _: haneul_sts_wire::shapes::GetCallerIdentityRequest,
    ) -> Result<haneul_sts_wire::shapes::GetCallerIdentityResponse> {
        Ok(haneul_sts_wire::shapes::GetCallerIdentityResponse {
            user_id: Some(cx.caller().user_id()),
            account: Some(cx.account().to_string()),
            arn: Some(cx.caller().arn()),
        })
    }
}

/// DynamoDB: ListTables gives the Region.
struct TinyDynamoDb;

fn tiny_dynamodb() -> Service {
    Service::of(&haneul_dynamodb_wire::SERVICE, Arc::new(TinyDynamoDb))
        .op::<haneul_dynamodb_wire::operations::ListTables>()
        .build()
}

impl Handle<haneul_dynamodb_wire::operations::ListTables> for TinyDynamoDb {
    async fn access(&self, _: &Cx, _: &haneul_dynamodb_wire::shapes::ListTablesInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("dynamodb:ListTables")])
    }

    async fn call(
        &self,
        cx: &Cx,
        _: haneul_dynamodb_wire::shapes::ListTablesInput,
    ) -> Result<haneul_dynamodb_wire::shapes::ListTablesOutput> {
        Ok(haneul_dynamodb_wire::shapes::ListTablesOutput {
            table_names: Some(vec![cx.region().to_string()]),
            ..Default::default()
        })
    }
}

/// Lambda: ListFunctions gives none.
struct TinyLambda;

fn tiny_lambda() -> Service {
    Service::of(&haneul_lambda_wire::SERVICE, Arc::new(TinyLambda))
        .op::<haneul_lambda_wire::operations::ListFunctions>()
        .build()
}

impl Handle<haneul_lambda_wire::operations::ListFunctions> for TinyLambda {
    async fn access(
        &self,
        _: &Cx,
        _: &haneul_lambda_wire::shapes::ListFunctionsRequest,
    ) -> Result<Vec<Access>> {
        Ok(vec![Access::to("lambda:ListFunctions")])
    }

    async fn call(
        &self,
        _: &Cx,
        _: haneul_lambda_wire::shapes::ListFunctionsRequest,
    ) -> Result<haneul_lambda_wire::shapes::ListFunctionsResponse> {
        Ok(Default::default())
    }
}
