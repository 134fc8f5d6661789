//! Random sequences of calls, after each of which nothing dangles.

use std::collections::{BTreeMap, BTreeSet};

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_store::{Range, Reads};
use proptest::prelude::*;

use super::cloud::{ALLOW_ALL, Cloud, trust};
use crate::model::*;
use crate::store::entities::Identity;

/// A call with small numbers for names, so that the same ones meet often.
#[derive(Clone, Debug)]
enum Step {
    Create(u8, u8),
    Delete(u8, u8),
    Rename(u8, u8, u8),
    Attach(u8, u8, u8),
    Detach(u8, u8, u8),
    Boundary(u8, u8, Option<u8>),
    Join(u8, u8),
    Leave(u8, u8),
    Key(u8),
    DropKeys(u8),
    AddRole(u8, u8),
    RemoveRole(u8, u8),
}

const NAMES: u8 = 3;

fn step() -> impl Strategy<Value = Step> {
    let n = 0..NAMES;
    prop_oneof![
        4 => (0u8..5, n.clone()).prop_map(|(kind, name)| Step::Create(kind, name)),
        2 => (0u8..5, n.clone()).prop_map(|(kind, name)| Step::Delete(kind, name)),
        1 => (0u8..2, n.clone(), n.clone()).prop_map(|(kind, from, to)| Step::Rename(kind, from, to)),
        4 => (0u8..3, n.clone(), n.clone()).prop_map(|(kind, name, policy)| Step::Attach(kind, name, policy)),
        2 => (0u8..3, n.clone(), n.clone()).prop_map(|(kind, name, policy)| Step::Detach(kind, name, policy)),
        2 => (0u8..2, n.clone(), prop::option::of(n.clone())).prop_map(|(kind, name, policy)| Step::Boundary(kind, name, policy)),
        2 => (n.clone(), n.clone()).prop_map(|(group, user)| Step::Join(group, user)),
        1 => (n.clone(), n.clone()).prop_map(|(group, user)| Step::Leave(group, user)),
        1 => n.clone().prop_map(Step::Key),
        1 => n.clone().prop_map(Step::DropKeys),
        2 => (n.clone(), n.clone()).prop_map(|(profile, role)| Step::AddRole(profile, role)),
        1 => (n.clone(), n).prop_map(|(profile, role)| Step::RemoveRole(profile, role)),
    ]
}

fn name(number: u8) -> String {
    format!("N{number}")
}

fn arn(number: u8) -> String {
    format!("arn:aws:iam::123456789012:policy/N{number}")
}

