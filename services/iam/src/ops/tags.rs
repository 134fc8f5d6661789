use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::Iam;
use crate::model::{
    InstanceProfile, ManagedPolicy, MfaDevice, OidcProvider, Role, SamlProvider, ServerCertificate, User,
};
use crate::page::{Page, Wanted};
use crate::store::mfa::device_key;
use crate::store::policies::Managed;
use crate::store::providers;
use crate::store::tags::check;
use crate::{error, render};

/// What making something with tags needs: the action with the tags, and with tags the tagging action on it too.
pub(super) fn with_request_tags(
    tag_action: &'static str,
    access: Access,
    tags: Option<&Vec<s::Tag>>,
) -> Vec<Access> {
    let access = access.request_tags(render::borrowed(tags));
    if tags.is_none_or(Vec::is_empty) {
        return vec![access];
    }
    let tagging = Access { action: tag_action, ..access.clone() };
    vec![access, tagging]
}

/// The three operations on tags of one noun. `$on` gives the access, `$name` the name in the table.
macro_rules! tags {
    ($record:ty, $field:ident, $name:expr, $on:expr,
     $tag:ident($tag_input:ident, $tag_action:literal),
     $untag:ident($untag_input:ident, $untag_action:literal),
     $list:ident($list_input:ident, $list_action:literal) -> $list_output:ident, $of:expr) => {
        impl Handle<op::$tag> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$tag_input) -> Result<Vec<Access>> {
                let access = $on(self, cx, $tag_action, input.$field.as_str()).await?;
                Ok(vec![access.request_tags(render::borrowed(Some(&input.tags)))])
            }

            async fn call(&self, cx: &Cx, input: s::$tag_input) -> Result<Empty> {
                let tags = check(render::pairs(Some(input.tags)))?;
                let name = $name(self, cx, input.$field.as_str()).await?;
                self.state.tag::<$record>(cx.account(), &name, &input.$field, &tags).await?;
                Ok(Empty)
            }
        }

        impl Handle<op::$untag> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$untag_input) -> Result<Vec<Access>> {
                let access = $on(self, cx, $untag_action, input.$field.as_str()).await?;
                Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
            }

            async fn call(&self, cx: &Cx, input: s::$untag_input) -> Result<Empty> {
                let name = $name(self, cx, input.$field.as_str()).await?;
                self.state.untag::<$record>(cx.account(), &name, &input.$field, &input.tag_keys).await?;
                Ok(Empty)
            }
        }

        impl Handle<op::$list> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$list_input) -> Result<Vec<Access>> {
                Ok(vec![$on(self, cx, $list_action, input.$field.as_str()).await?])
            }

            async fn call(&self, cx: &Cx, input: s::$list_input) -> Result<s::$list_output> {
                let tags = $of(self, cx, input.$field.as_str()).await?;
                let listing = format!(concat!(stringify!($list), " {}"), input.$field);
                let marker = input.marker.as_deref();
                let page = self.tag_page(cx, Wanted { marker, max_items: input.max_items, listing }, tags)?;
                Ok(s::$list_output {
                    tags: render::tag_list(&page.items),
                    is_truncated: page.is_truncated,
                    marker: page.marker,
                })
            }
        }
    };
}

tags! {
    User, user_name, Iam::own_name, Iam::on::<User>,
    TagUser(TagUserRequest, "iam:TagUser"),
    UntagUser(UntagUserRequest, "iam:UntagUser"),
    ListUserTags(ListUserTagsRequest, "iam:ListUserTags") -> ListUserTagsResponse, Iam::user_tags
}
tags! {
    Role, role_name, Iam::own_name, Iam::on::<Role>,
    TagRole(TagRoleRequest, "iam:TagRole"),
    UntagRole(UntagRoleRequest, "iam:UntagRole"),
    ListRoleTags(ListRoleTagsRequest, "iam:ListRoleTags") -> ListRoleTagsResponse, Iam::role_tags
}
tags! {
    InstanceProfile, instance_profile_name, Iam::own_name, Iam::on_instance_profile,
    TagInstanceProfile(TagInstanceProfileRequest, "iam:TagInstanceProfile"),
    UntagInstanceProfile(UntagInstanceProfileRequest, "iam:UntagInstanceProfile"),
    ListInstanceProfileTags(ListInstanceProfileTagsRequest, "iam:ListInstanceProfileTags")
        -> ListInstanceProfileTagsResponse, Iam::instance_profile_tags
}
tags! {
    ManagedPolicy, policy_arn, Iam::own_policy_name, Iam::on_one_policy,
    TagPolicy(TagPolicyRequest, "iam:TagPolicy"),
    UntagPolicy(UntagPolicyRequest, "iam:UntagPolicy"),
    ListPolicyTags(ListPolicyTagsRequest, "iam:ListPolicyTags") -> ListPolicyTagsResponse, Iam::policy_tags
}

