use haneul_kit::{Access, Cx, Handle, Result};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use crate::sts::Sts;

impl Handle<op::GetCallerIdentity> for Sts {
    /// None: even an explicit deny does not stop it.
    async fn access(&self, _: &Cx, _: &s::GetCallerIdentityRequest) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn call(&self, cx: &Cx, _: s::GetCallerIdentityRequest) -> Result<s::GetCallerIdentityResponse> {
        let caller = cx.caller();
        Ok(s::GetCallerIdentityResponse {
            user_id: Some(caller.user_id()),
            account: Some(caller.account.to_string()),
            arn: Some(caller.arn()),
        })
    }
}
