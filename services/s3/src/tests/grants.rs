use std::time::Duration;

use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::{Caller, Result, session_token};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_s3control_wire::{operations as control, shapes as c};
use haneul_sts_wire::{operations as sts, shapes as t};

use super::cloud::{Cloud, OURS, THEIRS, policy, put, root};

pub(super) const INSTANCE: &str = "arn:aws:s3:us-east-1:111111111111:access-grants/default";

pub(super) fn ours() -> String {
    OURS.to_string()
}

/// A role as the documentation has it: it trusts this instance alone, and gives access through it alone.
pub(super) async fn role(cloud: &Cloud, name: &str, actions: &str) -> String {
    let trust = format!(
        r#""Effect":"Allow","Principal":{{"Service":"access-grants.s3.amazonaws.com"}},"Action":{actions},
           "Condition":{{"StringEquals":{{"aws:SourceAccount":"{OURS}","aws:SourceArn":"{INSTANCE}"}}}}"#
    );
    let create = i::CreateRoleRequest {
        role_name: name.into(),
        assume_role_policy_document: policy(&trust),
        ..Default::default()
    };
    let arn = cloud.ok::<iam::CreateRole>(create).await.role.arn;
    let may = format!(
        r#""Effect":"Allow","Action":"s3:*","Resource":"*",
           "Condition":{{"StringEquals":{{"s3:AccessGrantsInstanceArn":"{INSTANCE}"}}}}"#
    );
    let put = i::PutRolePolicyRequest {
        role_name: name.into(),
        policy_name: "own".into(),
        policy_document: policy(&may),
    };
    cloud.ok::<iam::PutRolePolicy>(put).await;
    arn
}

pub(super) const TRUSTED: &str = r#"["sts:AssumeRole","sts:SetSourceIdentity"]"#;

/// A user who may do what the statement says.
pub(super) async fn user(cloud: &Cloud, account: u64, name: &str, statement: &str) -> Caller {
    let root = root(account);
    let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
    cloud.call::<iam::CreateUser>(&root, create).await.unwrap();
    let may = i::PutUserPolicyRequest {
        user_name: name.into(),
        policy_name: "own".into(),
        policy_document: policy(statement),
    };
    cloud.call::<iam::PutUserPolicy>(&root, may).await.unwrap();
    let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
    let id = cloud.call::<iam::CreateAccessKey>(&root, key).await.unwrap().access_key.access_key_id;
    cloud.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
}

pub(super) const ASKS: &str =
    r#""Effect":"Allow","Action":["s3:GetDataAccess","s3:ListCallerAccessGrants"],"Resource":"*""#;

/// An instance with the default location, whose id it is.
pub(super) async fn instance(cloud: &Cloud, role: &str) -> String {
    let input = c::CreateAccessGrantsInstanceRequest { account_id: ours(), ..Default::default() };
    cloud.ok::<control::CreateAccessGrantsInstance>(input).await;
    location(cloud, "s3://", role).await.unwrap()
}

pub(super) async fn location(cloud: &Cloud, scope: &str, role: &str) -> Result<String> {
    let input = c::CreateAccessGrantsLocationRequest {
        account_id: ours(),
        location_scope: scope.into(),
        iam_role_arn: role.into(),
        tags: None,
    };
    let made = cloud.call::<control::CreateAccessGrantsLocation>(&root(OURS), input).await?;
    Ok(made.access_grants_location_id.unwrap())
}

pub(super) fn granting(
    location: &str,
    sub: &str,
    grantee: &str,
    permission: &str,
) -> c::CreateAccessGrantRequest {
    c::CreateAccessGrantRequest {
        account_id: ours(),
        access_grants_location_id: location.into(),
        access_grants_location_configuration: Some(c::AccessGrantsLocationConfiguration {
            s3_sub_prefix: Some(sub.into()),
        }),
        grantee: c::Grantee { grantee_type: Some("IAM".into()), grantee_identifier: Some(grantee.into()) },
        permission: permission.into(),
        ..Default::default()
    }
}

pub(super) async fn grant(cloud: &Cloud, sub: &str, grantee: &str, permission: &str) -> String {
    let made = cloud.ok::<control::CreateAccessGrant>(granting("default", sub, grantee, permission)).await;
    made.access_grant_id.unwrap()
}

fn asking(target: &str, permission: &str) -> c::GetDataAccessRequest {
    c::GetDataAccessRequest {
        account_id: ours(),
        target: target.into(),
        permission: permission.into(),
        ..Default::default()
    }
}

