use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};

use crate::iam::Iam;

/// No service of this cloud takes such credentials, so none can be made, and whoever asks (Terraform does before it
/// deletes a user) is told truthfully that there are none.
impl Handle<op::ListServiceSpecificCredentials> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListServiceSpecificCredentialsRequest) -> Result<Vec<Access>> {
        let action = "iam:ListServiceSpecificCredentials";
        if input.all_users == Some(true) {
            return Ok(vec![Iam::on_new(cx, action, "user", None, "")?]);
        }
        self.on_subject(cx, action, input.user_name.as_deref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListServiceSpecificCredentialsRequest,
    ) -> Result<s::ListServiceSpecificCredentialsResponse> {
        if input.all_users != Some(true) {
            let subject = self.subject(cx, input.user_name.as_deref())?;
            self.state.credentials(cx.account(), subject.holder()).await?;
        }
        Ok(s::ListServiceSpecificCredentialsResponse {
            service_specific_credentials: Some(Vec::new()),
            is_truncated: Some(false),
            ..Default::default()
        })
    }
}