tags! {
    MfaDevice, serial_number, Iam::own_mfa_name, Iam::on_mfa_device,
    TagMFADevice(TagMFADeviceRequest, "iam:TagMFADevice"),
    UntagMFADevice(UntagMFADeviceRequest, "iam:UntagMFADevice"),
    ListMFADeviceTags(ListMFADeviceTagsRequest, "iam:ListMFADeviceTags") -> ListMFADeviceTagsResponse,
        Iam::mfa_device_tags
}
tags! {
    SamlProvider, saml_provider_arn, Iam::own_saml_name, Iam::on_saml_provider,
    TagSAMLProvider(TagSAMLProviderRequest, "iam:TagSAMLProvider"),
    UntagSAMLProvider(UntagSAMLProviderRequest, "iam:UntagSAMLProvider"),
    ListSAMLProviderTags(ListSAMLProviderTagsRequest, "iam:ListSAMLProviderTags")
        -> ListSAMLProviderTagsResponse, Iam::saml_provider_tags
}
tags! {
    OidcProvider, open_id_connect_provider_arn, Iam::own_oidc_name, Iam::on_oidc_provider,
    TagOpenIDConnectProvider(TagOpenIDConnectProviderRequest, "iam:TagOpenIDConnectProvider"),
    UntagOpenIDConnectProvider(UntagOpenIDConnectProviderRequest, "iam:UntagOpenIDConnectProvider"),
    ListOpenIDConnectProviderTags(ListOpenIDConnectProviderTagsRequest, "iam:ListOpenIDConnectProviderTags")
        -> ListOpenIDConnectProviderTagsResponse, Iam::oidc_provider_tags
}
tags! {
    ServerCertificate, server_certificate_name, Iam::own_name, Iam::on_server_certificate,
    TagServerCertificate(TagServerCertificateRequest, "iam:TagServerCertificate"),
    UntagServerCertificate(UntagServerCertificateRequest, "iam:UntagServerCertificate"),
    ListServerCertificateTags(ListServerCertificateTagsRequest, "iam:ListServerCertificateTags")
        -> ListServerCertificateTagsResponse, Iam::server_certificate_tags
}

impl Iam {
    async fn server_certificate_tags(&self, cx: &Cx, name: &str) -> Result<Vec<(String, String)>> {
        Ok(self.state.server_certificate(cx.account(), name).await?.tags)
    }

    async fn own_mfa_name(&self, cx: &Cx, serial: &str) -> Result<String> {
        let key = device_key(cx.account(), serial);
        Ok(key.ok_or_else(|| error::no_such_mfa_device(serial))?.1)
    }

    async fn own_saml_name(&self, cx: &Cx, arn: &str) -> Result<String> {
        let name = providers::named(cx.account(), providers::SAML, arn);
        Ok(name.ok_or_else(|| error::no_such_saml_provider(arn))?.to_owned())
    }

    async fn own_oidc_name(&self, cx: &Cx, arn: &str) -> Result<String> {
        let place = providers::named(cx.account(), providers::OIDC, arn);
        Ok(place.ok_or_else(|| error::no_such_oidc_provider(arn))?.to_owned())
    }

    async fn mfa_device_tags(&self, cx: &Cx, serial: &str) -> Result<Vec<(String, String)>> {
        Ok(self.state.mfa_device(cx.account(), serial).await?.tags)
    }

    async fn saml_provider_tags(&self, cx: &Cx, arn: &str) -> Result<Vec<(String, String)>> {
        Ok(self.state.saml_provider(cx.account(), arn).await?.tags)
    }

    async fn oidc_provider_tags(&self, cx: &Cx, arn: &str) -> Result<Vec<(String, String)>> {
        Ok(self.state.oidc_provider(cx.account(), arn).await?.tags)
    }

    async fn own_name(&self, _: &Cx, name: &str) -> Result<String> {
        Ok(name.to_owned())
    }

    /// The name of a policy that the account has: by this ARN, path and all, because that was authorised.
    async fn own_policy_name(&self, cx: &Cx, arn: &str) -> Result<String> {
        match self.state.policy(cx.account(), arn).await? {
            Managed::Own(policy) => Ok(policy.name),
            Managed::Aws(_) | Managed::Partner(_) => Err(error::aws_owned(arn)),
        }
    }

    async fn on_one_policy(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Access> {
        Ok(self.on_policy(cx, action, arn).await?.remove(0))
    }

    async fn user_tags(&self, cx: &Cx, name: &str) -> Result<Vec<(String, String)>> {
        Ok(self.state.entity::<User>(cx.account(), name).await?.tags)
    }

    async fn role_tags(&self, cx: &Cx, name: &str) -> Result<Vec<(String, String)>> {
        Ok(self.state.entity::<Role>(cx.account(), name).await?.tags)
    }

    async fn instance_profile_tags(&self, cx: &Cx, name: &str) -> Result<Vec<(String, String)>> {
        Ok(self.state.instance_profile(cx.account(), name).await?.tags)
    }

    async fn policy_tags(&self, cx: &Cx, arn: &str) -> Result<Vec<(String, String)>> {
        Ok(match self.state.policy(cx.account(), arn).await? {
            Managed::Own(policy) => policy.tags,
            Managed::Aws(_) | Managed::Partner(_) => Vec::new(),
        })
    }

    fn tag_page(
        &self,
        cx: &Cx,
        wanted: Wanted<'_>,
        tags: Vec<(String, String)>,
    ) -> Result<Page<(String, String)>> {
        self.page(cx, wanted, tags, |(key, _)| key.clone())
    }
}