/// Who holds the credentials that were given out.
fn holder(
    cloud: &Cloud,
    made: &c::GetDataAccessResult,
) -> std::result::Result<Caller, session_token::TokenError> {
    let given = made.credentials.as_ref().unwrap();
    let (token, id) = (given.session_token.as_ref().unwrap(), given.access_key_id.as_ref().unwrap());
    let opened = session_token::open(&cloud.platform.seal, token, id, cloud.env.now())?;
    assert_eq!(Some(&opened.secret_access_key), given.secret_access_key.as_ref());
    Ok(opened.caller)
}

/// What a caller can do, as letters: r(ead), w(rite), d(elete) of a key.
async fn can(cloud: &Cloud, caller: &Caller, key: &str) -> String {
    let mut out = String::new();
    let get = s::GetObjectRequest { bucket: "bkt".into(), key: key.into(), ..Default::default() };
    if cloud.call::<op::GetObject>(caller, get).await.is_ok() {
        out.push('r');
    }
    if cloud.call::<op::PutObject>(caller, put("bkt", key, "x")).await.is_ok() {
        out.push('w');
    }
    let delete = s::DeleteObjectRequest { bucket: "bkt".into(), key: key.into(), ..Default::default() };
    if cloud.call::<op::DeleteObject>(caller, delete).await.is_ok() {
        out.push('d');
        cloud.put("bkt", key, "x").await;
    }
    out
}

async fn can_list(cloud: &Cloud, caller: &Caller, prefix: Option<&str>) -> bool {
    let list = s::ListObjectsV2Request {
        bucket: "bkt".into(),
        prefix: prefix.map(str::to_owned),
        ..Default::default()
    };
    cloud.call::<op::ListObjectsV2>(caller, list).await.is_ok()
}

