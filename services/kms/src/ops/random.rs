use haneul_kit::{Access, Cx, Handle, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use crate::error;
use crate::kms::Kms;

impl Handle<op::GenerateRandom> for Kms {
    async fn access(&self, _: &Cx, _: &s::GenerateRandomRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("kms:GenerateRandom")])
    }

    async fn call(&self, _: &Cx, input: s::GenerateRandomRequest) -> Result<s::GenerateRandomResponse> {
        if input.recipient.is_some() {
            return Err(error::recipient());
        }
        if input.custom_key_store_id.is_some() {
            return Err(error::unsupported("Custom key stores are not supported: they need AWS CloudHSM."));
        }
        let Some(length) = input.number_of_bytes else {
            return Err(error::validation("NumberOfBytes is a required parameter."));
        };
        let mut bytes = vec![0; length as usize];
        self.env().rng.fill(&mut bytes);
        Ok(s::GenerateRandomResponse { plaintext: Some(bytes.into()), ciphertext_for_recipient: None })
    }
}
