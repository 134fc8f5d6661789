//! What is refused, and in which words. The words are in `errors.txt`, one line for each call; `UPDATE_EXPECT=1` writes
//! it anew.

use std::fmt::Write;

use expect_test::expect_file;
use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Handle, Operation};

use super::cloud::{ALLOW_ALL, Cloud, trust};
use crate::Iam;

/// A cloud and what its calls said.
struct Said {
    cloud: Cloud,
    lines: String,
}

impl Said {
    async fn try_<O: Operation>(&mut self, what: &str, input: O::Input)
    where
        Iam: Handle<O>,
    {
        let said = match self.cloud.call::<O>(input).await {
            Ok(_) => String::from("ok"),
            Err(error) => error.to_string(),
        };
        writeln!(self.lines, "{} {what}\n    {said}", O::NAME).unwrap();
    }

    fn title(&mut self, title: &str) {
        writeln!(self.lines, "\n== {title}").unwrap();
    }
}

/// Calls with their inputs: `said, { Operation "what" { field: value } … }`.
macro_rules! calls {
    ($said:ident, $($op:ident($input:ident) $what:expr => { $($field:ident: $value:expr),* $(,)? })*) => {$(
        #[allow(clippy::needless_update)]
        $said.try_::<op::$op>(&$what, s::$input { $($field: $value.into(),)* ..Default::default() }).await;
    )*};
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const MISSING_AWS: &str = "arn:aws:iam::aws:policy/NoSuchAccess";
const MISSING: &str = "arn:aws:iam::123456789012:policy/missing";
const FOREIGN: &str = "arn:aws:iam::999999999999:policy/theirs";
const SERVICE_LINKED: &str = "arn:aws:iam::aws:policy/aws-service-role/AWSSupportServiceRolePolicy";

/// A policy that allows this many actions of 20 characters.
fn long_policy(actions: usize) -> String {
    let actions: Vec<String> = (0..actions).map(|at| format!("\"s3:GetObject{at:07}\"")).collect();
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{}],"Resource":"*"}}]}}"#,
        actions.join(",")
    )
}

#[tokio::test]
async fn refusals() {
    let mut said = Said { cloud: Cloud::new().await, lines: String::new() };
    missing(&mut said).await;
    names(&mut said).await;
    documents(&mut said).await;
    attachments(&mut said).await;
    versions(&mut said).await;
    limits(&mut said).await;
    tags(&mut said).await;
    conflicts(&mut said).await;
    access_keys(&mut said).await;
    expect_file!["./errors.txt"].assert_eq(&said.lines);
    assert!(said.lines.matches("    ").count() >= 120);
}

