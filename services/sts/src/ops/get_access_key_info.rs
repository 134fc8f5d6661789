use haneul_kit::{Access, Cx, Handle, Result, access_key_id};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use crate::error;
use crate::sts::Sts;

impl Handle<op::GetAccessKeyInfo> for Sts {
    async fn access(&self, _: &Cx, _: &s::GetAccessKeyInfoRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("sts:GetAccessKeyInfo")])
    }

    async fn call(&self, _: &Cx, input: s::GetAccessKeyInfoRequest) -> Result<s::GetAccessKeyInfoResponse> {
        // Keys of the configuration need not have the form that tells the account.
        let known = self.platform.directory().access_key(&input.access_key_id).await?;
        let account = match known {
            Some(known) => Some(known.caller.account),
            None => access_key_id::account_of(&input.access_key_id),
        };
        let account = account.ok_or_else(error::access_key_id)?;
        Ok(s::GetAccessKeyInfoResponse { account: Some(account.to_string()) })
    }
}
