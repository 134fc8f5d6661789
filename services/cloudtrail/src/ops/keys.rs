use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result};

use crate::CloudTrail;
use crate::error;

impl Handle<op::ListPublicKeys> for CloudTrail {
    async fn access(&self, _: &Cx, _: &s::ListPublicKeysRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("cloudtrail:ListPublicKeys")])
    }

    /// All keys on one page: there is one a year.
    async fn call(&self, cx: &Cx, input: s::ListPublicKeysRequest) -> Result<s::ListPublicKeysResponse> {
        if input.next_token.is_some() {
            return Err(haneul_kit::ApiError::new("InvalidTokenException", "Invalid NextToken."));
        }
        let until = input.end_time.unwrap_or(cx.now());
        let from = input.start_time.unwrap_or(Instant::from_millis(until.millis() - 86_400_000));
        if from > until {
            return Err(error::time_range());
        }
        let mut keys = self.signing_keys().await?;
        keys.retain(|(_, key)| key.from_ms <= until.millis() && key.until_ms > from.millis());
        let keys = keys.into_iter().map(|(fingerprint, key)| s::PublicKey {
            value: STANDARD.decode(&key.public).ok().map(Into::into),
            validity_start_time: Some(Instant::from_millis(key.from_ms)),
            validity_end_time: Some(Instant::from_millis(key.until_ms)),
            fingerprint: Some(fingerprint),
        });
        Ok(s::ListPublicKeysResponse { public_key_list: Some(keys.collect()), next_token: None })
    }
}
