//! What is refused of a configuration.

use haneul_kit::{Cx, Result};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_s3_wire::shapes as s;

use crate::model::table::TableEncryption;
use crate::{S3, error};

/// Days that records are kept at least (S3 API Reference, RecordExpiration).
const EXPIRATION_DAYS_MIN: i32 = 7;

pub(crate) fn expiration(given: &s::RecordExpiration) -> Result<Option<u32>> {
    match (given.expiration.as_str(), given.days) {
        ("DISABLED", None) => Ok(None),
        ("DISABLED", Some(_)) => {
            Err(error::invalid_request("Days can be set only if expiration is enabled."))
        }
        ("ENABLED", Some(days)) if days >= EXPIRATION_DAYS_MIN => Ok(Some(days as u32)),
        ("ENABLED", Some(_)) => {
            Err(error::invalid_request("Journal table records must be retained for a minimum of 7 days."))
        }
        ("ENABLED", None) => Err(error::invalid_request("Days must be set if expiration is enabled.")),
        _ => Err(error::malformed_xml()),
    }
}

pub(crate) fn encryption(given: Option<&s::MetadataTableEncryptionConfiguration>) -> Result<TableEncryption> {
    let Some(given) = given else { return Ok(TableEncryption::default()) };
    match (given.sse_algorithm.as_str(), &given.kms_key_arn) {
        ("AES256", None) => Ok(TableEncryption::default()),
        ("aws:kms", Some(key)) => Ok(TableEncryption { kms_key: Some(key.clone()) }),
        ("aws:kms", None) => Err(error::invalid_request("KmsKeyArn is required for aws:kms.")),
        ("AES256", Some(_)) => Err(error::invalid_request("KmsKeyArn is for aws:kms only.")),
        _ => Err(error::malformed_xml()),
    }
}

/// `ENABLED`, or not.
pub(crate) fn state(given: &str) -> Result<bool> {
    match given {
        "ENABLED" => Ok(true),
        "DISABLED" => Ok(false),
        _ => Err(error::malformed_xml()),
    }
}

impl S3 {
    /// A key must be one that the caller may look at, of the bucket's Region.
    pub(crate) async fn check_table_key(&self, cx: &Cx, encryption: &TableEncryption) -> Result<()> {
        let Some(key) = &encryption.kms_key else { return Ok(()) };
        let invalid = || error::invalid_argument("The KMS key is not valid.", "KmsKeyArn", key.clone());
        let arn = haneul_kit::Arn::parse(key).map_err(|_| invalid())?;
        if arn.service() != "kms"
            || arn.region() != cx.region().as_str()
            || !arn.resource().starts_with("key/")
        {
            return Err(invalid());
        }
        let input = k::DescribeKeyRequest { key_id: key.clone(), ..Default::default() };
        let asked = self.platform.forward::<kms::DescribeKey>(cx, crate::calls::PRINCIPAL, input).await;
        asked.map(drop).map_err(|refused| match refused.code() {
            "AccessDeniedException" => error::access_denied(refused.message().to_owned()),
            "NotFoundException" => invalid(),
            _ => refused,
        })
    }
}
