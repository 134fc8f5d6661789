use std::sync::Arc;

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use crate::access::Ask;
use crate::error;
use crate::kms::Kms;
use crate::live::LiveKey;
use crate::spec::GENERATE_VERIFY_MAC;

impl Handle<op::GenerateMac> for Kms {
    async fn access(&self, cx: &Cx, input: &s::GenerateMacRequest) -> Result<Vec<Access>> {
        let ask = Ask::crypto("kms:GenerateMac", &input.key_id, "GenerateMac", &input.grant_tokens);
        Ok(vec![self.ask(cx, ask).await?.key("kms:MacAlgorithm", input.mac_algorithm.as_str())])
    }

    async fn call(&self, cx: &Cx, input: s::GenerateMacRequest) -> Result<s::GenerateMacResponse> {
        let key = self.mac_key(cx, &input.key_id, "GenerateMac", &input.mac_algorithm).await?;
        Kms::end_of_dry_run(input.dry_run)?;
        let (_, material) = self.current(cx, &key)?;
        let mac = material.mac(&input.message).map_err(error::broken)?;
        self.last_used.note(cx, &key.name, "GenerateMac");
        Ok(s::GenerateMacResponse {
            mac: Some(mac.into()),
            mac_algorithm: Some(input.mac_algorithm),
            key_id: Some(key.name.arn().to_string()),
        })
    }
}

impl Handle<op::VerifyMac> for Kms {
    async fn access(&self, cx: &Cx, input: &s::VerifyMacRequest) -> Result<Vec<Access>> {
        let ask = Ask::crypto("kms:VerifyMac", &input.key_id, "VerifyMac", &input.grant_tokens);
        Ok(vec![self.ask(cx, ask).await?.key("kms:MacAlgorithm", input.mac_algorithm.as_str())])
    }

    async fn call(&self, cx: &Cx, input: s::VerifyMacRequest) -> Result<s::VerifyMacResponse> {
        let key = self.mac_key(cx, &input.key_id, "VerifyMac", &input.mac_algorithm).await?;
        let (_, material) = self.current(cx, &key)?;
        material.verify_mac(&input.message, &input.mac).map_err(|_| error::invalid_mac())?;
        Kms::end_of_dry_run(input.dry_run)?;
        self.last_used.note(cx, &key.name, "VerifyMac");
        Ok(s::VerifyMacResponse {
            key_id: Some(key.name.arn().to_string()),
            mac_valid: Some(true),
            mac_algorithm: Some(input.mac_algorithm),
        })
    }
}

impl Kms {
    async fn mac_key(&self, cx: &Cx, key_id: &str, operation: &str, algorithm: &str) -> Result<Arc<LiveKey>> {
        let key = self.usable(cx, key_id, GENERATE_VERIFY_MAC, operation).await?;
        match key.record.spec().mac_algorithms().contains(&algorithm) {
            true => Ok(key),
            false => Err(error::algorithm(algorithm, &key.record.spec)),
        }
    }
}
