use std::collections::BTreeMap;

use haneul_store::{Record, RecordError};
use serde::{Deserialize, Serialize};

use super::PublicAccessBlock;

/// Another door to a bucket, with a policy of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccessPointRecord {
    /// The account and Region of the access point, and its name.
    pub(crate) account: u64,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) bucket: String,
    /// Of a bucket made anew it is no door.
    pub(crate) bucket_id: u64,
    pub(crate) bucket_account: u64,
    /// A name that can be used where a bucket's can.
    pub(crate) alias: String,
    pub(crate) created_ms: i64,
    pub(crate) block: PublicAccessBlock,
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    /// The VPC that it is open to, and to nobody else.
    pub(crate) vpc: Option<String>,
}

impl AccessPointRecord {
    /// `s3:AccessPointNetworkOrigin`.
    pub(crate) fn network_origin(&self) -> &'static str {
        if self.vpc.is_some() { "VPC" } else { "Internet" }
    }
}

impl Record for AccessPointRecord {
    /// 2: one of a VPC, which a program that does not know of it would open to everybody.
    const VERSION: u32 = 2;

    fn migrate(version: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        match version {
            1 => AccessPointRecord::decode(bytes),
            _ => Err(RecordError(format!("nothing migrates schema version {version}"))),
        }
    }
}

impl Record for PublicAccessBlock {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_before_are_open_to_anybody() {
        let before = br#"{"account":1,"region":"us-east-1","name":"door","bucket":"b","bucket_id":2,"bucket_account":1,
            "alias":"door-x-s3alias","created_ms":3,"block":{"block_public_acls":true,"ignore_public_acls":true,
            "block_public_policy":true,"restrict_public_buckets":true},"policy":null,"tags":{}}"#;
        let point = AccessPointRecord::migrate(1, before).unwrap();
        assert_eq!((point.network_origin(), point.name.as_str()), ("Internet", "door"));
        assert!(AccessPointRecord::migrate(3, before).is_err());
    }
}