#[tokio::test]
async fn credentials_are_good_for_what_was_granted() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    for key in ["bob/a", "bob/reports/q", "bobby", "other", "all/x", "odd/*$?", "odd/abc", "odd/file*"] {
        cloud.put("bkt", key, "x").await;
    }
    let role = role(&cloud, "vendor", TRUSTED).await;
    instance(&cloud, &role).await;
    let ann = user(&cloud, OURS, "ann", ASKS).await;
    let arn = ann.arn();
    grant(&cloud, "bkt/bob/*", &arn, "READ").await;
    grant(&cloud, "bkt/bob/reports/*", &arn, "READWRITE").await;
    grant(&cloud, "bkt/odd/*", &arn, "WRITE").await;
    let object = c::CreateAccessGrantRequest {
        s3_prefix_type: Some("Object".into()),
        ..granting("default", "bkt/odd/*$?", &arn, "READ")
    };
    cloud.ok::<control::CreateAccessGrant>(object).await;

    // (target, permission, privilege, of an object; the path that was granted; what can be done with some keys)
    type Row<'a> = (&'a str, &'a str, &'a str, bool, &'a str, &'a [(&'a str, &'a str)]);
    let rows: &[Row<'_>] = &[
        (
            "s3://bkt/bob/*",
            "READ",
            "Default",
            false,
            "s3://bkt/bob/*",
            &[("bob/a", "r"), ("bob/reports/q", "r"), ("bobby", ""), ("other", "")],
        ),
        (
            "s3://bkt/bob/reports/q",
            "READ",
            "Default",
            false,
            "s3://bkt/bob/reports/*",
            &[("bob/reports/q", "r"), ("bob/a", "")],
        ),
        (
            "s3://bkt/bob/reports/*",
            "READWRITE",
            "Default",
            false,
            "s3://bkt/bob/reports/*",
            &[("bob/reports/q", "rwd"), ("bob/reports/new", "wd"), ("bob/a", ""), ("bob/reports", "")],
        ),
        (
            "s3://bkt/bob/a",
            "READ",
            "Minimal",
            true,
            "s3://bkt/bob/a",
            &[("bob/a", "r"), ("bob/reports/q", "")],
        ),
        ("s3://bkt/bob/", "READ", "Minimal", false, "s3://bkt/bob/", &[("bob/a", "")]),
        (
            "s3://bkt/bob/rep*",
            "READ",
            "Minimal",
            false,
            "s3://bkt/bob/rep*",
            &[("bob/reports/q", "r"), ("bob/a", "")],
        ),
        ("s3://bkt/odd/*", "WRITE", "Default", false, "s3://bkt/odd/*", &[("odd/abc", "wd"), ("other", "")]),
        // Wildcards and variables of policies are letters of a key.
        (
            "s3://bkt/odd/*$?",
            "READ",
            "Default",
            true,
            "s3://bkt/odd/*$?",
            &[("odd/*$?", "r"), ("odd/abc", "")],
        ),
        (
            "s3://bkt/odd/file*",
            "WRITE",
            "Minimal",
            true,
            "s3://bkt/odd/file*",
            &[("odd/file*", "wd"), ("odd/file1", "")],
        ),
    ];
    for (target, permission, privilege, object, granted, keys) in rows {
        let input = c::GetDataAccessRequest {
            privilege: Some((*privilege).into()),
            target_type: object.then(|| "Object".into()),
            ..asking(target, permission)
        };
        let made = cloud.call::<control::GetDataAccess>(&ann, input).await;
        let made = made.unwrap_or_else(|error| panic!("{target}: {error}"));
        assert_eq!(made.matched_grant_target.as_deref(), Some(*granted), "{target}");
        assert_eq!(made.matched_instance_arn.as_deref(), Some(INSTANCE));
        let grantee = made.grantee.clone().unwrap();
        assert_eq!(grantee.grantee_identifier.as_ref(), Some(&arn));
        let caller = holder(&cloud, &made).unwrap();
        for (key, letters) in *keys {
            assert_eq!(can(&cloud, &caller, key).await, *letters, "{target} {permission} {privilege}: {key}");
        }
        let reads = *permission != "WRITE" && granted.ends_with('*');
        let within = granted.strip_prefix("s3://bkt/").unwrap().trim_end_matches('*');
        assert_eq!(can_list(&cloud, &caller, Some(within)).await, reads, "{target}");
        assert!(!can_list(&cloud, &caller, None).await && !can_list(&cloud, &caller, Some("b")).await);
        let buckets = cloud.call::<op::ListBuckets>(&caller, Default::default()).await;
        assert!(buckets.is_err_and(|error| error.code() == "AccessDenied"));
    }

    for (target, permission) in [
        ("s3://bkt/bob/*", "WRITE"),
        ("s3://bkt/bob/*", "READWRITE"),
        ("s3://bkt/bo*", "READ"),
        ("s3://bkt/*", "READ"),
        ("s3://bkt", "READ"),
        ("s3://bkt/bobby", "READ"),
        ("s3://bk2/bob/a", "READ"),
        ("s3://bkt/odd/abc", "READ"),
    ] {
        let refused = cloud.call::<control::GetDataAccess>(&ann, asking(target, permission)).await;
        let refused = refused.err().expect(target);
        let message =
            format!("You do not have {permission} permissions to the requested S3 Prefix: {target}");
        assert_eq!((refused.code(), refused.message()), ("AccessDenied", message.as_str()));
    }
    for (target, permission) in [("bkt/bob", "READ"), ("s3://", "READ"), ("s3://bkt/bob/a", "ALL")] {
        let refused = cloud.call::<control::GetDataAccess>(&ann, asking(target, permission)).await;
        assert_eq!(refused.err().expect(target).code(), "InvalidRequest");
    }
    // The root user is nobody's grantee; a user without the permission is not even asked.
    let nobody = cloud.err::<control::GetDataAccess>(asking("s3://bkt/bob/*", "READ")).await;
    assert!(nobody.starts_with("AccessDenied: You do not have READ"), "{nobody}");
    let eve = user(&cloud, OURS, "eve", r#""Effect":"Allow","Action":"s3:GetObject","Resource":"*""#).await;
    let refused = cloud.call::<control::GetDataAccess>(&eve, asking("s3://bkt/bob/*", "READ")).await;
    assert!(refused.err().unwrap().message().contains("not authorized to perform: s3:GetDataAccess"));
}

