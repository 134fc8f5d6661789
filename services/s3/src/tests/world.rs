use std::sync::Arc;

use haneul_blob::Blobs;
use haneul_kit::cx::Parts;
use haneul_kit::platform::Config;
use haneul_kit::{
    Access, AccountId, Authorizer, ByteStream, Caller, Cx, Env, Handle, Operation, Platform, Policy,
    Principal, Region, RequestHead, Result, Seal,
};
use haneul_policy::{Attached, Context, Inputs, Request, Rules, decide};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_store::{Range, Reads, Store};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::{S3, error};

/// A cloud with nothing in it but S3.
pub(super) struct World {
    pub(super) env: Env,
    pub(super) s3: Arc<S3>,
    judge: Arc<Judge>,
}

/// Decides what handlers ask for while they run. The caller's identity policy is the last call's.
#[derive(Default)]
struct Judge {
    policy: parking_lot::Mutex<Option<String>>,
}

impl Authorizer for Judge {
    fn authorize<'a>(
        &'a self,
        cx: &'a Cx,
        _: &'a str,
        accesses: &'a [Access],
    ) -> haneul_kit::BoxFuture<'a, Result<()>> {
        let policy = self.policy.lock().clone();
        Box::pin(async move { judge(cx.caller(), policy.as_deref(), accesses) })
    }
}

/// What the front door does with the permissions that a call needs.
fn judge(caller: &Caller, policy: Option<&str>, accesses: &[Access]) -> Result<()> {
    let account = caller.account.to_string();
    let principal = match &caller.principal {
        Principal::Root => haneul_policy::Principal::root(&account),
        Principal::Anonymous => haneul_policy::Principal::anonymous(),
        _ => haneul_policy::Principal::user(&caller.arn()),
    };
    let identity = policy.map(|text| Policy::parse(text, &Rules::IDENTITY).unwrap());
    for access in accesses {
        let mut context = Context::new();
        for (key, values) in &access.keys {
            context.set_many(key, values.clone());
        }
        let owner = access.resource_account.unwrap_or(caller.account).to_string();
        let request = Request {
            principal: &principal,
            action: access.action,
            resource: &access.resource,
            resource_account: Some(&owner),
            context: &context,
        };
        let attached = |policy| Attached { name: "p", arn: None, policy };
        let identity: Vec<_> = identity.iter().map(attached).collect();
        let resource: Vec<_> = access.resource_policy.iter().map(|policy| attached(policy)).collect();
        let inputs = Inputs {
            identity: &identity,
            resource: &resource,
            resource_mode: access.resource_mode,
            boundary: None,
            session: None,
            delegation: None,
            scps: &[],
            rcps: &[],
            vpc_endpoint: None,
        };
        if !decide(&request, &inputs).is_allowed() {
            return Err(error::access_denied(format!("{} on {}", access.action, access.resource)));
        }
    }
    Ok(())
}

/// Who calls, from where, and how.
#[derive(Clone)]
pub(super) struct Who {
    pub(super) caller: Caller,
    pub(super) region: Region,
    /// An identity policy; root needs none.
    pub(super) policy: Option<String>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) virtual_host: Option<String>,
}

/// An answer with what the handler said of it beside its output.
pub(super) struct Answered<T> {
    pub(super) result: Result<T>,
    pub(super) status: Option<StatusCode>,
    pub(super) headers: HeaderMap,
}

pub(super) const OTHER: u64 = 111_111_111_111;

impl Who {
    pub(super) fn root() -> Who {
        Who {
            caller: Caller::root(AccountId::DEFAULT),
            region: Region::US_EAST_1,
            policy: None,
            headers: Vec::new(),
            virtual_host: None,
        }
    }

    pub(super) fn other() -> Who {
        Who { caller: Caller::root(AccountId::new(OTHER).unwrap()), ..Who::root() }
    }

    pub(super) fn anonymous() -> Who {
        Who { caller: Caller::anonymous(AccountId::DEFAULT), ..Who::root() }
    }

    /// A user of the default account.
    pub(super) fn user(policy: &str) -> Who {
        let principal = Principal::User { path: "/".into(), name: "ann".into(), id: "AIDAANN".into() };
        let caller = Caller { account: AccountId::DEFAULT, principal, access_key_id: None, session: None };
        Who { caller, policy: Some(policy.to_owned()), ..Who::root() }
    }

    pub(super) fn in_region(mut self, region: &str) -> Who {
        self.region = region.parse().unwrap();
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Who {
        self.headers.push((name, value.into()));
        self
    }
}

impl World {
    pub(super) fn new() -> World {
        let env = Env::simulated(7);
        World::on(&env, Store::memory(), Blobs::memory(&env))
    }

    pub(super) fn on(env: &Env, store: Store, blobs: Blobs) -> World {
        let seal = Seal::new(&[1; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), store, blobs, None, seal, config);
        let judge = Arc::new(Judge::default());
        let weak = Arc::downgrade(&judge);
        platform.set_authorizer(weak);
        World { env: env.clone(), s3: Arc::new(S3::new(&platform)), judge }
    }

