use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::Iam;
use crate::model::{Group, Role, User};
use crate::page::{Page, Wanted};
use crate::store::Identity;
use crate::{document, error};

/// The four operations on inline policies, for one kind of entity.
macro_rules! inline {
    ($record:ty, $name:ident,
     $put:ident($put_input:ident, $put_action:literal),
     $get:ident($get_input:ident, $get_action:literal) -> $get_output:ident,
     $delete:ident($delete_input:ident, $delete_action:literal),
     $list:ident($list_input:ident, $list_action:literal) -> $list_output:ident) => {
        impl Handle<op::$put> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$put_input) -> Result<Vec<Access>> {
                Ok(vec![self.on_bounded::<$record>(cx, $put_action, &input.$name).await?])
            }

            async fn call(&self, cx: &Cx, input: s::$put_input) -> Result<Empty> {
                let (name, policy, text) = (&input.$name, &input.policy_name, &input.policy_document);
                self.state.put_inline::<$record>(cx.account(), name, policy, text).await?;
                Ok(Empty)
            }
        }

        impl Handle<op::$get> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$get_input) -> Result<Vec<Access>> {
                Ok(vec![self.on::<$record>(cx, $get_action, &input.$name).await?])
            }

            async fn call(&self, cx: &Cx, input: s::$get_input) -> Result<s::$get_output> {
                let text = self.inline::<$record>(cx, &input.$name, &input.policy_name).await?;
                Ok(s::$get_output {
                    $name: input.$name,
                    policy_name: input.policy_name,
                    policy_document: document::encode(&text),
                })
            }
        }

        impl Handle<op::$delete> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$delete_input) -> Result<Vec<Access>> {
                Ok(vec![self.on_bounded::<$record>(cx, $delete_action, &input.$name).await?])
            }

            async fn call(&self, cx: &Cx, input: s::$delete_input) -> Result<Empty> {
                self.state.delete_inline::<$record>(cx.account(), &input.$name, &input.policy_name).await?;
                Ok(Empty)
            }
        }

        impl Handle<op::$list> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$list_input) -> Result<Vec<Access>> {
                Ok(vec![self.on::<$record>(cx, $list_action, &input.$name).await?])
            }

            async fn call(&self, cx: &Cx, input: s::$list_input) -> Result<s::$list_output> {
                let marker = input.marker.as_deref();
                let page = self.inline_names::<$record>(cx, &input.$name, marker, input.max_items).await?;
                Ok(s::$list_output {
                    policy_names: page.items,
                    is_truncated: page.is_truncated,
                    marker: page.marker,
                })
            }
        }
    };
}

inline! {
    User, user_name,
    PutUserPolicy(PutUserPolicyRequest, "iam:PutUserPolicy"),
    GetUserPolicy(GetUserPolicyRequest, "iam:GetUserPolicy") -> GetUserPolicyResponse,
    DeleteUserPolicy(DeleteUserPolicyRequest, "iam:DeleteUserPolicy"),
    ListUserPolicies(ListUserPoliciesRequest, "iam:ListUserPolicies") -> ListUserPoliciesResponse
}
inline! {
    Group, group_name,
    PutGroupPolicy(PutGroupPolicyRequest, "iam:PutGroupPolicy"),
    GetGroupPolicy(GetGroupPolicyRequest, "iam:GetGroupPolicy") -> GetGroupPolicyResponse,
    DeleteGroupPolicy(DeleteGroupPolicyRequest, "iam:DeleteGroupPolicy"),
    ListGroupPolicies(ListGroupPoliciesRequest, "iam:ListGroupPolicies") -> ListGroupPoliciesResponse
}
inline! {
    Role, role_name,
    PutRolePolicy(PutRolePolicyRequest, "iam:PutRolePolicy"),
    GetRolePolicy(GetRolePolicyRequest, "iam:GetRolePolicy") -> GetRolePolicyResponse,
    DeleteRolePolicy(DeleteRolePolicyRequest, "iam:DeleteRolePolicy"),
    ListRolePolicies(ListRolePoliciesRequest, "iam:ListRolePolicies") -> ListRolePoliciesResponse
}

impl Iam {
    async fn inline<T: Identity>(&self, cx: &Cx, name: &str, policy: &str) -> Result<String> {
        let mut record: T = self.state.entity(cx.account(), name).await?;
        let text = record.entity_mut().inline.remove(policy);
        text.ok_or_else(|| error::no_such_inline_policy(T::KIND, policy))
    }

    async fn inline_names<T: Identity>(
        &self,
        cx: &Cx,
        name: &str,
        marker: Option<&str>,
        max_items: Option<i32>,
    ) -> Result<Page<String>> {
        let record: T = self.state.entity(cx.account(), name).await?;
        let names = record.entity().inline.keys().cloned().collect();
        let listing = format!("ListPolicies of {}", record.entity().id);
        self.page(cx, Wanted { marker, max_items, listing }, names, Clone::clone)
    }
}