async fn missing(said: &mut Said) {
    said.title("nothing is there");
    calls! { said,
        GetUser(GetUserRequest) "nobody" => { user_name: some("nobody") }
        UpdateUser(UpdateUserRequest) "nobody" => { user_name: "nobody" }
        DeleteUser(DeleteUserRequest) "nobody" => { user_name: "nobody" }
        ListGroupsForUser(ListGroupsForUserRequest) "nobody" => { user_name: "nobody" }
        AttachUserPolicy(AttachUserPolicyRequest) "nobody" => { user_name: "nobody", policy_arn: ADMIN }
        DetachUserPolicy(DetachUserPolicyRequest) "nobody" => { user_name: "nobody", policy_arn: ADMIN }
        ListAttachedUserPolicies(ListAttachedUserPoliciesRequest) "nobody" => { user_name: "nobody" }
        PutUserPolicy(PutUserPolicyRequest) "nobody" => { user_name: "nobody", policy_name: "p", policy_document: ALLOW_ALL }
        GetUserPolicy(GetUserPolicyRequest) "nobody" => { user_name: "nobody", policy_name: "p" }
        DeleteUserPolicy(DeleteUserPolicyRequest) "nobody" => { user_name: "nobody", policy_name: "p" }
        ListUserPolicies(ListUserPoliciesRequest) "nobody" => { user_name: "nobody" }
        PutUserPermissionsBoundary(PutUserPermissionsBoundaryRequest) "nobody" => { user_name: "nobody", permissions_boundary: ADMIN }
        DeleteUserPermissionsBoundary(DeleteUserPermissionsBoundaryRequest) "nobody" => { user_name: "nobody" }
        TagUser(TagUserRequest) "nobody" => { user_name: "nobody", tags: Vec::new() }
        UntagUser(UntagUserRequest) "nobody" => { user_name: "nobody", tag_keys: Vec::new() }
        ListUserTags(ListUserTagsRequest) "nobody" => { user_name: "nobody" }
        CreateAccessKey(CreateAccessKeyRequest) "nobody" => { user_name: some("nobody") }
        ListAccessKeys(ListAccessKeysRequest) "nobody" => { user_name: some("nobody") }
        UpdateAccessKey(UpdateAccessKeyRequest) "nobody" => { user_name: some("nobody"), access_key_id: "AKIA1", status: "Active" }
        DeleteAccessKey(DeleteAccessKeyRequest) "nobody" => { user_name: some("nobody"), access_key_id: "AKIA1" }
        GetAccessKeyLastUsed(GetAccessKeyLastUsedRequest) "unknown" => { access_key_id: "AKIA1" }
        GetLoginProfile(GetLoginProfileRequest) "nobody" => { user_name: some("nobody") }
        ListMFADevices(ListMFADevicesRequest) "nobody" => { user_name: some("nobody") }
        ListSSHPublicKeys(ListSSHPublicKeysRequest) "nobody" => { user_name: some("nobody") }
        ListSigningCertificates(ListSigningCertificatesRequest) "nobody" => { user_name: some("nobody") }
        GetGroup(GetGroupRequest) "none" => { group_name: "none" }
        UpdateGroup(UpdateGroupRequest) "none" => { group_name: "none" }
        DeleteGroup(DeleteGroupRequest) "none" => { group_name: "none" }
        AddUserToGroup(AddUserToGroupRequest) "none" => { group_name: "none", user_name: "nobody" }
        RemoveUserFromGroup(RemoveUserFromGroupRequest) "none" => { group_name: "none", user_name: "nobody" }
        AttachGroupPolicy(AttachGroupPolicyRequest) "none" => { group_name: "none", policy_arn: ADMIN }
        DetachGroupPolicy(DetachGroupPolicyRequest) "none" => { group_name: "none", policy_arn: ADMIN }
        ListAttachedGroupPolicies(ListAttachedGroupPoliciesRequest) "none" => { group_name: "none" }
        PutGroupPolicy(PutGroupPolicyRequest) "none" => { group_name: "none", policy_name: "p", policy_document: ALLOW_ALL }
        GetGroupPolicy(GetGroupPolicyRequest) "none" => { group_name: "none", policy_name: "p" }
        DeleteGroupPolicy(DeleteGroupPolicyRequest) "none" => { group_name: "none", policy_name: "p" }
        ListGroupPolicies(ListGroupPoliciesRequest) "none" => { group_name: "none" }
        GetRole(GetRoleRequest) "none" => { role_name: "none" }
        UpdateRole(UpdateRoleRequest) "none" => { role_name: "none" }
        UpdateRoleDescription(UpdateRoleDescriptionRequest) "none" => { role_name: "none", description: "d" }
        UpdateAssumeRolePolicy(UpdateAssumeRolePolicyRequest) "none" => { role_name: "none", policy_document: trust("*") }
        DeleteRole(DeleteRoleRequest) "none" => { role_name: "none" }
        AttachRolePolicy(AttachRolePolicyRequest) "none" => { role_name: "none", policy_arn: ADMIN }
        DetachRolePolicy(DetachRolePolicyRequest) "none" => { role_name: "none", policy_arn: ADMIN }
        ListAttachedRolePolicies(ListAttachedRolePoliciesRequest) "none" => { role_name: "none" }
        PutRolePolicy(PutRolePolicyRequest) "none" => { role_name: "none", policy_name: "p", policy_document: ALLOW_ALL }
        GetRolePolicy(GetRolePolicyRequest) "none" => { role_name: "none", policy_name: "p" }
        DeleteRolePolicy(DeleteRolePolicyRequest) "none" => { role_name: "none", policy_name: "p" }
        ListRolePolicies(ListRolePoliciesRequest) "none" => { role_name: "none" }
        PutRolePermissionsBoundary(PutRolePermissionsBoundaryRequest) "none" => { role_name: "none", permissions_boundary: ADMIN }
        DeleteRolePermissionsBoundary(DeleteRolePermissionsBoundaryRequest) "none" => { role_name: "none" }
        TagRole(TagRoleRequest) "none" => { role_name: "none", tags: Vec::new() }
        UntagRole(UntagRoleRequest) "none" => { role_name: "none", tag_keys: Vec::new() }
        ListRoleTags(ListRoleTagsRequest) "none" => { role_name: "none" }
        ListInstanceProfilesForRole(ListInstanceProfilesForRoleRequest) "none" => { role_name: "none" }
        GetInstanceProfile(GetInstanceProfileRequest) "none" => { instance_profile_name: "none" }
        DeleteInstanceProfile(DeleteInstanceProfileRequest) "none" => { instance_profile_name: "none" }
        AddRoleToInstanceProfile(AddRoleToInstanceProfileRequest) "none" => { instance_profile_name: "none", role_name: "none" }
        RemoveRoleFromInstanceProfile(RemoveRoleFromInstanceProfileRequest) "none" => { instance_profile_name: "none", role_name: "none" }
        TagInstanceProfile(TagInstanceProfileRequest) "none" => { instance_profile_name: "none", tags: Vec::new() }
        UntagInstanceProfile(UntagInstanceProfileRequest) "none" => { instance_profile_name: "none", tag_keys: Vec::new() }
        ListInstanceProfileTags(ListInstanceProfileTagsRequest) "none" => { instance_profile_name: "none" }
        GetPolicy(GetPolicyRequest) "own" => { policy_arn: MISSING }
        GetPolicy(GetPolicyRequest) "AWS's" => { policy_arn: MISSING_AWS }
        GetPolicy(GetPolicyRequest) "another account's" => { policy_arn: FOREIGN }
        GetPolicy(GetPolicyRequest) "not an ARN" => { policy_arn: "not-an-arn-at-all-1234" }
        DeletePolicy(DeletePolicyRequest) "own" => { policy_arn: MISSING }
        CreatePolicyVersion(CreatePolicyVersionRequest) "own" => { policy_arn: MISSING, policy_document: ALLOW_ALL }
        GetPolicyVersion(GetPolicyVersionRequest) "own" => { policy_arn: MISSING, version_id: "v1" }
        ListPolicyVersions(ListPolicyVersionsRequest) "own" => { policy_arn: MISSING }
        SetDefaultPolicyVersion(SetDefaultPolicyVersionRequest) "own" => { policy_arn: MISSING, version_id: "v1" }
        DeletePolicyVersion(DeletePolicyVersionRequest) "own" => { policy_arn: MISSING, version_id: "v1" }
        ListEntitiesForPolicy(ListEntitiesForPolicyRequest) "own" => { policy_arn: MISSING }
        TagPolicy(TagPolicyRequest) "own" => { policy_arn: MISSING, tags: Vec::new() }
        UntagPolicy(UntagPolicyRequest) "own" => { policy_arn: MISSING, tag_keys: Vec::new() }
        ListPolicyTags(ListPolicyTagsRequest) "own" => { policy_arn: MISSING }
        DeleteAccountAlias(DeleteAccountAliasRequest) "none" => { account_alias: "none" }
        ListUsers(ListUsersRequest) "a marker from elsewhere" => { marker: some("abc") }
    }
}

