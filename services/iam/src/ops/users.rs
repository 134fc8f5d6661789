use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::{Iam, Subject, id_prefix};
use crate::model::{Kind, User};
use crate::page::Wanted;
use crate::render;
use crate::store::entities::new_entity;
use crate::store::tags;

impl Handle<op::CreateUser> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateUserRequest) -> Result<Vec<Access>> {
        let access = Iam::on_new(cx, "iam:CreateUser", "user", input.path.as_deref(), &input.user_name)?;
        let all = super::tags::with_request_tags("iam:TagUser", access, input.tags.as_ref());
        Ok(super::boundaries::first_with_boundary(all, input.permissions_boundary.as_deref()))
    }

    async fn call(&self, cx: &Cx, input: s::CreateUserRequest) -> Result<s::CreateUserResponse> {
        let id = self.unique_id(id_prefix(Kind::User), cx.account());
        let user = User {
            entity: new_entity(input.path.as_deref(), &input.user_name, id, cx.now()),
            boundary: input.permissions_boundary,
            tags: tags::check(render::pairs(input.tags))?,
            groups: Vec::new(),
            access_keys: Vec::new(),
        };
        self.state.create_user(cx.account(), &user).await?;
        Ok(s::CreateUserResponse { user: Some(render::user(cx.account(), &user)) })
    }
}

impl Handle<op::GetUser> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetUserRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:GetUser", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::GetUserRequest) -> Result<s::GetUserResponse> {
        let user = match self.subject(cx, input.user_name.as_deref())? {
            Subject::User(name) => render::user(cx.account(), &self.state.entity(cx.account(), &name).await?),
            Subject::Root => self.root_user(cx).await?,
        };
        Ok(s::GetUserResponse { user })
    }
}

impl Handle<op::ListUsers> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListUsersRequest) -> Result<Vec<Access>> {
        Ok(vec![Iam::on_new(cx, "iam:ListUsers", "user", input.path_prefix.as_deref(), "")?])
    }

    async fn call(&self, cx: &Cx, input: s::ListUsersRequest) -> Result<s::ListUsersResponse> {
        let users: Vec<User> = self.state.entities(cx.account(), input.path_prefix.as_deref()).await?;
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListUsers {:?}", input.path_prefix),
        };
        let page = self.page(cx, wanted, users, |user| user.entity.name.to_ascii_lowercase())?;
        let users = page.items.iter().map(|user| render::listed_user(cx.account(), user)).collect();
        Ok(s::ListUsersResponse { users, is_truncated: page.is_truncated, marker: page.marker })
    }
}

impl Handle<op::UpdateUser> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateUserRequest) -> Result<Vec<Access>> {
        // AWS asks for the permission on both names.
        let mut access = vec![self.on::<User>(cx, "iam:UpdateUser", &input.user_name).await?];
        if input.new_user_name.is_some() || input.new_path.is_some() {
            let found: Option<User> = self.state.find(cx.account(), &input.user_name).await?;
            let before = found.as_ref().map_or("/", |user| &user.entity.path);
            let path = input.new_path.as_deref().unwrap_or(before);
            let name = input.new_user_name.as_ref().unwrap_or(&input.user_name);
            access.push(Iam::on_new(cx, "iam:UpdateUser", "user", Some(path), name)?);
        }
        Ok(access)
    }

    async fn call(&self, cx: &Cx, input: s::UpdateUserRequest) -> Result<Empty> {
        let (path, name) = (input.new_path.as_deref(), input.new_user_name.as_deref());
        self.state.update_user(cx.account(), &input.user_name, path, name).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteUser> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteUserRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<User>(cx, "iam:DeleteUser", &input.user_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteUserRequest) -> Result<Empty> {
        self.state.delete_user(cx.account(), &input.user_name).await?;
        Ok(Empty)
    }
}

impl Iam {
    pub(super) async fn root_user(&self, cx: &Cx) -> Result<s::User> {
        let account = self.state.account(cx.account()).await?;
        Ok(s::User {
            user_id: cx.account().to_string(),
            arn: Arn::global("iam", cx.account(), "root").to_string(),
            create_date: account.created.unwrap_or_else(|| cx.now().into()).into(),
            ..Default::default()
        })
    }
}
