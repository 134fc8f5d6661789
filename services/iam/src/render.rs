//! Records as the wire has them.

use haneul_iam_wire::shapes as s;
use haneul_kit::{AccountId, Result, pinned_policy};

use crate::document::{self, encode};
use crate::iam::Iam;
use crate::managed::AwsPolicy;
use crate::model::{
    Entity, Group, InstanceProfile, Key, ManagedPolicy, PartnerPolicy, PolicyVersion, ROLES, Role, User,
};
use crate::store::attachments::{name_in, path_in};
use crate::store::entities::Identity;
use haneul_store::Reads;

/// Absent when there are none, as AWS has it.
pub(crate) fn tags(tags: &[(String, String)]) -> Option<Vec<s::Tag>> {
    (!tags.is_empty()).then(|| tag_list(tags))
}

pub(crate) fn tag_list(tags: &[(String, String)]) -> Vec<s::Tag> {
    tags.iter().map(|(key, value)| s::Tag { key: key.clone(), value: value.clone() }).collect()
}

/// The tags of a request.
pub(crate) fn pairs(tags: Option<Vec<s::Tag>>) -> Vec<(String, String)> {
    tags.into_iter().flatten().map(|tag| (tag.key, tag.value)).collect()
}

/// For condition keys.
pub(crate) fn borrowed(tags: Option<&Vec<s::Tag>>) -> impl Iterator<Item = (&str, &str)> {
    tags.into_iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

pub(crate) fn boundary(arn: Option<&str>) -> Option<s::AttachedPermissionsBoundary> {
    arn.map(|arn| s::AttachedPermissionsBoundary {
        // The model's enumeration says "PermissionsBoundaryPolicy"; IAM answers with "Policy".
        permissions_boundary_type: Some(String::from("Policy")),
        permissions_boundary_arn: Some(arn.to_owned()),
    })
}

/// Without tags and boundary: listings leave them out.
pub(crate) fn listed_user(account: AccountId, user: &User) -> s::User {
    let Entity { path, name, id, created, .. } = &user.entity;
    s::User {
        path: Some(path.clone()),
        user_name: Some(name.clone()),
        user_id: id.clone(),
        arn: user.arn(account).to_string(),
        create_date: (*created).into(),
        ..Default::default()
    }
}

pub(crate) fn user(account: AccountId, user: &User) -> s::User {
    s::User {
        permissions_boundary: boundary(user.boundary.as_deref()),
        tags: tags(&user.tags),
        ..listed_user(account, user)
    }
}

pub(crate) fn group(account: AccountId, group: &Group) -> s::Group {
    let Entity { path, name, id, created, .. } = &group.entity;
    s::Group {
        path: path.clone(),
        group_name: name.clone(),
        group_id: id.clone(),
        arn: group.arn(account).to_string(),
        create_date: (*created).into(),
    }
}

pub(crate) fn attached(arns: &[String]) -> Vec<s::AttachedPolicy> {
    arns.iter()
        .map(|arn| s::AttachedPolicy {
            policy_name: Some(name_in(arn).to_owned()),
            policy_arn: Some(arn.clone()),
        })
        .collect()
}

pub(crate) fn inline(entity: &Entity) -> Vec<s::PolicyDetail> {
    let policies = entity.inline.iter();
    policies
        .map(|(name, text)| s::PolicyDetail {
            policy_name: Some(name.clone()),
            policy_document: Some(encode(text)),
        })
        .collect()
}

pub(crate) fn own_policy(account: AccountId, policy: &ManagedPolicy, uses: (i32, i32)) -> s::Policy {
    s::Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        arn: Some(policy.arn(account).to_string()),
        path: Some(policy.path.clone()),
        default_version_id: Some(format!("v{}", policy.default_version)),
        attachment_count: Some(uses.0),
        permissions_boundary_usage_count: Some(uses.1),
        is_attachable: Some(true),
        description: policy.description.clone(),
        create_date: Some(policy.created.into()),
        update_date: Some(policy.updated.into()),
        tags: tags(&policy.tags),
    }
}

pub(crate) fn aws_policy(policy: &AwsPolicy, uses: (i32, i32)) -> s::Policy {
    s::Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        arn: Some(policy.arn()),
        path: Some(policy.path.clone()),
        default_version_id: Some(format!("v{}", policy.version)),
        attachment_count: Some(uses.0),
        permissions_boundary_usage_count: Some(uses.1),
        is_attachable: Some(true),
        description: None,
        create_date: Some(policy.created),
        update_date: Some(policy.updated),
        tags: None,
    }
}

