use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::Iam;
use crate::model::{Role, User};

/// The boundary that a request sets, for `iam:PermissionsBoundary`.
pub(super) fn with_boundary(access: Access, arn: Option<&str>) -> Access {
    match arn {
        Some(arn) => access.key("iam:PermissionsBoundary", arn),
        None => access,
    }
}

/// The first of several accesses is the one that the boundary is for.
pub(super) fn first_with_boundary(all: Vec<Access>, arn: Option<&str>) -> Vec<Access> {
    let all = all.into_iter().enumerate();
    all.map(|(at, access)| if at == 0 { with_boundary(access, arn) } else { access }).collect()
}

macro_rules! boundaries {
    ($record:ty, $name:ident,
     $put:ident($put_input:ident, $put_action:literal),
     $delete:ident($delete_input:ident, $delete_action:literal)) => {
        impl Handle<op::$put> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$put_input) -> Result<Vec<Access>> {
                let access = self.on::<$record>(cx, $put_action, &input.$name).await?;
                Ok(vec![with_boundary(access, Some(&input.permissions_boundary))])
            }

            async fn call(&self, cx: &Cx, input: s::$put_input) -> Result<Empty> {
                let arn = Some(input.permissions_boundary.as_str());
                self.state.set_boundary::<$record>(cx.account(), &input.$name, arn).await?;
                Ok(Empty)
            }
        }

        impl Handle<op::$delete> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$delete_input) -> Result<Vec<Access>> {
                Ok(vec![self.on_bounded::<$record>(cx, $delete_action, &input.$name).await?])
            }

            async fn call(&self, cx: &Cx, input: s::$delete_input) -> Result<Empty> {
                self.state.set_boundary::<$record>(cx.account(), &input.$name, None).await?;
                Ok(Empty)
            }
        }
    };
}

boundaries! {
    User, user_name,
    PutUserPermissionsBoundary(PutUserPermissionsBoundaryRequest, "iam:PutUserPermissionsBoundary"),
    DeleteUserPermissionsBoundary(DeleteUserPermissionsBoundaryRequest, "iam:DeleteUserPermissionsBoundary")
}
boundaries! {
    Role, role_name,
    PutRolePermissionsBoundary(PutRolePermissionsBoundaryRequest, "iam:PutRolePermissionsBoundary"),
    DeleteRolePermissionsBoundary(DeleteRolePermissionsBoundaryRequest, "iam:DeleteRolePermissionsBoundary")
}
