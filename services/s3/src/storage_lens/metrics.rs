//! The metrics of the glossary that are counted here, by the names that exports and CloudWatch have.

use haneul_kit::metrics::{Metric, Unit};

pub(crate) const NAMESPACE: &str = "AWS/S3/Storage-Lens";

/// What turns a metric on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Of stored things by storage class; always on.
    Storage,
    /// Of buckets' properties; always on.
    Property,
    Cost,
    Protection,
    Activity,
    StatusCode,
}

macro_rules! names {
    ($($id:ident $name:literal $group:ident $unit:ident;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Name { $($id),* }

        const ABOUT: &[(&str, Group, Unit)] = &[$(($name, Group::$group, Unit::$unit)),*];

        const ALL: &[Name] = &[$(Name::$id),*];
    };
}

names! {
    StorageBytes "StorageBytes" Storage Bytes;
    ObjectCount "ObjectCount" Storage Count;
    CurrentBytes "CurrentVersionStorageBytes" Storage Bytes;
    CurrentCount "CurrentVersionObjectCount" Storage Count;
    NoncurrentBytes "NonCurrentVersionStorageBytes" Storage Bytes;
    NoncurrentCount "NonCurrentVersionObjectCount" Storage Count;
    MarkerBytes "DeleteMarkerStorageBytes" Storage Bytes;
    MarkerCount "DeleteMarkerObjectCount" Storage Count;
    UploadBytes "IncompleteMultipartUploadStorageBytes" Storage Bytes;
    UploadCount "IncompleteMultipartUploadObjectCount" Storage Count;
    OldUploadBytes "IncompleteMPUStorageBytesOlderThan7Days" Storage Bytes;
    OldUploadCount "IncompleteMPUObjectCountOlderThan7Days" Storage Count;
    EncryptedBytes "EncryptedStorageBytes" Storage Bytes;
    EncryptedCount "EncryptedObjectCount" Storage Count;
    UnencryptedBytes "UnencryptedStorageBytes" Storage Bytes;
    UnencryptedCount "UnencryptedObjectCount" Storage Count;
    ReplicatedSourceBytes "ReplicatedStorageBytesSource" Storage Bytes;
    ReplicatedSourceCount "ReplicatedObjectCountSource" Storage Count;
    ReplicatedBytes "ReplicatedStorageBytes" Storage Bytes;
    ReplicatedCount "ReplicatedObjectCount" Storage Count;
    LockedBytes "ObjectLockEnabledStorageBytes" Storage Bytes;
    LockedCount "ObjectLockEnabledObjectCount" Storage Count;
    Versioned "VersioningEnabledBucketCount" Property Count;
    MfaDelete "MFADeleteEnabledBucketCount" Property Count;
    SseKms "SSEKMSEnabledBucketCount" Property Count;
    OwnerEnforced "ObjectOwnershipBucketOwnerEnforcedBucketCount" Property Count;
    OwnerPreferred "ObjectOwnershipBucketOwnerPreferredBucketCount" Property Count;
    ObjectWriter "ObjectOwnershipObjectWriterBucketCount" Property Count;
    Accelerated "TransferAccelerationEnabledBucketCount" Property Count;
    Notifying "EventNotificationEnabledBucketCount" Property Count;
    TransitionRules "TransitionLifecycleRuleCount" Cost Count;
    ExpirationRules "ExpirationLifecycleRuleCount" Cost Count;
    NoncurrentTransitionRules "NoncurrentVersionTransitionLifecycleRuleCount" Cost Count;
    NoncurrentExpirationRules "NoncurrentVersionExpirationLifecycleRuleCount" Cost Count;
    AbortRules "AbortIncompleteMPULifecycleRuleCount" Cost Count;
    MarkerRules "ExpiredObjectDeleteMarkerLifecycleRuleCount" Cost Count;
    Rules "TotalLifecycleRuleCount" Cost Count;
    SameRegionRules "SameRegionReplicationRuleCount" Protection Count;
    CrossRegionRules "CrossRegionReplicationRuleCount" Protection Count;
    SameAccountRules "SameAccountReplicationRuleCount" Protection Count;
    CrossAccountRules "CrossAccountReplicationRuleCount" Protection Count;
    InvalidRules "InvalidDestinationReplicationRuleCount" Protection Count;
    OldSignatures "AllUnsupportedSignatureRequests" Protection Count;
    SseKmsRequests "AllSSEKMSRequests" Protection Count;
    AllRequests "AllRequests" Activity Count;
    GetRequests "GetRequests" Activity Count;
    PutRequests "PutRequests" Activity Count;
    HeadRequests "HeadRequests" Activity Count;
    DeleteRequests "DeleteRequests" Activity Count;
    ListRequests "ListRequests" Activity Count;
    PostRequests "PostRequests" Activity Count;
    SelectRequests "SelectRequests" Activity Count;
    SelectScanned "SelectScannedBytes" Activity Bytes;
    SelectReturned "SelectReturnedBytes" Activity Bytes;
    Downloaded "BytesDownloaded" Activity Bytes;
    Uploaded "BytesUploaded" Activity Bytes;
    Errors4xx "4xxErrors" Activity Count;
    Errors5xx "5xxErrors" Activity Count;
    Status200 "200OKStatusCount" StatusCode Count;
    Status206 "206PartialContentStatusCount" StatusCode Count;
    Status400 "400BadRequestErrorCount" StatusCode Count;
    Status403 "403ForbiddenErrorCount" StatusCode Count;
    Status404 "404NotFoundErrorCount" StatusCode Count;
    Status500 "500InternalServerErrorCount" StatusCode Count;
    Status503 "503ServiceUnavailableErrorCount" StatusCode Count;
}

/// How many metrics are of stored things: they come first.
pub(crate) const STORAGE: usize = Name::Versioned as usize;

impl Name {
    pub(crate) fn all() -> impl Iterator<Item = Name> {
        ALL.iter().copied()
    }

    pub(crate) fn text(self) -> &'static str {
        self.about().0
    }

    pub(crate) fn group(self) -> Group {
        self.about().1
    }

    pub(crate) fn metric(self) -> Metric {
        let (name, _, unit) = *self.about();
        Metric::new(NAMESPACE, name, unit)
    }

    /// Whether it is counted while requests are answered.
    pub(crate) fn is_of_requests(self) -> bool {
        self >= Name::OldSignatures
    }

    fn about(self) -> &'static (&'static str, Group, Unit) {
        &ABOUT[self as usize]
    }
}