#[tokio::test]
async fn credentials_expire_and_end_with_what_gave_them() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.put("bkt", "a/x", "x").await;
    let arn = role(&cloud, "vendor", TRUSTED).await;
    instance(&cloud, &arn).await;
    let ann = user(&cloud, OURS, "ann", ASKS).await;
    let id = grant(&cloud, "bkt/a/*", &ann.arn(), "READ").await;
    let ask = |secs| c::GetDataAccessRequest { duration_seconds: secs, ..asking("s3://bkt/a/*", "READ") };
    let made = cloud.call::<control::GetDataAccess>(&ann, ask(Some(900))).await.unwrap();
    let caller = holder(&cloud, &made).unwrap();
    assert_eq!(caller.session.as_ref().unwrap().source_identity, Some(ann.user_id()));
    assert_eq!(caller.role_arn().unwrap().as_str(), arn);
    cloud.env.clock.advance(Duration::from_secs(899));
    assert!(holder(&cloud, &made).is_ok());
    cloud.env.clock.advance(Duration::from_secs(1));
    assert_eq!(holder(&cloud, &made), Err(session_token::TokenError::Expired));
    let hour = cloud.call::<control::GetDataAccess>(&ann, ask(None)).await.unwrap();
    assert_eq!(hour.credentials.unwrap().expiration.unwrap().since(cloud.env.now()).as_secs(), 3600);
    for (secs, code) in [(899, "InvalidRequest"), (43_201, "InvalidRequest"), (43_200, "StsValidationError")]
    {
        let refused = cloud.call::<control::GetDataAccess>(&ann, ask(Some(secs))).await.err().unwrap();
        assert_eq!(refused.code(), code, "{secs}: {refused}");
    }

    // Without the instance's key, the role's own policy gives nothing: no other session of it has it.
    let made = cloud.call::<control::GetDataAccess>(&ann, ask(None)).await.unwrap();
    let mut caller = holder(&cloud, &made).unwrap();
    assert_eq!(can(&cloud, &caller, "a/x").await, "r");
    caller.session.as_mut().unwrap().access_grants_instance = None;
    assert_eq!(can(&cloud, &caller, "a/x").await, "");

    // A role that does not let a source identity be set, or us in, is told apart from a missing grant.
    for (name, actions) in [("half", r#""sts:AssumeRole""#), ("none", r#""sts:TagSession""#)] {
        let other = role(&cloud, name, actions).await;
        let update = c::UpdateAccessGrantsLocationRequest {
            account_id: ours(),
            access_grants_location_id: "default".into(),
            iam_role_arn: other.clone(),
        };
        cloud.ok::<control::UpdateAccessGrantsLocation>(update).await;
        let refused = cloud.call::<control::GetDataAccess>(&ann, ask(None)).await.err().unwrap();
        assert_eq!(refused.code(), "StsNotAuthorizedError", "{refused}");
        assert!(refused.message().ends_with(&other), "{refused}");
    }
    let delete = c::DeleteAccessGrantRequest { account_id: ours(), access_grant_id: id };
    cloud.ok::<control::DeleteAccessGrant>(delete).await;
    let refused = cloud.call::<control::GetDataAccess>(&ann, ask(None)).await.err().unwrap();
    assert_eq!(refused.code(), "AccessDenied");
}

