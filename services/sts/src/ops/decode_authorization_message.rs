use haneul_kit::{Access, Cx, Handle, Result, authorization_message};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use crate::error;
use crate::sts::Sts;

impl Handle<op::DecodeAuthorizationMessage> for Sts {
    async fn access(&self, _: &Cx, _: &s::DecodeAuthorizationMessageRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("sts:DecodeAuthorizationMessage")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DecodeAuthorizationMessageRequest,
    ) -> Result<s::DecodeAuthorizationMessageResponse> {
        let decoded =
            authorization_message::decode(&self.platform.seal, cx.account(), &input.encoded_message);
        let decoded = decoded.ok_or_else(error::authorization_message)?;
        Ok(s::DecodeAuthorizationMessageResponse { decoded_message: Some(decoded) })
    }
}
