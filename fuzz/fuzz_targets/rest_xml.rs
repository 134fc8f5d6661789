//! restXml, as S3 speaks it: paths, queries, headers, and the XML of the bodies.

#![no_main]

use std::sync::LazyLock;

use haneul_fuzz::{Op, operations, rest};
use haneul_wire::Protocol;
use libfuzzer_sys::fuzz_target;

static OPERATIONS: LazyLock<Vec<Op>> = LazyLock::new(|| {
    use haneul_s3_wire::operations::*;
    operations![
        PutObject,
        GetObject,
        HeadObject,
        DeleteObject,
        CopyObject,
        ListObjects,
        ListObjectsV2,
        ListObjectVersions,
        CreateBucket,
        DeleteObjects,
        CreateMultipartUpload,
        UploadPart,
        CompleteMultipartUpload,
        PutBucketLifecycleConfiguration,
        PutBucketTagging,
        PutObjectTagging,
        PutBucketCors,
        PutBucketAcl,
        PutBucketNotificationConfiguration,
        PutBucketReplication,
        PutBucketWebsite,
        PutBucketVersioning,
        PutBucketEncryption,
        PutBucketPolicy,
        PutObjectLockConfiguration,
        PutObjectRetention,
        PutPublicAccessBlock,
        PutBucketInventoryConfiguration,
        RestoreObject,
        SelectObjectContent,
    ]
    .into()
});

fuzz_target!(|input: &[u8]| rest(Protocol::RestXml, &OPERATIONS, input));
