//! Files that S3 puts into buckets by itself, through all layers: the destination's policy decides.

use haneul_kit::{AccountId, ByteStream, Caller, Result};
use haneul_s3_wire::{operations as op, shapes as s};

use crate::S3;
use crate::bucket::Bucket;

/// What every policy that AWS shows for this asks of the request.
const ACL: &str = "bucket-owner-full-control";

/// On whose account and for what a file is put.
pub(super) struct For {
    /// The service that calls, as `s3.amazonaws.com`.
    pub(super) principal: &'static str,
    /// `aws:SourceAccount` and `aws:SourceArn`.
    pub(super) account: AccountId,
    pub(super) arn: String,
    /// SSE-S3, or a key of KMS; `None` is what the destination does by default.
    pub(super) encryption: Option<Encrypted>,
}

#[derive(Clone)]
pub(super) enum Encrypted {
    S3,
    Kms(String),
}

impl For {
    pub(super) async fn put(
        &self,
        s3: &S3,
        target: &Bucket,
        key: String,
        bytes: Vec<u8>,
        kind: &str,
    ) -> Result<()> {
        let (algorithm, kms_key) = match &self.encryption {
            None => (None, None),
            Some(Encrypted::S3) => (Some("AES256"), None),
            Some(Encrypted::Kms(key)) => (Some("aws:kms"), Some(key.clone())),
        };
        let input = s::PutObjectRequest {
            bucket: target.name.clone(),
            key,
            acl: Some(ACL.to_owned()),
            content_type: Some(kind.to_owned()),
            server_side_encryption: algorithm.map(str::to_owned),
            ssekms_key_id: kms_key,
            body: ByteStream::from_bytes(bytes),
            ..Default::default()
        };
        let caller = Caller::service(self.principal, self.account);
        let bus = &s3.platform.bus;
        bus.call::<op::PutObject>(caller, target.region, Some(self.arn.clone()), input).await.map(drop)
    }
}
