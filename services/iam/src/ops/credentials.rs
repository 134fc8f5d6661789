//! Listings of credentials that nothing can make yet: empty, which is the truth as long as their creators answer
//! NotImplemented. Deleting a user asks for them.

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::error;
use crate::iam::Iam;
use crate::iam::Subject;
use crate::model::User;

impl Handle<op::GetLoginProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetLoginProfileRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:GetLoginProfile", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::GetLoginProfileRequest) -> Result<s::GetLoginProfileResponse> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        self.must_exist(cx, &subject).await?;
        Err(error::no_login_profile(subject.holder().unwrap_or("root")))
    }
}

impl Handle<op::DeleteLoginProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteLoginProfileRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:DeleteLoginProfile", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteLoginProfileRequest) -> Result<Empty> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        self.must_exist(cx, &subject).await?;
        Err(error::no_login_profile(subject.holder().unwrap_or("root")))
    }
}

/// Empty listings of a user's credentials.
macro_rules! empty {
    ($($list:ident($input:ident, $action:literal) -> $output:ident { $member:ident: $empty:expr })*) => {$(
        impl Handle<op::$list> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$input) -> Result<Vec<Access>> {
                self.on_subject(cx, $action, input.user_name.as_deref()).await
            }

            async fn call(&self, cx: &Cx, input: s::$input) -> Result<s::$output> {
                let subject = self.subject(cx, input.user_name.as_deref())?;
                self.must_exist(cx, &subject).await?;
                Ok(s::$output { $member: $empty, is_truncated: Some(false), marker: None })
            }
        }
    )*};
}

empty! {
    ListSSHPublicKeys(ListSSHPublicKeysRequest, "iam:ListSSHPublicKeys")
        -> ListSSHPublicKeysResponse { ssh_public_keys: Some(Vec::new()) }
    ListSigningCertificates(ListSigningCertificatesRequest, "iam:ListSigningCertificates")
        -> ListSigningCertificatesResponse { certificates: Vec::new() }
    ListServiceSpecificCredentials(ListServiceSpecificCredentialsRequest, "iam:ListServiceSpecificCredentials")
        -> ListServiceSpecificCredentialsResponse { service_specific_credentials: Some(Vec::new()) }
}

impl Iam {
    async fn must_exist(&self, cx: &Cx, subject: &Subject) -> Result<()> {
        if let Subject::User(name) = subject {
            let _: User = self.state.entity(cx.account(), name).await?;
        }
        Ok(())
    }
}