#[tokio::test]
async fn another_account_comes_in_by_the_instance_s_policy() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.put("bkt", "a/x", "x").await;
    let role = role(&cloud, "vendor", TRUSTED).await;
    instance(&cloud, &role).await;
    let bob = user(&cloud, THEIRS, "bob", r#""Effect":"Allow","Action":"s3:*","Resource":"*""#).await;
    grant(&cloud, "bkt/a/*", &bob.arn(), "READ").await;
    let ask = || cloud.call::<control::GetDataAccess>(&bob, asking("s3://bkt/a/*", "READ"));
    assert_eq!(ask().await.err().unwrap().code(), "AccessDenied");
    let find = |caller: &Caller, account: u64| {
        let input = c::GetAccessGrantsInstanceForPrefixRequest {
            account_id: account.to_string(),
            s3_prefix: "s3://bkt/a/x".into(),
        };
        let (caller, cloud) = (caller.clone(), &cloud);
        async move { cloud.call::<control::GetAccessGrantsInstanceForPrefix>(&caller, input).await }
    };
    assert!(find(&bob, THEIRS).await.is_err());
    let found = find(&root(OURS), OURS).await.unwrap();
    assert_eq!(found.access_grants_instance_arn.as_deref(), Some(INSTANCE));

    let own = || c::GetAccessGrantsInstanceResourcePolicyRequest { account_id: ours() };
    let none = cloud.err::<control::GetAccessGrantsInstanceResourcePolicy>(own()).await;
    assert!(none.starts_with("AccessGrantsInstanceResourcePolicyNotExists"), "{none}");
    let put_policy = |resource: &str| c::PutAccessGrantsInstanceResourcePolicyRequest {
        account_id: ours(),
        policy: policy(&format!(
            r#""Effect":"Allow","Principal":{{"AWS":"{THEIRS}"}},"Resource":"{resource}",
               "Action":["s3:GetDataAccess","s3:GetAccessGrantsInstanceForPrefix","s3:ListAccessGrants"]"#
        )),
        organization: None,
    };
    for resource in ["*", "arn:aws:s3:::bkt", "arn:aws:s3:us-east-1:222222222222:access-grants/default"] {
        let refused = cloud.err::<control::PutAccessGrantsInstanceResourcePolicy>(put_policy(resource)).await;
        assert!(refused.starts_with("InvalidResourcePolicy"), "{refused}");
    }
    cloud.ok::<control::PutAccessGrantsInstanceResourcePolicy>(put_policy(INSTANCE)).await;
    assert!(cloud.ok::<control::GetAccessGrantsInstanceResourcePolicy>(own()).await.created_at.is_some());
    let caller = holder(&cloud, &ask().await.unwrap()).unwrap();
    assert_eq!(can(&cloud, &caller, "a/x").await, "r");
    assert!(find(&bob, THEIRS).await.is_ok());
    let list = c::ListAccessGrantsRequest { account_id: ours(), ..Default::default() };
    let listed = cloud.call::<control::ListAccessGrants>(&bob, list).await.unwrap();
    assert_eq!(listed.access_grants_list.unwrap().len(), 1);
    // What it does not say stays shut, and what manages the instance is its account's alone.
    let locations = c::ListAccessGrantsLocationsRequest { account_id: ours(), ..Default::default() };
    assert!(cloud.call::<control::ListAccessGrantsLocations>(&bob, locations).await.is_err());
    let delete = c::DeleteAccessGrantsInstanceRequest { account_id: ours() };
    assert!(cloud.call::<control::DeleteAccessGrantsInstance>(&bob, delete).await.is_err());

    let delete = c::DeleteAccessGrantsInstanceResourcePolicyRequest { account_id: ours() };
    cloud.ok::<control::DeleteAccessGrantsInstanceResourcePolicy>(delete).await;
    assert_eq!(ask().await.err().unwrap().code(), "AccessDenied");
}

#[tokio::test]
async fn a_role_s_sessions_are_granted_what_the_role_is() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.put("bkt", "a/x", "x").await;
    let vendor = role(&cloud, "vendor", TRUSTED).await;
    instance(&cloud, &vendor).await;
    let trust = format!(r#""Effect":"Allow","Principal":{{"AWS":"{OURS}"}},"Action":"sts:AssumeRole""#);
    let create = i::CreateRoleRequest {
        role_name: "worker".into(),
        path: Some("/data/".into()),
        assume_role_policy_document: policy(&trust),
        ..Default::default()
    };
    let worker = cloud.ok::<iam::CreateRole>(create).await.role.arn;
    let may = i::PutRolePolicyRequest {
        role_name: "worker".into(),
        policy_name: "own".into(),
        policy_document: policy(ASKS),
    };
    cloud.ok::<iam::PutRolePolicy>(may).await;
    grant(&cloud, "bkt/a/*", &worker, "READWRITE").await;
    let may = r#""Effect":"Allow","Action":["sts:AssumeRole","s3:GetDataAccess"],"Resource":"*""#;
    let ann = user(&cloud, OURS, "ann", may).await;
    let assume = t::AssumeRoleRequest {
        role_arn: worker.clone(),
        role_session_name: "night.shift".into(),
        ..Default::default()
    };
    let made = cloud.call::<sts::AssumeRole>(&ann, assume).await.unwrap().credentials.unwrap();
    let seal = &cloud.platform.seal;
    let opened = session_token::open(seal, &made.session_token, &made.access_key_id, cloud.env.now());
    let session = opened.unwrap().caller;
    let ask = || asking("s3://bkt/a/*", "READWRITE");
    let made = cloud.call::<control::GetDataAccess>(&session, ask()).await.unwrap();
    assert_eq!(made.grantee.clone().unwrap().grantee_identifier, Some(worker));
    let caller = holder(&cloud, &made).unwrap();
    let identity = caller.session.as_ref().unwrap().source_identity.clone().unwrap();
    assert!(identity.starts_with("AROA") && identity.ends_with("@night.shift"), "{identity}");
    assert_eq!(can(&cloud, &caller, "a/x").await, "rwd");
    assert_eq!(can(&cloud, &caller, "b").await, "");
    // Whoever may assume the role is not the role.
    let refused = cloud.call::<control::GetDataAccess>(&ann, ask()).await.err().unwrap();
    assert_eq!(refused.code(), "AccessDenied");
}
