//! Roles of templates, where what was given makes two things one, or somebody else was quicker.

use std::sync::Arc;

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::platform::Config;
use haneul_kit::{Access, AccountId, Authorizer, BoxFuture, Caller, Cx, Platform, Result, Seal};
use haneul_store::Store;

use super::cloud::{ACCOUNT, Cloud};
use crate::model::Role;
use crate::{Iam, document};

const TEMPLATE: &str = r#"
arn = "arn:aws:iam::aws:role-template/example/One"
name = "One"

[[versions]]
minor = 0
role_name = "one"
trust_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
managed_policies = ["arn:aws:iam::aws:policy/@{A}", "arn:aws:iam::aws:policy/@{B}"]
parameters = [{ name = "A", type = "String" }, { name = "B", type = "String" }, { name = "C", type = "String" }]

[[versions.inline_policies]]
name = "read"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'

[[versions.inline_policies]]
name = "@{C}"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}]}'
"#;

struct Everything;

impl Authorizer for Everything {
    fn authorize<'a>(&'a self, _: &'a Cx, _: &'a str, _: &'a [Access]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

/// A cloud with the template, in which everybody may do everything.
async fn cloud(authorizer: &Arc<Everything>) -> Cloud {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("role-templates")).unwrap();
    std::fs::write(folder.path().join("role-templates/one.toml"), TEMPLATE).unwrap();
    let env = Env::simulated(1);
    let seal = Seal::new(&[7; 32], env.rng.clone());
    let config = Config { root_keys: Vec::new(), relaxed: false };
    let platform = Platform::new(env.clone(), Store::memory(), Blobs::memory(&env), None, seal, config);
    platform.set_iam_catalog(folder.path());
    let authorizer: Arc<dyn Authorizer> = authorizer.clone();
    platform.set_authorizer(Arc::downgrade(&authorizer));
    let iam = Arc::new(Iam::open(&platform).await.unwrap());
    platform.set_directory(iam.directory.clone());
    let account = AccountId::new(ACCOUNT).unwrap();
    iam.state.found_account(account, env.now()).await.unwrap();
    Cloud { iam, platform, caller: Caller::root(account) }
}

fn acquire(a: &str, b: &str, c: &str) -> s::AcquireRoleRequest {
    let value = |(name, text): (&str, &str)| {
        (name.to_owned(), s::ReplacementValueEntry { values: vec![text.to_owned()] })
    };
    s::AcquireRoleRequest {
        template_arn: "arn:aws:iam::aws:role-template/example/One".into(),
        template_minor_version: None,
        replacement_values: Some([("A", a), ("B", b), ("C", c)].into_iter().map(value).collect()),
    }
}

#[tokio::test]
async fn what_is_given_twice_is_there_once_or_refused() {
    let authorizer = Arc::new(Everything);
    let cloud = cloud(&authorizer).await;
    for (c, expected) in [("read", "Two inline policies"), ("a b", "not valid")] {
        let refused = cloud.call::<op::AcquireRole>(acquire("ReadOnlyAccess", "ReadOnlyAccess", c)).await;
        let refused = refused.err().unwrap().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    cloud.ok::<op::AcquireRole>(acquire("ReadOnlyAccess", "ReadOnlyAccess", "write")).await;
    let role: Role = cloud.iam.state.entity(cloud.caller.account, "one").await.unwrap();
    assert_eq!(role.entity.attached, ["arn:aws:iam::aws:policy/ReadOnlyAccess"]);
}

#[tokio::test]
async fn a_role_is_made_or_given_as_it_was_decided() {
    let authorizer = Arc::new(Everything);
    let cloud = cloud(&authorizer).await;
    cloud.ok::<op::AcquireRole>(acquire("ReadOnlyAccess", "ReadOnlyAccess", "write")).await;
    let account = cloud.caller.account;
    let role: Role = cloud.iam.state.entity(account, "one").await.unwrap();
    let trust = document::check_trust(&role.trust.document).unwrap();
    let mut gone = role.clone();
    gone.entity.name = "gone".into();
    for (role, is_new, expected) in [
        (&role, false, "ok"),
        (&role, true, "ConcurrentModificationException"),
        (&gone, false, "ConcurrentModificationException"),
        (&gone, true, "ok"),
    ] {
        let said = cloud.iam.state.acquire_role(account, role, &trust, is_new).await;
        let said = said.map_or_else(|error| error.code().to_owned(), |_| "ok".into());
        assert_eq!(said, expected, "{} {is_new}", role.entity.name);
    }
}