async fn names(said: &mut Said) {
    said.title("names are taken, in any case");
    calls! { said,
        CreateUser(CreateUserRequest) "ann" => { user_name: "ann" }
        CreateUser(CreateUserRequest) "Ann" => { user_name: "Ann" }
        CreateUser(CreateUserRequest) "bea" => { user_name: "bea" }
        UpdateUser(UpdateUserRequest) "bea to ANN" => { user_name: "bea", new_user_name: some("ANN") }
        UpdateUser(UpdateUserRequest) "bea to BEA" => { user_name: "bea", new_user_name: some("BEA") }
        CreateGroup(CreateGroupRequest) "ops" => { group_name: "ops" }
        CreateGroup(CreateGroupRequest) "OPS, elsewhere" => { group_name: "OPS", path: some("/x/") }
        CreateGroup(CreateGroupRequest) "dev" => { group_name: "dev" }
        UpdateGroup(UpdateGroupRequest) "dev to ops" => { group_name: "dev", new_group_name: some("ops") }
        CreateRole(CreateRoleRequest) "app" => { role_name: "app", assume_role_policy_document: trust("*") }
        CreateRole(CreateRoleRequest) "APP" => { role_name: "APP", assume_role_policy_document: trust("*") }
        CreatePolicy(CreatePolicyRequest) "p" => { policy_name: "p", policy_document: ALLOW_ALL }
        CreatePolicy(CreatePolicyRequest) "P" => { policy_name: "P", policy_document: ALLOW_ALL, path: some("/x/") }
        CreateInstanceProfile(CreateInstanceProfileRequest) "web" => { instance_profile_name: "web" }
        CreateInstanceProfile(CreateInstanceProfileRequest) "Web" => { instance_profile_name: "Web" }
        CreateAccountAlias(CreateAccountAliasRequest) "sky" => { account_alias: "sky" }
        CreateAccountAlias(CreateAccountAliasRequest) "sky again" => { account_alias: "sky" }
        CreateAccountAlias(CreateAccountAliasRequest) "another instead" => { account_alias: "sea" }
        DeleteAccountAlias(DeleteAccountAliasRequest) "the one before" => { account_alias: "sky" }
    }
}

