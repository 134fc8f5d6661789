use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::{Iam, id_prefix};
use crate::model::{Group, Kind, User};
use crate::page::Wanted;
use crate::render;
use crate::store::entities::new_entity;

impl Handle<op::CreateGroup> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateGroupRequest) -> Result<Vec<Access>> {
        Ok(vec![Iam::on_new(cx, "iam:CreateGroup", "group", input.path.as_deref(), &input.group_name)?])
    }

    async fn call(&self, cx: &Cx, input: s::CreateGroupRequest) -> Result<s::CreateGroupResponse> {
        let id = self.unique_id(id_prefix(Kind::Group), cx.account());
        let group = Group { entity: new_entity(input.path.as_deref(), &input.group_name, id, cx.now()) };
        self.state.create_group(cx.account(), &group).await?;
        Ok(s::CreateGroupResponse { group: render::group(cx.account(), &group) })
    }
}

impl Handle<op::GetGroup> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetGroupRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<Group>(cx, "iam:GetGroup", &input.group_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetGroupRequest) -> Result<s::GetGroupResponse> {
        let group: Group = self.state.entity(cx.account(), &input.group_name).await?;
        let members = self.state.members(cx.account(), &input.group_name).await?;
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("GetGroup {}", group.entity.id),
        };
        let page = self.page(cx, wanted, members, |user: &User| user.entity.name.to_ascii_lowercase())?;
        Ok(s::GetGroupResponse {
            group: render::group(cx.account(), &group),
            users: page.items.iter().map(|user| render::listed_user(cx.account(), user)).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Handle<op::ListGroups> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListGroupsRequest) -> Result<Vec<Access>> {
        Ok(vec![Iam::on_new(cx, "iam:ListGroups", "group", input.path_prefix.as_deref(), "")?])
    }

    async fn call(&self, cx: &Cx, input: s::ListGroupsRequest) -> Result<s::ListGroupsResponse> {
        let groups: Vec<Group> = self.state.entities(cx.account(), input.path_prefix.as_deref()).await?;
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListGroups {:?}", input.path_prefix),
        };
        let page = self.page(cx, wanted, groups, |group| group.entity.name.to_ascii_lowercase())?;
        let groups = page.items.iter().map(|group| render::group(cx.account(), group)).collect();
        Ok(s::ListGroupsResponse { groups, is_truncated: page.is_truncated, marker: page.marker })
    }
}

impl Handle<op::UpdateGroup> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateGroupRequest) -> Result<Vec<Access>> {
        // AWS asks for the permission on both names.
        let mut access = vec![self.on::<Group>(cx, "iam:UpdateGroup", &input.group_name).await?];
        if input.new_group_name.is_some() || input.new_path.is_some() {
            let found: Option<Group> = self.state.find(cx.account(), &input.group_name).await?;
            let before = found.as_ref().map_or("/", |group| &group.entity.path);
            let path = input.new_path.as_deref().unwrap_or(before);
            let name = input.new_group_name.as_ref().unwrap_or(&input.group_name);
            access.push(Iam::on_new(cx, "iam:UpdateGroup", "group", Some(path), name)?);
        }
        Ok(access)
    }

    async fn call(&self, cx: &Cx, input: s::UpdateGroupRequest) -> Result<Empty> {
        let (path, name) = (input.new_path.as_deref(), input.new_group_name.as_deref());
        self.state.update_group(cx.account(), &input.group_name, path, name).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteGroup> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteGroupRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<Group>(cx, "iam:DeleteGroup", &input.group_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteGroupRequest) -> Result<Empty> {
        self.state.delete_group(cx.account(), &input.group_name).await?;
        Ok(Empty)
    }
}

impl Handle<op::AddUserToGroup> for Iam {
    async fn access(&self, cx: &Cx, input: &s::AddUserToGroupRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<Group>(cx, "iam:AddUserToGroup", &input.group_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::AddUserToGroupRequest) -> Result<Empty> {
        self.state.add_to_group(cx.account(), &input.group_name, &input.user_name).await?;
        Ok(Empty)
    }
}

impl Handle<op::RemoveUserFromGroup> for Iam {
    async fn access(&self, cx: &Cx, input: &s::RemoveUserFromGroupRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<Group>(cx, "iam:RemoveUserFromGroup", &input.group_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::RemoveUserFromGroupRequest) -> Result<Empty> {
        self.state.remove_from_group(cx.account(), &input.group_name, &input.user_name).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListGroupsForUser> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListGroupsForUserRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<User>(cx, "iam:ListGroupsForUser", &input.user_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListGroupsForUserRequest,
    ) -> Result<s::ListGroupsForUserResponse> {
        let user: User = self.state.entity(cx.account(), &input.user_name).await?;
        let groups = self.state.groups_of(cx.account(), &user).await?;
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListGroupsForUser {}", user.entity.id),
        };
        let page = self.page(cx, wanted, groups, |group| group.entity.name.to_ascii_lowercase())?;
        let groups = page.items.iter().map(|group| render::group(cx.account(), group)).collect();
        Ok(s::ListGroupsForUserResponse { groups, is_truncated: page.is_truncated, marker: page.marker })
    }
}