/// Makes the call; whether it is refused does not matter.
async fn take(cloud: &Cloud, step: &Step) {
    match step.clone() {
        Step::Create(0, n) => drop(
            cloud
                .call::<op::CreateUser>(s::CreateUserRequest { user_name: name(n), ..Default::default() })
                .await,
        ),
        Step::Create(1, n) => drop(
            cloud.call::<op::CreateGroup>(s::CreateGroupRequest { group_name: name(n), path: None }).await,
        ),
        Step::Create(2, n) => drop(
            cloud
                .call::<op::CreateRole>(s::CreateRoleRequest {
                    role_name: name(n),
                    assume_role_policy_document: trust("*"),
                    ..Default::default()
                })
                .await,
        ),
        Step::Create(3, n) => drop(
            cloud
                .call::<op::CreatePolicy>(s::CreatePolicyRequest {
                    policy_name: name(n),
                    policy_document: ALLOW_ALL.into(),
                    ..Default::default()
                })
                .await,
        ),
        Step::Create(_, n) => drop(
            cloud
                .call::<op::CreateInstanceProfile>(s::CreateInstanceProfileRequest {
                    instance_profile_name: name(n),
                    ..Default::default()
                })
                .await,
        ),
        Step::Delete(0, n) => {
            drop(cloud.call::<op::DeleteUser>(s::DeleteUserRequest { user_name: name(n) }).await)
        }
        Step::Delete(1, n) => {
            drop(cloud.call::<op::DeleteGroup>(s::DeleteGroupRequest { group_name: name(n) }).await)
        }
        Step::Delete(2, n) => {
            drop(cloud.call::<op::DeleteRole>(s::DeleteRoleRequest { role_name: name(n) }).await)
        }
        Step::Delete(3, n) => {
            drop(cloud.call::<op::DeletePolicy>(s::DeletePolicyRequest { policy_arn: arn(n) }).await)
        }
        Step::Delete(_, n) => drop(
            cloud
                .call::<op::DeleteInstanceProfile>(s::DeleteInstanceProfileRequest {
                    instance_profile_name: name(n),
                })
                .await,
        ),
        Step::Rename(0, n, to) => drop(
            cloud
                .call::<op::UpdateUser>(s::UpdateUserRequest {
                    user_name: name(n),
                    new_user_name: Some(name(to)),
                    new_path: Some("/p/".into()),
                })
                .await,
        ),
        Step::Rename(_, n, to) => drop(
            cloud
                .call::<op::UpdateGroup>(s::UpdateGroupRequest {
                    group_name: name(n),
                    new_group_name: Some(name(to)),
                    new_path: None,
                })
                .await,
        ),
        Step::Attach(0, n, p) => drop(
            cloud
                .call::<op::AttachUserPolicy>(s::AttachUserPolicyRequest {
                    user_name: name(n),
                    policy_arn: arn(p),
                })
                .await,
        ),
        Step::Attach(1, n, p) => drop(
            cloud
                .call::<op::AttachGroupPolicy>(s::AttachGroupPolicyRequest {
                    group_name: name(n),
                    policy_arn: arn(p),
                })
                .await,
        ),
        Step::Attach(_, n, p) => drop(
            cloud
                .call::<op::AttachRolePolicy>(s::AttachRolePolicyRequest {
                    role_name: name(n),
                    policy_arn: arn(p),
                })
                .await,
        ),
        Step::Detach(0, n, p) => drop(
            cloud
                .call::<op::DetachUserPolicy>(s::DetachUserPolicyRequest {
                    user_name: name(n),
                    policy_arn: arn(p),
                })
                .await,
        ),
        Step::Detach(1, n, p) => drop(
            cloud
                .call::<op::DetachGroupPolicy>(s::DetachGroupPolicyRequest {
                    group_name: name(n),
                    policy_arn: arn(p),
                })
                .await,
        ),
        Step::Detach(_, n, p) => drop(
            cloud
                .call::<op::DetachRolePolicy>(s::DetachRolePolicyRequest {
                    role_name: name(n),
                    policy_arn: arn(p),
                })
                .await,
        ),
        Step::Boundary(0, n, Some(p)) => drop(
            cloud
                .call::<op::PutUserPermissionsBoundary>(s::PutUserPermissionsBoundaryRequest {
                    user_name: name(n),
                    permissions_boundary: arn(p),
                })
                .await,
        ),
        Step::Boundary(0, n, None) => drop(
            cloud
                .call::<op::DeleteUserPermissionsBoundary>(s::DeleteUserPermissionsBoundaryRequest {
                    user_name: name(n),
                })
                .await,
        ),
        Step::Boundary(_, n, Some(p)) => drop(
            cloud
                .call::<op::PutRolePermissionsBoundary>(s::PutRolePermissionsBoundaryRequest {
                    role_name: name(n),
                    permissions_boundary: arn(p),
                })
                .await,
        ),
        Step::Boundary(_, n, None) => drop(
            cloud
                .call::<op::DeleteRolePermissionsBoundary>(s::DeleteRolePermissionsBoundaryRequest {
                    role_name: name(n),
                })
                .await,
        ),
        Step::Join(g, u) => drop(
            cloud
                .call::<op::AddUserToGroup>(s::AddUserToGroupRequest {
                    group_name: name(g),
                    user_name: name(u),
                })
                .await,
        ),
        Step::Leave(g, u) => drop(
            cloud
                .call::<op::RemoveUserFromGroup>(s::RemoveUserFromGroupRequest {
                    group_name: name(g),
                    user_name: name(u),
                })
                .await,
        ),
        Step::Key(u) => drop(
            cloud.call::<op::CreateAccessKey>(s::CreateAccessKeyRequest { user_name: Some(name(u)) }).await,
        ),
        Step::DropKeys(u) => {
            let list = s::ListAccessKeysRequest { user_name: Some(name(u)), ..Default::default() };
            let Ok(keys) = cloud.call::<op::ListAccessKeys>(list).await else { return };
            for key in keys.access_key_metadata {
                let access_key_id = key.access_key_id.unwrap();
                cloud
                    .ok::<op::DeleteAccessKey>(s::DeleteAccessKeyRequest {
                        user_name: Some(name(u)),
                        access_key_id,
                    })
                    .await;
            }
        }
        Step::AddRole(p, r) => drop(
            cloud
                .call::<op::AddRoleToInstanceProfile>(s::AddRoleToInstanceProfileRequest {
                    instance_profile_name: name(p),
                    role_name: name(r),
                })
                .await,
        ),
        Step::RemoveRole(p, r) => drop(
            cloud
                .call::<op::RemoveRoleFromInstanceProfile>(s::RemoveRoleFromInstanceProfileRequest {
                    instance_profile_name: name(p),
                    role_name: name(r),
                })
                .await,
        ),
    }
}

