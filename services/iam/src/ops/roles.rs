use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::{Iam, id_prefix};
use crate::model::{Kind, Role, Trust};
use crate::page::Wanted;
use crate::store::entities::new_entity;
use crate::store::{Identity, tags};
use crate::{document, error, render, service_linked};

const MAX_SESSION_SECS_DEFAULT: i32 = 3600;

impl Handle<op::CreateRole> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateRoleRequest) -> Result<Vec<Access>> {
        let access = Iam::on_new(cx, "iam:CreateRole", "role", input.path.as_deref(), &input.role_name)?;
        let all = super::tags::with_request_tags("iam:TagRole", access, input.tags.as_ref());
        Ok(super::boundaries::first_with_boundary(all, input.permissions_boundary.as_deref()))
    }

    async fn call(&self, cx: &Cx, input: s::CreateRoleRequest) -> Result<s::CreateRoleResponse> {
        if input.path.as_deref().is_some_and(|path| path.starts_with(service_linked::PATH_START)) {
            return Err(error::reserved_path());
        }
        let trust = document::check_trust(&input.assume_role_policy_document)?;
        let id = self.unique_id(id_prefix(Kind::Role), cx.account());
        let max_session_secs = input.max_session_duration.unwrap_or(MAX_SESSION_SECS_DEFAULT);
        let role = Role {
            entity: new_entity(input.path.as_deref(), &input.role_name, id, cx.now()),
            boundary: input.permissions_boundary,
            tags: tags::check(render::pairs(input.tags))?,
            description: input.description,
            max_session_secs: u32::try_from(max_session_secs).unwrap_or_default(),
            trust: Trust { document: input.assume_role_policy_document, pinned: Default::default() },
            instance_profiles: Vec::new(),
            template: None,
        };
        let role = self.state.create_role(cx.account(), &role, &trust).await?;
        let shown = self.full_role(cx.account(), &role).await?;
        // The longest session is told by GetRole and ListRoles only.
        let role = s::Role { role_last_used: None, max_session_duration: None, ..shown };
        Ok(s::CreateRoleResponse { role })
    }
}

impl Handle<op::GetRole> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetRoleRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_bounded::<Role>(cx, "iam:GetRole", &input.role_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetRoleRequest) -> Result<s::GetRoleResponse> {
        let role: Role = self.state.entity(cx.account(), &input.role_name).await?;
        Ok(s::GetRoleResponse { role: self.full_role(cx.account(), &role).await? })
    }
}

impl Handle<op::ListRoles> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListRolesRequest) -> Result<Vec<Access>> {
        Ok(vec![Iam::on_new(cx, "iam:ListRoles", "role", input.path_prefix.as_deref(), "")?])
    }

    async fn call(&self, cx: &Cx, input: s::ListRolesRequest) -> Result<s::ListRolesResponse> {
        let roles: Vec<Role> = self.state.entities(cx.account(), input.path_prefix.as_deref()).await?;
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListRoles {:?}", input.path_prefix),
        };
        let page = self.page(cx, wanted, roles, |role| role.entity.name.to_ascii_lowercase())?;
        let mut roles = Vec::new();
        for role in &page.items {
            roles.push(self.listed_role(cx.account(), role).await?);
        }
        Ok(s::ListRolesResponse { roles, is_truncated: page.is_truncated, marker: page.marker })
    }
}

impl Handle<op::UpdateRole> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateRoleRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_bounded::<Role>(cx, "iam:UpdateRole", &input.role_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateRoleRequest) -> Result<s::UpdateRoleResponse> {
        // What is not given goes back to its default: that is how AWS does it.
        let secs = input.max_session_duration.unwrap_or(MAX_SESSION_SECS_DEFAULT);
        let max_session_given = input.max_session_duration.is_some();
        let description = &input.description;
        self.state
            .change_role(cx.account(), &input.role_name, |role| {
                // Of a service-linked role only the description can be changed.
                if max_session_given {
                    role.must_be_changeable()?;
                }
                role.max_session_secs = u32::try_from(secs).unwrap_or_default();
                if let Some(description) = description {
                    role.description = Some(description.clone()).filter(|text| !text.is_empty());
                }
                Ok(())
            })
            .await?;
        Ok(s::UpdateRoleResponse::default())
    }
}

impl Handle<op::UpdateRoleDescription> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateRoleDescriptionRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_bounded::<Role>(cx, "iam:UpdateRoleDescription", &input.role_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateRoleDescriptionRequest,
    ) -> Result<s::UpdateRoleDescriptionResponse> {
        let description = &input.description;
        let change = |role: &mut Role| {
            role.description = Some(description.clone()).filter(|text| !text.is_empty());
            Ok(())
        };
        let role = self.state.change_role(cx.account(), &input.role_name, change).await?;
        let shown = self.listed_role(cx.account(), &role).await?;
        Ok(s::UpdateRoleDescriptionResponse { role: Some(s::Role { max_session_duration: None, ..shown }) })
    }
}

impl Handle<op::UpdateAssumeRolePolicy> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateAssumeRolePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_bounded::<Role>(cx, "iam:UpdateAssumeRolePolicy", &input.role_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateAssumeRolePolicyRequest) -> Result<Empty> {
        let trust = document::check_trust(&input.policy_document)?;
        self.state.set_trust(cx.account(), &input.role_name, &input.policy_document, &trust).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteRole> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteRoleRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_bounded::<Role>(cx, "iam:DeleteRole", &input.role_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteRoleRequest) -> Result<Empty> {
        self.state.delete_role(cx.account(), &input.role_name).await?;
        Ok(Empty)
    }
}