    /// With the bucket `bkt`.
    pub(super) async fn with_bucket() -> World {
        let world = World::new();
        world.create("bkt").await;
        world
    }

    pub(super) async fn create(&self, name: &str) {
        let input = s::CreateBucketRequest { bucket: name.into(), ..Default::default() };
        self.root::<op::CreateBucket>(input).await.unwrap();
    }

    pub(super) fn cx(&self, who: &Who) -> Cx {
        self.with_method(who, Method::GET)
    }

    pub(super) fn with_method(&self, who: &Who, method: Method) -> Cx {
        let mut headers = HeaderMap::new();
        for (name, value) in &who.headers {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let mut http = RequestHead::new(method, http::Uri::from_static("/"), headers);
        http.bucket = who.virtual_host.clone();
        Cx::new(Parts {
            secure: false,
            http: Some(http),
            ..Parts::within("r", who.caller.clone(), who.region, self.env.now())
        })
    }

    pub(super) async fn root<O: Operation>(&self, input: O::Input) -> Result<O::Output>
    where
        S3: Handle<O>,
    {
        self.call::<O>(&Who::root(), input).await.result
    }

    pub(super) async fn call<O: Operation>(&self, who: &Who, input: O::Input) -> Answered<O::Output>
    where
        S3: Handle<O>,
    {
        self.call_in::<O>(&self.cx(who), who, input).await
    }

    pub(super) async fn call_in<O: Operation>(
        &self,
        cx: &Cx,
        who: &Who,
        input: O::Input,
    ) -> Answered<O::Output>
    where
        S3: Handle<O>,
    {
        // On the heap, as the dispatch table has it.
        let result = Box::pin(async {
            self.authorise::<O>(cx, who, &input).await?;
            Handle::<O>::call(&*self.s3, cx, input).await
        })
        .await;
        let answer = cx.take_answer();
        Answered { result, status: answer.status, headers: answer.headers }
    }

    async fn authorise<O: Operation>(&self, cx: &Cx, who: &Who, input: &O::Input) -> Result<()>
    where
        S3: Handle<O>,
    {
        self.judge.policy.lock().clone_from(&who.policy);
        let accesses = Handle::<O>::access(&*self.s3, cx, input).await?;
        judge(&who.caller, who.policy.as_deref(), &accesses)
    }

    // Shorthands for the calls that most tests make.

    pub(super) async fn put(&self, key: &str, body: impl Into<bytes::Bytes>) -> s::PutObjectOutput {
        self.root::<op::PutObject>(put(key, body)).await.unwrap()
    }

    pub(super) async fn get(&self, key: &str) -> Result<Vec<u8>> {
        let output = self.root::<op::GetObject>(get(key)).await?;
        Ok(output.body.collect(usize::MAX).await.unwrap())
    }

    pub(super) async fn delete(&self, key: &str) -> s::DeleteObjectOutput {
        let input = s::DeleteObjectRequest { bucket: "bkt".into(), key: key.into(), ..Default::default() };
        self.root::<op::DeleteObject>(input).await.unwrap()
    }

    pub(super) async fn version(&self, status: &str) {
        let versioning_configuration =
            s::VersioningConfiguration { status: Some(status.into()), mfa_delete: None };
        let input = s::PutBucketVersioningRequest {
            bucket: "bkt".into(),
            versioning_configuration,
            ..Default::default()
        };
        self.root::<op::PutBucketVersioning>(input).await.unwrap();
    }

    /// How many blobs some record owns.
    pub(super) async fn owned_blobs(&self) -> usize {
        self.s3.records.store.scan_keys(&crate::store::tables::BLOBS, Range::all(), 1000).await.unwrap().len()
    }

    pub(super) async fn bucket_id(&self) -> u64 {
        self.s3.bucket_anywhere("bkt", &None).await.unwrap().id()
    }

    pub(super) async fn keys(&self) -> Vec<String> {
        let input = s::ListObjectsV2Request { bucket: "bkt".into(), ..Default::default() };
        let output = self.root::<op::ListObjectsV2>(input).await.unwrap();
        output.contents.into_iter().flatten().filter_map(|object| object.key).collect()
    }
}

pub(super) fn put(key: &str, body: impl Into<bytes::Bytes>) -> s::PutObjectRequest {
    s::PutObjectRequest {
        bucket: "bkt".into(),
        key: key.into(),
        body: ByteStream::from_bytes(body),
        ..Default::default()
    }
}

pub(super) fn get(key: &str) -> s::GetObjectRequest {
    s::GetObjectRequest { bucket: "bkt".into(), key: key.into(), ..Default::default() }
}

/// The code of an error, or `ok`.
pub(super) fn code<T>(result: &Result<T>) -> String {
    result.as_ref().map_or_else(|error| error.code().to_owned(), |_| "ok".to_owned())
}

/// Bytes that do not repeat soon.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}
