use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::platform::Config;
use haneul_kit::session_token;
use haneul_kit::{AccountId, Caller, Operation, Platform, Region, Result, Seal};
use haneul_store::Store;
use haneul_sts_wire::shapes as s;

pub(super) struct Cloud {
    pub platform: Platform,
    pub front: std::sync::Arc<Front>,
}

/// Root users of two accounts.
pub(super) fn root(account: u64) -> Caller {
    Caller::root(AccountId::new(account).unwrap())
}

pub(super) const OURS: u64 = 111_111_111_111;
pub(super) const THEIRS: u64 = 222_222_222_222;

impl Cloud {
    pub(super) async fn new() -> Cloud {
        let env = Env::simulated(5);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), Store::memory(), Blobs::memory(&env), None, seal, config);
        let services =
            vec![haneul_iam::service(&platform).await.unwrap(), crate::service(&platform).await.unwrap()];
        let models = [&haneul_iam_wire::SERVICE, &haneul_sts_wire::SERVICE];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        Cloud { platform, front }
    }

    pub(super) async fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, caller: &Caller, input: O::Input) -> O::Output {
        self.call::<O>(caller, input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The error as `Code: message`.
    pub(super) async fn err<O: Operation>(&self, caller: &Caller, input: O::Input) -> String {
        match self.call::<O>(caller, input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    /// A page that anybody may read.
    pub(super) async fn page(&self, uri: &str) -> (u16, String) {
        let body = http_body_util::Empty::<bytes::Bytes>::new();
        let request = http::Request::get(uri).header("host", "localhost:4566").body(body).unwrap();
        let answer = self.front.handle(request, Default::default()).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect(usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// A user with an inline policy, as the caller that its key would make it.
    pub(super) async fn user(&self, account: u64, name: &str, statement: Option<&str>) -> Caller {
        let root = root(account);
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        self.ok::<iam::CreateUser>(&root, create).await;
        if let Some(statement) = statement {
            let put = i::PutUserPolicyRequest {
                user_name: name.into(),
                policy_name: "own".into(),
                policy_document: policy(statement),
            };
            self.ok::<iam::PutUserPolicy>(&root, put).await;
        }
        let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let id = self.ok::<iam::CreateAccessKey>(&root, key).await.access_key.access_key_id;
        self.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    }

    /// A role that trusts as `statement` says and may do everything.
    pub(super) async fn role(&self, account: u64, name: &str, statement: &str) -> String {
        let root = root(account);
        let create = i::CreateRoleRequest {
            role_name: name.into(),
            assume_role_policy_document: policy(statement),
            ..Default::default()
        };
        let arn = self.ok::<iam::CreateRole>(&root, create).await.role.arn;
        let put = i::PutRolePolicyRequest {
            role_name: name.into(),
            policy_name: "all".into(),
            policy_document: policy(r#""Effect":"Allow","Action":"*","Resource":"*""#),
        };
        self.ok::<iam::PutRolePolicy>(&root, put).await;
        arn
    }

    /// Who signs with these credentials now.
    pub(super) fn open(&self, credentials: Option<s::Credentials>) -> Caller {
        let made = credentials.unwrap();
        let now = self.platform.env.now();
        let opened =
            session_token::open(&self.platform.seal, &made.session_token, &made.access_key_id, now).unwrap();
        assert_eq!(opened.secret_access_key, made.secret_access_key);
        opened.caller
    }
}

/// A policy of one statement.
pub(super) fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#)
}

pub(super) fn trusting(principal: &str) -> String {
    format!(r#""Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole""#)
}

pub(super) const MAY_ASSUME: &str =
    r#""Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Resource":"*""#;

pub(super) fn assume(role_arn: &str) -> s::AssumeRoleRequest {
    s::AssumeRoleRequest { role_arn: role_arn.into(), role_session_name: "work".into(), ..Default::default() }
}
