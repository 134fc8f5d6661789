use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::{Iam, by_name};
use crate::model::{InstanceProfile, Role};
use crate::page::Wanted;
use crate::render;
use crate::store::{Identity, tags};

impl Handle<op::CreateInstanceProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateInstanceProfileRequest) -> Result<Vec<Access>> {
        let (path, name) = (input.path.as_deref(), &input.instance_profile_name);
        let access = Iam::on_new(cx, "iam:CreateInstanceProfile", "instance-profile", path, name)?;
        Ok(super::tags::with_request_tags("iam:TagInstanceProfile", access, input.tags.as_ref()))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateInstanceProfileRequest,
    ) -> Result<s::CreateInstanceProfileResponse> {
        let profile = InstanceProfile {
            path: input.path.unwrap_or_else(|| String::from("/")),
            name: input.instance_profile_name,
            id: self.unique_id("AIPA", cx.account()),
            created: cx.now().into(),
            tags: tags::check(render::pairs(input.tags))?,
            role: None,
        };
        self.state.create_instance_profile(cx.account(), &profile).await?;
        let instance_profile = self.profile(cx.account(), &profile).await?;
        Ok(s::CreateInstanceProfileResponse { instance_profile })
    }
}

impl Handle<op::GetInstanceProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetInstanceProfileRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_instance_profile(cx, "iam:GetInstanceProfile", &input.instance_profile_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetInstanceProfileRequest,
    ) -> Result<s::GetInstanceProfileResponse> {
        let profile = self.state.instance_profile(cx.account(), &input.instance_profile_name).await?;
        Ok(s::GetInstanceProfileResponse { instance_profile: self.profile(cx.account(), &profile).await? })
    }
}

impl Handle<op::DeleteInstanceProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteInstanceProfileRequest) -> Result<Vec<Access>> {
        Ok(vec![
            self.on_instance_profile(cx, "iam:DeleteInstanceProfile", &input.instance_profile_name).await?,
        ])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteInstanceProfileRequest) -> Result<Empty> {
        self.state.delete_instance_profile(cx.account(), &input.instance_profile_name).await?;
        Ok(Empty)
    }
}

impl Handle<op::AddRoleToInstanceProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::AddRoleToInstanceProfileRequest) -> Result<Vec<Access>> {
        let profile = &input.instance_profile_name;
        // Whoever adds a role to a profile passes it to whatever machine gets the profile.
        Ok(vec![
            self.on_instance_profile(cx, "iam:AddRoleToInstanceProfile", profile).await?,
            self.on::<Role>(cx, "iam:PassRole", &input.role_name)
                .await?
                .key("iam:PassedToService", "ec2.amazonaws.com"),
        ])
    }

    async fn call(&self, cx: &Cx, input: s::AddRoleToInstanceProfileRequest) -> Result<Empty> {
        self.state.add_role(cx.account(), &input.instance_profile_name, &input.role_name).await?;
        Ok(Empty)
    }
}

impl Handle<op::RemoveRoleFromInstanceProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::RemoveRoleFromInstanceProfileRequest) -> Result<Vec<Access>> {
        let profile = &input.instance_profile_name;
        Ok(vec![self.on_instance_profile(cx, "iam:RemoveRoleFromInstanceProfile", profile).await?])
    }

    async fn call(&self, cx: &Cx, input: s::RemoveRoleFromInstanceProfileRequest) -> Result<Empty> {
        self.state.remove_role(cx.account(), &input.instance_profile_name, &input.role_name).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListInstanceProfiles> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListInstanceProfilesRequest) -> Result<Vec<Access>> {
        let prefix = input.path_prefix.as_deref();
        Ok(vec![Iam::on_new(cx, "iam:ListInstanceProfiles", "instance-profile", prefix, "")?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListInstanceProfilesRequest,
    ) -> Result<s::ListInstanceProfilesResponse> {
        let mut profiles = self.state.instance_profiles(cx.account()).await?;
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        profiles.retain(|profile| profile.path.starts_with(prefix));
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListInstanceProfiles {prefix}"),
        };
        let page = self.page(cx, wanted, profiles, by_name)?;
        Ok(s::ListInstanceProfilesResponse {
            instance_profiles: self.listed_profiles(cx, &page.items).await?,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Handle<op::ListInstanceProfilesForRole> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListInstanceProfilesForRoleRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<Role>(cx, "iam:ListInstanceProfilesForRole", &input.role_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListInstanceProfilesForRoleRequest,
    ) -> Result<s::ListInstanceProfilesForRoleResponse> {
        let role: Role = self.state.entity(cx.account(), &input.role_name).await?;
        let mut profiles = Vec::new();
        for name in &role.instance_profiles {
            profiles.extend(self.state.find_instance_profile(cx.account(), name).await?);
        }
        profiles.sort_by_key(by_name);
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListInstanceProfilesForRole {}", role.entity().id),
        };
        let page = self.page(cx, wanted, profiles, by_name)?;
        Ok(s::ListInstanceProfilesForRoleResponse {
            instance_profiles: self.listed_profiles(cx, &page.items).await?,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Iam {
    pub(super) async fn listed_profiles(
        &self,
        cx: &Cx,
        profiles: &[InstanceProfile],
    ) -> Result<Vec<s::InstanceProfile>> {
        let mut shown = Vec::new();
        for profile in profiles {
            // Listings leave the tags out.
            shown.push(s::InstanceProfile { tags: None, ..self.profile(cx.account(), profile).await? });
        }
        Ok(shown)
    }
}