async fn documents(said: &mut Said) {
    said.title("documents that are refused");
    let no_resource = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*"}]}"#;
    let principal = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}"#;
    let gone = "arn:aws:iam::123456789012:user/gone";
    let s3_trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}]}"#;
    calls! { said,
        CreatePolicy(CreatePolicyRequest) "not JSON" => { policy_name: "q", policy_document: "{" }
        CreatePolicy(CreatePolicyRequest) "of no version" => { policy_name: "q", policy_document: ALLOW_ALL.replace(r#""Version":"2012-10-17","#, "") }
        CreatePolicy(CreatePolicyRequest) "of the version before" => { policy_name: "q", policy_document: ALLOW_ALL.replace("2012-", "2008-") }
        CreatePolicy(CreatePolicyRequest) "no statement" => { policy_name: "q", policy_document: "{}" }
        CreatePolicy(CreatePolicyRequest) "no resource" => { policy_name: "q", policy_document: no_resource }
        CreatePolicy(CreatePolicyRequest) "a principal" => { policy_name: "q", policy_document: principal }
        CreatePolicy(CreatePolicyRequest) "too long" => { policy_name: "q", policy_document: long_policy(300) }
        CreatePolicyVersion(CreatePolicyVersionRequest) "not JSON" => { policy_arn: "arn:aws:iam::123456789012:policy/p", policy_document: "x" }
        PutUserPolicy(PutUserPolicyRequest) "no resource" => { user_name: "ann", policy_name: "i", policy_document: no_resource }
        PutUserPolicy(PutUserPolicyRequest) "too long" => { user_name: "ann", policy_name: "i", policy_document: long_policy(100) }
        PutUserPolicy(PutUserPolicyRequest) "half of what is allowed" => { user_name: "ann", policy_name: "i", policy_document: long_policy(50) }
        PutUserPolicy(PutUserPolicyRequest) "the same again" => { user_name: "ann", policy_name: "i", policy_document: long_policy(60) }
        PutUserPolicy(PutUserPolicyRequest) "another that is too much" => { user_name: "ann", policy_name: "j", policy_document: long_policy(50) }
        DeleteUserPolicy(DeleteUserPolicyRequest) "the first" => { user_name: "ann", policy_name: "i" }
        DeleteUserPolicy(DeleteUserPolicyRequest) "the first again" => { user_name: "ann", policy_name: "i" }
        GetUserPolicy(GetUserPolicyRequest) "the first" => { user_name: "ann", policy_name: "i" }
        PutGroupPolicy(PutGroupPolicyRequest) "too long" => { group_name: "ops", policy_name: "i", policy_document: long_policy(250) }
        GetGroupPolicy(GetGroupPolicyRequest) "none" => { group_name: "ops", policy_name: "i" }
        PutRolePolicy(PutRolePolicyRequest) "too long" => { role_name: "app", policy_name: "i", policy_document: long_policy(500) }
        DeleteRolePolicy(DeleteRolePolicyRequest) "none" => { role_name: "app", policy_name: "i" }
        CreateRole(CreateRoleRequest) "trust that is a policy of permissions" => { role_name: "r", assume_role_policy_document: ALLOW_ALL }
        CreateRole(CreateRoleRequest) "trust without a principal" => { role_name: "r", assume_role_policy_document: trust("1").replace(r#""Principal":{"AWS":"1"},"#, "") }
        CreateRole(CreateRoleRequest) "trust in all but one" => { role_name: "r", assume_role_policy_document: trust("999999999999").replace("Principal", "NotPrincipal") }
        CreateRole(CreateRoleRequest) "trust in a user that is not there" => { role_name: "r", assume_role_policy_document: trust(gone) }
        CreateRole(CreateRoleRequest) "trust in a user by another path" => { role_name: "r", assume_role_policy_document: trust("arn:aws:iam::123456789012:user/x/ann") }
        CreateRole(CreateRoleRequest) "trust that is not JSON" => { role_name: "r", assume_role_policy_document: "trust.json" }
        CreateRole(CreateRoleRequest) "trust in nonsense" => { role_name: "r", assume_role_policy_document: trust("ann") }
        CreateRole(CreateRoleRequest) "trust with another service's action" => { role_name: "r", assume_role_policy_document: s3_trust }
        UpdateAssumeRolePolicy(UpdateAssumeRolePolicyRequest) "trust in a role that is not there" => { role_name: "app", policy_document: trust("arn:aws:iam::999999999999:role/x") }
        UpdateAssumeRolePolicy(UpdateAssumeRolePolicyRequest) "trust in a user" => { role_name: "app", policy_document: trust("arn:aws:iam::123456789012:user/ann") }
        UpdateAssumeRolePolicy(UpdateAssumeRolePolicyRequest) "trust in an account" => { role_name: "app", policy_document: trust("999999999999") }
    }
}

async fn attachments(said: &mut Said) {
    said.title("attaching");
    calls! { said,
        AttachUserPolicy(AttachUserPolicyRequest) "own, missing" => { user_name: "ann", policy_arn: MISSING }
        AttachUserPolicy(AttachUserPolicyRequest) "AWS's, missing" => { user_name: "ann", policy_arn: MISSING_AWS }
        AttachUserPolicy(AttachUserPolicyRequest) "another account's" => { user_name: "ann", policy_arn: FOREIGN }
        AttachRolePolicy(AttachRolePolicyRequest) "a service-linked role's" => { role_name: "app", policy_arn: SERVICE_LINKED }
        AttachUserPolicy(AttachUserPolicyRequest) "what is not an ARN" => { user_name: "nobody", policy_arn: "ReadOnlyAccessOfMine" }
        AttachRolePolicy(AttachRolePolicyRequest) "a role" => { role_name: "app", policy_arn: "arn:aws:iam::123456789012:role/app" }
        AttachRolePolicy(AttachRolePolicyRequest) "in a Region" => { role_name: "app", policy_arn: "arn:aws:iam:us-east-1:123456789012:policy/p" }
        DetachUserPolicy(DetachUserPolicyRequest) "what is not an ARN" => { user_name: "ann", policy_arn: "ReadOnlyAccessOfMine" }
        DetachUserPolicy(DetachUserPolicyRequest) "what is not attached" => { user_name: "ann", policy_arn: ADMIN }
        AttachUserPolicy(AttachUserPolicyRequest) "AWS's" => { user_name: "ann", policy_arn: ADMIN }
        AttachUserPolicy(AttachUserPolicyRequest) "again" => { user_name: "ann", policy_arn: ADMIN }
        PutUserPermissionsBoundary(PutUserPermissionsBoundaryRequest) "missing" => { user_name: "ann", permissions_boundary: MISSING }
        PutRolePermissionsBoundary(PutRolePermissionsBoundaryRequest) "a service-linked role's" => { role_name: "app", permissions_boundary: SERVICE_LINKED }
        CreateUser(CreateUserRequest) "with a boundary that is missing" => { user_name: "cid", permissions_boundary: some(MISSING) }
        CreateRole(CreateRoleRequest) "with a boundary that is not an ARN" => { role_name: "r", permissions_boundary: some("x"), assume_role_policy_document: trust("*") }
        DeleteUserPermissionsBoundary(DeleteUserPermissionsBoundaryRequest) "that is not set" => { user_name: "ann" }
        PutUserPermissionsBoundary(PutUserPermissionsBoundaryRequest) "AWS's" => { user_name: "ann", permissions_boundary: ADMIN }
        DeleteUserPermissionsBoundary(DeleteUserPermissionsBoundaryRequest) "that is set" => { user_name: "ann" }
    }
}

async fn versions(said: &mut Said) {
    said.title("versions of a policy");
    let arn = "arn:aws:iam::123456789012:policy/p";
    for at in 2..=6 {
        calls! { said,
            CreatePolicyVersion(CreatePolicyVersionRequest) format!("the {at}th") => { policy_arn: arn, policy_document: ALLOW_ALL }
        }
    }
    calls! { said,
        GetPolicyVersion(GetPolicyVersionRequest) "v9" => { policy_arn: arn, version_id: "v9" }
        GetPolicyVersion(GetPolicyVersionRequest) "v02" => { policy_arn: arn, version_id: "v02" }
        SetDefaultPolicyVersion(SetDefaultPolicyVersionRequest) "v9" => { policy_arn: arn, version_id: "v9" }
        DeletePolicyVersion(DeletePolicyVersionRequest) "the default" => { policy_arn: arn, version_id: "v1" }
        DeletePolicy(DeletePolicyRequest) "with versions" => { policy_arn: arn }
        SetDefaultPolicyVersion(SetDefaultPolicyVersionRequest) "v3" => { policy_arn: arn, version_id: "v3" }
        DeletePolicyVersion(DeletePolicyVersionRequest) "v1" => { policy_arn: arn, version_id: "v1" }
        DeletePolicyVersion(DeletePolicyVersionRequest) "v1 again" => { policy_arn: arn, version_id: "v1" }
        GetPolicyVersion(GetPolicyVersionRequest) "AWS's other version" => { policy_arn: ADMIN, version_id: "v2" }
        CreatePolicyVersion(CreatePolicyVersionRequest) "AWS's" => { policy_arn: ADMIN, policy_document: ALLOW_ALL }
        SetDefaultPolicyVersion(SetDefaultPolicyVersionRequest) "AWS's" => { policy_arn: ADMIN, version_id: "v1" }
        DeletePolicyVersion(DeletePolicyVersionRequest) "AWS's" => { policy_arn: ADMIN, version_id: "v1" }
        DeletePolicy(DeletePolicyRequest) "AWS's" => { policy_arn: ADMIN }
        TagPolicy(TagPolicyRequest) "AWS's" => { policy_arn: ADMIN, tags: Vec::new() }
        TagPolicy(TagPolicyRequest) "by another path" => { policy_arn: "arn:aws:iam::123456789012:policy/x/p", tags: vec![tag("a")] }
        TagPolicy(TagPolicyRequest) "another account's" => { policy_arn: FOREIGN, tags: Vec::new() }
    }
}

async fn limits(said: &mut Said) {
    said.title("quotas");
    for at in 1..=11 {
        let name = format!("limit{at}");
        said.cloud
            .ok::<op::CreateGroup>(s::CreateGroupRequest { group_name: name.clone(), path: None })
            .await;
        let policy = s::CreatePolicyRequest {
            policy_name: name.clone(),
            policy_document: ALLOW_ALL.into(),
            ..Default::default()
        };
        let arn = said.cloud.ok::<op::CreatePolicy>(policy).await.policy.unwrap().arn.unwrap();
        if at < 10 {
            let join = s::AddUserToGroupRequest { group_name: name, user_name: "ann".into() };
            said.cloud.ok::<op::AddUserToGroup>(join).await;
            let attach = s::AttachUserPolicyRequest { user_name: "ann".into(), policy_arn: arn.clone() };
            said.cloud.ok::<op::AttachUserPolicy>(attach).await;
        }
        if at <= 10 {
            let attach = s::AttachGroupPolicyRequest { group_name: "ops".into(), policy_arn: arn.clone() };
            said.cloud.ok::<op::AttachGroupPolicy>(attach).await;
            let attach = s::AttachRolePolicyRequest { role_name: "app".into(), policy_arn: arn };
            said.cloud.ok::<op::AttachRolePolicy>(attach).await;
        }
    }
    let last = "arn:aws:iam::123456789012:policy/limit11";
    calls! { said,
        AddUserToGroup(AddUserToGroupRequest) "the tenth" => { group_name: "limit10", user_name: "ann" }
        AddUserToGroup(AddUserToGroupRequest) "the tenth again" => { group_name: "LIMIT10", user_name: "ANN" }
        AddUserToGroup(AddUserToGroupRequest) "the eleventh" => { group_name: "limit11", user_name: "ann" }
        AttachUserPolicy(AttachUserPolicyRequest) "the eleventh" => { user_name: "ann", policy_arn: last }
        AttachGroupPolicy(AttachGroupPolicyRequest) "the eleventh" => { group_name: "ops", policy_arn: last }
        AttachRolePolicy(AttachRolePolicyRequest) "the eleventh" => { role_name: "app", policy_arn: last }
        CreateAccessKey(CreateAccessKeyRequest) "the first" => { user_name: some("ann") }
        CreateAccessKey(CreateAccessKeyRequest) "the second" => { user_name: some("ann") }
        CreateAccessKey(CreateAccessKeyRequest) "the third" => { user_name: some("ann") }
        AddRoleToInstanceProfile(AddRoleToInstanceProfileRequest) "the first" => { instance_profile_name: "web", role_name: "app" }
        AddRoleToInstanceProfile(AddRoleToInstanceProfileRequest) "the second" => { instance_profile_name: "web", role_name: "app" }
    }
    let account = said.cloud.caller.account;
    let mut full = said.cloud.iam.state.account(account).await.unwrap();
    let before = full.clone();
    (full.users, full.groups, full.roles, full.policies, full.instance_profiles) =
        (5000, 300, 1000, 1500, 1000);
    said.cloud.platform.store.put(&crate::model::ACCOUNTS, &account, &full).await.unwrap();
    calls! { said,
        CreateUser(CreateUserRequest) "one more" => { user_name: "more" }
        CreateGroup(CreateGroupRequest) "one more" => { group_name: "more" }
        CreateRole(CreateRoleRequest) "one more" => { role_name: "more", assume_role_policy_document: trust("*") }
        CreatePolicy(CreatePolicyRequest) "one more" => { policy_name: "more", policy_document: ALLOW_ALL }
        CreateInstanceProfile(CreateInstanceProfileRequest) "one more" => { instance_profile_name: "more" }
    }
    said.cloud.platform.store.put(&crate::model::ACCOUNTS, &account, &before).await.unwrap();
}

fn tag(key: &str) -> s::Tag {
    s::Tag { key: key.into(), value: "v".into() }
}

async fn tags(said: &mut Said) {
    said.title("tags");
    let many: Vec<s::Tag> = (0..51).map(|at| tag(&format!("k{at}"))).collect();
    calls! { said,
        TagUser(TagUserRequest) "the same key in another case" => { user_name: "ann", tags: vec![tag("a"), tag("A")] }
        TagUser(TagUserRequest) "AWS's own" => { user_name: "ann", tags: vec![tag("aws:x")] }
        TagUser(TagUserRequest) "too many" => { user_name: "ann", tags: many.clone() }
        CreateUser(CreateUserRequest) "with too many" => { user_name: "dan", tags: Some(many.clone()) }
        TagRole(TagRoleRequest) "fifty" => { role_name: "app", tags: many[..50].to_vec() }
        TagRole(TagRoleRequest) "one more" => { role_name: "app", tags: vec![tag("more")] }
        TagRole(TagRoleRequest) "one of them in another case" => { role_name: "app", tags: vec![tag("K7")] }
        UntagRole(UntagRoleRequest) "in another case, and one that is not there" => { role_name: "app", tag_keys: vec![String::from("k7"), String::from("z")] }
        TagRole(TagRoleRequest) "one more now" => { role_name: "app", tags: vec![tag("more")] }
        CreateRole(CreateRoleRequest) "with AWS's own" => { role_name: "r", tags: Some(vec![tag("AWS:x")]), assume_role_policy_document: trust("*") }
        CreatePolicy(CreatePolicyRequest) "with one key twice" => { policy_name: "q", tags: Some(vec![tag("a"), tag("a")]), policy_document: ALLOW_ALL }
        CreateInstanceProfile(CreateInstanceProfileRequest) "with too many" => { instance_profile_name: "q", tags: Some(many) }
    }
}

async fn conflicts(said: &mut Said) {
    said.title("what must be gone first");
    calls! { said,
        DeleteUser(DeleteUserRequest) "in groups" => { user_name: "ann" }
        DeleteGroup(DeleteGroupRequest) "with users" => { group_name: "limit1" }
        DeleteRole(DeleteRoleRequest) "in a profile" => { role_name: "app" }
        DeleteInstanceProfile(DeleteInstanceProfileRequest) "with a role" => { instance_profile_name: "web" }
        RemoveRoleFromInstanceProfile(RemoveRoleFromInstanceProfileRequest) "another role" => { instance_profile_name: "web", role_name: "other" }
        RemoveRoleFromInstanceProfile(RemoveRoleFromInstanceProfileRequest) "its role" => { instance_profile_name: "WEB", role_name: "APP" }
        DeleteInstanceProfile(DeleteInstanceProfileRequest) "without a role" => { instance_profile_name: "web" }
        DeleteRole(DeleteRoleRequest) "with attached policies" => { role_name: "app" }
        DeletePolicy(DeletePolicyRequest) "that is attached" => { policy_arn: "arn:aws:iam::123456789012:policy/limit1" }
        DeleteGroup(DeleteGroupRequest) "with attached policies" => { group_name: "ops" }
    }
    for at in 1..=10 {
        let group_name = format!("limit{at}");
        let leave = s::RemoveUserFromGroupRequest { group_name, user_name: "ann".into() };
        said.cloud.ok::<op::RemoveUserFromGroup>(leave).await;
    }
    let boundary = "arn:aws:iam::123456789012:policy/limit11";
    calls! { said,
        RemoveUserFromGroup(RemoveUserFromGroupRequest) "that it left" => { group_name: "limit1", user_name: "ann" }
        DeleteGroup(DeleteGroupRequest) "without users" => { group_name: "limit1" }
        DeleteUser(DeleteUserRequest) "with access keys" => { user_name: "ann" }
        PutRolePolicy(PutRolePolicyRequest) "inline" => { role_name: "app", policy_name: "i", policy_document: ALLOW_ALL }
        DeleteRole(DeleteRoleRequest) "with inline policies" => { role_name: "app" }
        PutUserPermissionsBoundary(PutUserPermissionsBoundaryRequest) "own" => { user_name: "BEA", permissions_boundary: boundary }
        DeletePolicy(DeletePolicyRequest) "that is a boundary" => { policy_arn: boundary }
        DeleteUser(DeleteUserRequest) "with a boundary" => { user_name: "bea" }
        DeletePolicy(DeletePolicyRequest) "that was a boundary" => { policy_arn: boundary }
    }
}

async fn access_keys(said: &mut Said) {
    said.title("access keys");
    let keys = said
        .cloud
        .ok::<op::ListAccessKeys>(s::ListAccessKeysRequest { user_name: some("ann"), ..Default::default() });
    let id = keys.await.access_key_metadata[0].access_key_id.clone().unwrap();
    calls! { said,
        CreateUser(CreateUserRequest) "eve" => { user_name: "eve" }
        DeleteAccessKey(DeleteAccessKeyRequest) "another user's" => { user_name: some("eve"), access_key_id: id.clone() }
        DeleteAccessKey(DeleteAccessKeyRequest) "a user's as root's" => { access_key_id: id.clone() }
        UpdateAccessKey(UpdateAccessKeyRequest) "expired" => { user_name: some("ann"), access_key_id: id.clone(), status: "Expired" }
        UpdateAccessKey(UpdateAccessKeyRequest) "inactive" => { user_name: some("ann"), access_key_id: id.clone(), status: "Inactive" }
        DeleteAccessKey(DeleteAccessKeyRequest) "its user's" => { user_name: some("ann"), access_key_id: id.clone() }
        DeleteAccessKey(DeleteAccessKeyRequest) "again" => { user_name: some("ann"), access_key_id: id.clone() }
        GetAccessKeyLastUsed(GetAccessKeyLastUsedRequest) "gone" => { access_key_id: id.clone() }
        GetLoginProfile(GetLoginProfileRequest) "never made" => { user_name: some("ann") }
    }
    let other = haneul_kit::AccountId::new(999_999_999_999).unwrap();
    let own = std::mem::replace(&mut said.cloud.caller, haneul_kit::Caller::root(other));
    calls! { said,
        GetUser(GetUserRequest) "ann from another account" => { user_name: some("ann") }
        GetPolicy(GetPolicyRequest) "from another account" => { policy_arn: "arn:aws:iam::123456789012:policy/p" }
        CreateAccountAlias(CreateAccountAliasRequest) "that another account has" => { account_alias: "sea" }
    }
    said.cloud.caller = own;
}
