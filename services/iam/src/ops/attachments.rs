use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::Iam;
use crate::model::{Group, Role, User};
use crate::page::{Page, Wanted};
use crate::render;
use crate::store::Identity;
use crate::store::attachments::path_in;

/// The three operations on attached policies, for one kind of entity.
macro_rules! attachments {
    ($record:ty, $name:ident,
     $attach:ident($attach_input:ident, $attach_action:literal),
     $detach:ident($detach_input:ident, $detach_action:literal),
     $list:ident($list_input:ident, $list_action:literal) -> $list_output:ident) => {
        impl Handle<op::$attach> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$attach_input) -> Result<Vec<Access>> {
                let access = self.on_bounded::<$record>(cx, $attach_action, &input.$name).await?;
                Ok(vec![access.key("iam:PolicyARN", input.policy_arn.as_str())])
            }

            async fn call(&self, cx: &Cx, input: s::$attach_input) -> Result<Empty> {
                self.state.attach::<$record>(cx.account(), &input.$name, &input.policy_arn).await?;
                Ok(Empty)
            }
        }

        impl Handle<op::$detach> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$detach_input) -> Result<Vec<Access>> {
                let access = self.on_bounded::<$record>(cx, $detach_action, &input.$name).await?;
                Ok(vec![access.key("iam:PolicyARN", input.policy_arn.as_str())])
            }

            async fn call(&self, cx: &Cx, input: s::$detach_input) -> Result<Empty> {
                self.state.detach::<$record>(cx.account(), &input.$name, &input.policy_arn).await?;
                Ok(Empty)
            }
        }

        impl Handle<op::$list> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$list_input) -> Result<Vec<Access>> {
                Ok(vec![self.on::<$record>(cx, $list_action, &input.$name).await?])
            }

            async fn call(&self, cx: &Cx, input: s::$list_input) -> Result<s::$list_output> {
                let (marker, prefix) = (input.marker.as_deref(), input.path_prefix.as_deref());
                let page =
                    self.attached::<$record>(cx, &input.$name, prefix, marker, input.max_items).await?;
                Ok(s::$list_output {
                    attached_policies: Some(render::attached(&page.items)),
                    is_truncated: page.is_truncated,
                    marker: page.marker,
                })
            }
        }
    };
}

attachments! {
    User, user_name,
    AttachUserPolicy(AttachUserPolicyRequest, "iam:AttachUserPolicy"),
    DetachUserPolicy(DetachUserPolicyRequest, "iam:DetachUserPolicy"),
    ListAttachedUserPolicies(ListAttachedUserPoliciesRequest, "iam:ListAttachedUserPolicies")
        -> ListAttachedUserPoliciesResponse
}
attachments! {
    Group, group_name,
    AttachGroupPolicy(AttachGroupPolicyRequest, "iam:AttachGroupPolicy"),
    DetachGroupPolicy(DetachGroupPolicyRequest, "iam:DetachGroupPolicy"),
    ListAttachedGroupPolicies(ListAttachedGroupPoliciesRequest, "iam:ListAttachedGroupPolicies")
        -> ListAttachedGroupPoliciesResponse
}
attachments! {
    Role, role_name,
    AttachRolePolicy(AttachRolePolicyRequest, "iam:AttachRolePolicy"),
    DetachRolePolicy(DetachRolePolicyRequest, "iam:DetachRolePolicy"),
    ListAttachedRolePolicies(ListAttachedRolePoliciesRequest, "iam:ListAttachedRolePolicies")
        -> ListAttachedRolePoliciesResponse
}

impl Iam {
    async fn attached<T: Identity>(
        &self,
        cx: &Cx,
        name: &str,
        path_prefix: Option<&str>,
        marker: Option<&str>,
        max_items: Option<i32>,
    ) -> Result<Page<String>> {
        let record: T = self.state.entity(cx.account(), name).await?;
        let prefix = path_prefix.unwrap_or("/");
        let mut arns = record.entity().attached.clone();
        arns.retain(|arn| path_in(arn).starts_with(prefix));
        arns.sort();
        let listing = format!("ListAttachedPolicies {} {prefix}", record.entity().id);
        self.page(cx, Wanted { marker, max_items, listing }, arns, Clone::clone)
    }
}