/// A boundary that a partner registered: it has one version for ever.
pub(crate) fn partner_policy(arn: &str, policy: &PartnerPolicy, uses: (i32, i32)) -> s::Policy {
    s::Policy {
        policy_name: Some(name_in(arn).to_owned()),
        policy_id: Some(policy.id.clone()),
        arn: Some(arn.to_owned()),
        path: Some(path_in(arn).to_owned()),
        default_version_id: Some(String::from("v1")),
        attachment_count: Some(uses.0),
        permissions_boundary_usage_count: Some(uses.1),
        is_attachable: Some(false),
        description: None,
        create_date: Some(policy.created.into()),
        update_date: Some(policy.created.into()),
        tags: None,
    }
}

pub(crate) fn partner_version(policy: &PartnerPolicy, with_document: bool) -> s::PolicyVersion {
    s::PolicyVersion {
        document: with_document.then(|| encode(&policy.document)),
        version_id: Some(String::from("v1")),
        is_default_version: Some(true),
        create_date: Some(policy.created.into()),
    }
}

pub(crate) fn version(version: &PolicyVersion, default: u32, with_document: bool) -> s::PolicyVersion {
    s::PolicyVersion {
        document: with_document.then(|| encode(&version.document)),
        version_id: Some(format!("v{}", version.number)),
        is_default_version: Some(version.number == default),
        create_date: Some(version.created.into()),
    }
}

pub(crate) fn aws_version(policy: &AwsPolicy, document: Option<String>) -> s::PolicyVersion {
    s::PolicyVersion {
        document: document.map(|document| encode(&document)),
        version_id: Some(format!("v{}", policy.version)),
        is_default_version: Some(true),
        create_date: Some(policy.updated),
    }
}

impl Iam {
    /// Without tags, boundary and last use: listings leave them out.
    pub(crate) async fn listed_role(&self, account: AccountId, role: &Role) -> Result<s::Role> {
        let Entity { path, name, id, created, .. } = &role.entity;
        let trust = pinned_policy::show(&self.platform, &document::pinned(&role.trust)).await?;
        Ok(s::Role {
            path: path.clone(),
            role_name: name.clone(),
            role_id: id.clone(),
            arn: role.arn(account).to_string(),
            create_date: (*created).into(),
            assume_role_policy_document: Some(encode(&pinned_policy::with_account_arns(&trust))),
            description: role.description.clone(),
            max_session_duration: Some(role.max_session_secs as i32),
            ..Default::default()
        })
    }

    pub(crate) async fn full_role(&self, account: AccountId, role: &Role) -> Result<s::Role> {
        Ok(s::Role {
            permissions_boundary: boundary(role.boundary.as_deref()),
            tags: tags(&role.tags),
            role_last_used: Some(self.role_last_used(role).await?),
            source_role_template: role.template.as_ref().map(|of| s::SourceRoleTemplate {
                template_arn: of.arn.clone(),
                template_minor_version: of.minor,
            }),
            ..self.listed_role(account, role).await?
        })
    }

    pub(crate) async fn role_last_used(&self, role: &Role) -> Result<s::RoleLastUsed> {
        let used = self.last_used.get(&role.entity.id).await?;
        Ok(s::RoleLastUsed {
            last_used_date: used.as_ref().map(|used| used.at.into()),
            region: used.map(|used| used.region),
        })
    }

    pub(crate) async fn profile(
        &self,
        account: AccountId,
        profile: &InstanceProfile,
    ) -> Result<s::InstanceProfile> {
        let mut roles = Vec::new();
        if let Some(name) = &profile.role {
            let at: Key = (account, name.clone());
            if let Some(role) = self.state.store.get(&ROLES, &at).await? {
                // Within a profile a role has no description and no longest session.
                let shown = self.listed_role(account, &role).await?;
                roles.push(s::Role { description: None, max_session_duration: None, ..shown });
            }
        }
        Ok(s::InstanceProfile {
            path: profile.path.clone(),
            instance_profile_name: profile.name.clone(),
            instance_profile_id: profile.id.clone(),
            arn: profile.arn(account).to_string(),
            create_date: profile.created.into(),
            roles,
            tags: tags(&profile.tags),
        })
    }
}