/// Indexes say exactly what records say, counters count, and every reference has something at its end.
async fn check(cloud: &Cloud) {
    let store = &cloud.platform.store;
    let account = cloud.caller.account;
    let all = 10_000;
    let users: BTreeMap<Key, User> =
        store.scan(&USERS, Range::all(), all).await.unwrap().into_iter().collect();
    let groups: BTreeMap<Key, Group> =
        store.scan(&GROUPS, Range::all(), all).await.unwrap().into_iter().collect();
    let roles: BTreeMap<Key, Role> =
        store.scan(&ROLES, Range::all(), all).await.unwrap().into_iter().collect();
    let policies: BTreeMap<Key, ManagedPolicy> =
        store.scan(&POLICIES, Range::all(), all).await.unwrap().into_iter().collect();
    let profiles: BTreeMap<Key, InstanceProfile> =
        store.scan(&INSTANCE_PROFILES, Range::all(), all).await.unwrap().into_iter().collect();

    let mut attachments = BTreeSet::new();
    fn note<T: Identity>(records: &BTreeMap<Key, T>, attachments: &mut BTreeSet<AttachmentKey>) {
        for ((account, name), record) in records {
            assert_eq!(*name, record.entity().name.to_ascii_lowercase());
            for arn in &record.entity().attached {
                attachments.insert((*account, arn.clone(), tie(Usage::Permissions, T::KIND), name.clone()));
            }
            if let Some(arn) = record.boundary() {
                attachments.insert((*account, arn.to_owned(), tie(Usage::Boundary, T::KIND), name.clone()));
            }
        }
    }
    note(&users, &mut attachments);
    note(&groups, &mut attachments);
    note(&roles, &mut attachments);
    let indexed: BTreeSet<AttachmentKey> =
        store.scan_keys(&ATTACHMENTS, Range::all(), all).await.unwrap().into_iter().collect();
    assert_eq!(indexed, attachments);
    let arns: BTreeSet<String> = policies.values().map(|policy| policy.arn(account).to_string()).collect();
    assert!(attachments.iter().all(|(_, arn, _, _)| arns.contains(arn)), "a policy is gone that is attached");

    let mut members = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for ((account, name), user) in &users {
        members.extend(user.groups.iter().map(|group| (*account, group.clone(), name.clone())));
        keys.extend(user.access_keys.iter().map(|id| (id.clone(), Some(name.clone()))));
        assert!(user.groups.iter().all(|group| groups.contains_key(&(*account, group.clone()))));
    }
    let indexed = store.scan_keys(&MEMBERS, Range::all(), all).await.unwrap().into_iter().collect();
    assert_eq!(members, indexed);
    let held = store.scan(&ACCESS_KEYS, Range::all(), all).await.unwrap();
    assert_eq!(keys, held.into_iter().map(|(id, key)| (id, key.user)).collect());

    for ((account, name), role) in &roles {
        for profile in &role.instance_profiles {
            assert_eq!(profiles[&(*account, profile.clone())].role.as_ref(), Some(name));
        }
    }
    for ((account, name), profile) in &profiles {
        if let Some(role) = &profile.role {
            assert!(roles[&(*account, role.clone())].instance_profiles.contains(name));
        }
    }
    let counted = store.get(&ACCOUNTS, &account).await.unwrap().unwrap();
    let counts = [users.len(), groups.len(), roles.len(), policies.len(), profiles.len()];
    let kept = [counted.users, counted.groups, counted.roles, counted.policies, counted.instance_profiles];
    assert_eq!(kept.map(|count| count as usize), counts);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_dangles(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let cloud = Cloud::new().await;
            for step in &steps {
                take(&cloud, step).await;
            }
            check(&cloud).await;
        });
    }
}
