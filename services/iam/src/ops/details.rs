use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::entity_type;
use haneul_kit::{Access, Cx, Handle, Result};

use crate::document::encode;
use crate::iam::Iam;
use crate::managed;
use crate::model::{Group, InstanceProfile, ManagedPolicy, Role, User};
use crate::page::Wanted;
use crate::render;
use crate::store::Identity;

/// What one item of the listing is, before it is shown: only what is on the page is worked out.
enum Item {
    User(Box<User>),
    Group(Box<Group>),
    Role(Box<Role>),
    Own(Box<ManagedPolicy>),
    Aws(&'static managed::AwsPolicy),
}

impl Item {
    fn position(&self) -> String {
        match self {
            Item::User(user) => format!("0{}", user.entity.name.to_ascii_lowercase()),
            Item::Group(group) => format!("1{}", group.entity.name.to_ascii_lowercase()),
            Item::Role(role) => format!("2{}", role.entity.name.to_ascii_lowercase()),
            Item::Own(policy) => format!("3{}", policy.name.to_ascii_lowercase()),
            Item::Aws(policy) => format!("4{}", policy.arn()),
        }
    }
}

impl Handle<op::GetAccountAuthorizationDetails> for Iam {
    async fn access(&self, cx: &Cx, _: &s::GetAccountAuthorizationDetailsRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GetAccountAuthorizationDetails")
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccountAuthorizationDetailsRequest,
    ) -> Result<s::GetAccountAuthorizationDetailsResponse> {
        let account = cx.account();
        let filter = input.filter.unwrap_or_default();
        let wants = |kind: &str| filter.is_empty() || filter.iter().any(|wanted| wanted == kind);
        let mut items = Vec::new();
        if wants(entity_type::USER) {
            items.extend(
                self.state.entities(account, None).await?.into_iter().map(|u| Item::User(Box::new(u))),
            );
        }
        if wants(entity_type::GROUP) {
            items.extend(
                self.state.entities(account, None).await?.into_iter().map(|g| Item::Group(Box::new(g))),
            );
        }
        if wants(entity_type::ROLE) {
            items.extend(
                self.state.entities(account, None).await?.into_iter().map(|r| Item::Role(Box::new(r))),
            );
        }
        if wants(entity_type::LOCAL_MANAGED_POLICY) {
            let own = self.state.own_policies(account).await?;
            items.extend(own.into_iter().map(|policy| Item::Own(Box::new(policy))));
        }
        if wants(entity_type::AWS_MANAGED_POLICY) {
            // Only those that are used, in the order of their ARNs.
            let used = self.state.attached_policies(account, None).await?;
            items.extend(used.iter().filter_map(|arn| managed::by_arn(arn)).map(Item::Aws));
        }
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("GetAccountAuthorizationDetails {filter:?}"),
        };
        let page = self.page(cx, wanted, items, Item::position)?;
        let (mut users, mut groups, mut roles, mut policies) = (vec![], vec![], vec![], vec![]);
        for item in page.items {
            match item {
                Item::User(user) => users.push(self.user_detail(cx, &user).await?),
                Item::Group(group) => groups.push(group_detail(cx, &group)),
                Item::Role(role) => roles.push(self.role_detail(cx, &role).await?),
                Item::Own(policy) => policies.push(self.own_detail(cx, &policy).await?),
                Item::Aws(policy) => policies.push(self.aws_detail(cx, policy).await?),
            }
        }
        Ok(s::GetAccountAuthorizationDetailsResponse {
            user_detail_list: Some(users),
            group_detail_list: Some(groups),
            role_detail_list: Some(roles),
            policies: Some(policies),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

fn group_detail(cx: &Cx, group: &Group) -> s::GroupDetail {
    let entity = &group.entity;
    s::GroupDetail {
        path: Some(entity.path.clone()),
        group_name: Some(entity.name.clone()),
        group_id: Some(entity.id.clone()),
        arn: Some(group.arn(cx.account()).to_string()),
        create_date: Some(entity.created.into()),
        group_policy_list: Some(render::inline(entity)),
        attached_managed_policies: Some(render::attached(&entity.attached)),
    }
}

impl Iam {
    async fn user_detail(&self, cx: &Cx, user: &User) -> Result<s::UserDetail> {
        let entity = &user.entity;
        let groups = self.state.groups_of(cx.account(), user).await?;
        let inline = render::inline(entity);
        Ok(s::UserDetail {
            path: Some(entity.path.clone()),
            user_name: Some(entity.name.clone()),
            user_id: Some(entity.id.clone()),
            arn: Some(user.arn(cx.account()).to_string()),
            create_date: Some(entity.created.into()),
            user_policy_list: (!inline.is_empty()).then_some(inline),
            group_list: Some(groups.into_iter().map(|group| group.entity.name).collect()),
            attached_managed_policies: Some(render::attached(&entity.attached)),
            permissions_boundary: render::boundary(user.boundary.as_deref()),
            tags: Some(render::tag_list(&user.tags)),
        })
    }

    async fn role_detail(&self, cx: &Cx, role: &Role) -> Result<s::RoleDetail> {
        let entity = &role.entity;
        let mut profiles: Vec<InstanceProfile> = Vec::new();
        for name in &role.instance_profiles {
            profiles.extend(self.state.find_instance_profile(cx.account(), name).await?);
        }
        let shown = self.listed_role(cx.account(), role).await?;
        Ok(s::RoleDetail {
            path: Some(entity.path.clone()),
            role_name: Some(entity.name.clone()),
            role_id: Some(entity.id.clone()),
            arn: Some(shown.arn),
            create_date: Some(entity.created.into()),
            assume_role_policy_document: shown.assume_role_policy_document,
            instance_profile_list: Some(self.listed_profiles(cx, &profiles).await?),
            role_policy_list: Some(render::inline(entity)),
            attached_managed_policies: Some(render::attached(&entity.attached)),
            permissions_boundary: render::boundary(role.boundary.as_deref()),
            tags: Some(render::tag_list(&role.tags)),
            role_last_used: Some(self.role_last_used(role).await?),
        })
    }

    async fn own_detail(&self, cx: &Cx, policy: &ManagedPolicy) -> Result<s::ManagedPolicyDetail> {
        let arn = policy.arn(cx.account()).to_string();
        let uses = self.state.uses(cx.account(), &arn).await?;
        let versions = policy.versions.iter().rev();
        Ok(s::ManagedPolicyDetail {
            policy_version_list: Some(
                versions.map(|version| render::version(version, policy.default_version, true)).collect(),
            ),
            ..detail(render::own_policy(cx.account(), policy, uses))
        })
    }

    async fn aws_detail(
        &self,
        cx: &Cx,
        policy: &'static managed::AwsPolicy,
    ) -> Result<s::ManagedPolicyDetail> {
        let uses = self.state.uses(cx.account(), &policy.arn()).await?;
        let version = s::PolicyVersion {
            document: Some(encode(&managed::document(policy))),
            ..render::aws_version(policy, None)
        };
        Ok(s::ManagedPolicyDetail {
            policy_version_list: Some(vec![version]),
            ..detail(render::aws_policy(policy, uses))
        })
    }
}

fn detail(policy: s::Policy) -> s::ManagedPolicyDetail {
    s::ManagedPolicyDetail {
        policy_name: policy.policy_name,
        policy_id: policy.policy_id,
        arn: policy.arn,
        path: policy.path,
        default_version_id: policy.default_version_id,
        attachment_count: policy.attachment_count,
        permissions_boundary_usage_count: policy.permissions_boundary_usage_count,
        is_attachable: policy.is_attachable,
        description: policy.description,
        create_date: policy.create_date,
        update_date: policy.update_date,
        policy_version_list: None,
    }
}
