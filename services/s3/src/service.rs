use std::sync::Arc;

use haneul_kit::{Platform, Result, Service};
use haneul_s3_wire as wire;
use haneul_s3control_wire::operations as control;
use haneul_s3tables_wire::operations as tables;
use haneul_sigv4::Verifier;
use wire::operations as op;

use crate::access_log::Waiting;
use crate::analysis::Observed;
use crate::bucket::BucketCache;
use crate::content::Content;
use crate::encryption::BucketKeys;
use crate::object_lambda::responses::Responses;
use crate::storage_lens::activity::Activity;
use crate::store::Records;
use crate::tables::catalog::Catalog;
use crate::tasks::{self, Tasks};
use crate::tiering::Accesses;

/// The state of the service.
pub struct S3 {
    pub(crate) platform: Platform,
    pub(crate) records: Records,
    pub(crate) content: Content,
    pub(crate) buckets: BucketCache,
    pub(crate) tasks: Tasks,
    /// Verifies browsers' forms.
    pub(crate) forms: Verifier,
    pub(crate) access_log: Waiting,
    pub(crate) bucket_keys: BucketKeys,
    pub(crate) accesses: Accesses,
    pub(crate) observed: Observed,
    pub(crate) responses: Responses,
    /// Requests that S3 Storage Lens counts.
    pub(crate) activity: Arc<Activity>,
}

/// Signing keys that are kept, some 500 bytes each.
const FORM_KEYS_MAX: usize = 256;

impl S3 {
    pub(crate) fn new(platform: &Platform) -> S3 {
        let records = Records { store: platform.store.clone() };
        let tasks = Tasks::default();
        S3 {
            platform: platform.clone(),
            content: Content::new(platform, &records, tasks.cleaning.clone()),
            buckets: BucketCache::new(&records),
            activity: Arc::new(Activity::new(&records, tasks.activity.clone())),
            records,
            tasks,
            forms: Verifier::new(FORM_KEYS_MAX),
            access_log: Waiting::default(),
            bucket_keys: BucketKeys::default(),
            accesses: Accesses::default(),
            observed: Observed::default(),
            responses: Responses::default(),
        }
    }
}

/// The APIs of this state: S3, S3 Control and S3 Tables.
///
/// # Errors
/// None now: the tables need no opening.
pub async fn services(platform: &Platform) -> Result<Vec<Service>> {
    platform.tagged.add("s3", crate::resources::KINDS, crate::resources::list);
    let s3 = Arc::new(S3::new(platform));
    platform.meter.holds("s3", &s3, |s3| Box::pin(crate::metering::held(s3)));
    Ok(services_of(s3))
}

pub(crate) fn services_of(s3: Arc<S3>) -> Vec<Service> {
    vec![service_of(s3.clone()), control_of(s3.clone()), tables_of(s3)]
}

/// The dispatch table of S3 Tables.
fn tables_of(s3: Arc<S3>) -> Service {
    Service::of(&haneul_s3tables_wire::SERVICE, s3.clone())
        .op::<tables::CreateTableBucket>()
        .op::<tables::GetTableBucket>()
        .op::<tables::ListTableBuckets>()
        .op::<tables::DeleteTableBucket>()
        .op::<tables::PutTableBucketPolicy>()
        .op::<tables::GetTableBucketPolicy>()
        .op::<tables::DeleteTableBucketPolicy>()
        .op::<tables::PutTableBucketEncryption>()
        .op::<tables::GetTableBucketEncryption>()
        .op::<tables::DeleteTableBucketEncryption>()
        .op::<tables::CreateNamespace>()
        .op::<tables::GetNamespace>()
        .op::<tables::ListNamespaces>()
        .op::<tables::DeleteNamespace>()
        .op::<tables::CreateTable>()
        .op::<tables::GetTable>()
        .op::<tables::ListTables>()
        .op::<tables::DeleteTable>()
        .op::<tables::RenameTable>()
        .op::<tables::GetTableEncryption>()
        .op::<tables::GetTableMetadataLocation>()
        .op::<tables::UpdateTableMetadataLocation>()
        .op::<tables::PutTablePolicy>()
        .op::<tables::GetTablePolicy>()
        .op::<tables::DeleteTablePolicy>()
        .op::<tables::ListTagsForResource>()
        .op::<tables::TagResource>()
        .op::<tables::UntagResource>()
        .extension(Arc::new(Catalog(s3)))
        .build()
}

/// The dispatch table of S3 Control.
fn control_of(s3: Arc<S3>) -> Service {
    Service::of(&haneul_s3control_wire::SERVICE, s3)
        .op::<control::GetPublicAccessBlock>()
        .op::<control::PutPublicAccessBlock>()
        .op::<control::DeletePublicAccessBlock>()
        .op::<control::CreateAccessPoint>()
        .op::<control::GetAccessPoint>()
        .op::<control::DeleteAccessPoint>()
        .op::<control::ListAccessPoints>()
        .op::<control::PutAccessPointPolicy>()
        .op::<control::GetAccessPointPolicy>()
        .op::<control::GetAccessPointPolicyStatus>()
        .op::<control::DeleteAccessPointPolicy>()
        .op::<control::CreateAccessPointForObjectLambda>()
        .op::<control::GetAccessPointForObjectLambda>()
        .op::<control::DeleteAccessPointForObjectLambda>()
        .op::<control::ListAccessPointsForObjectLambda>()
        .op::<control::GetAccessPointConfigurationForObjectLambda>()
        .op::<control::PutAccessPointConfigurationForObjectLambda>()
        .op::<control::PutAccessPointPolicyForObjectLambda>()
        .op::<control::GetAccessPointPolicyForObjectLambda>()
        .op::<control::GetAccessPointPolicyStatusForObjectLambda>()
        .op::<control::DeleteAccessPointPolicyForObjectLambda>()
        .op::<control::CreateMultiRegionAccessPoint>()
        .op::<control::DeleteMultiRegionAccessPoint>()
        .op::<control::DescribeMultiRegionAccessPointOperation>()
        .op::<control::GetMultiRegionAccessPoint>()
        .op::<control::GetMultiRegionAccessPointPolicy>()
        .op::<control::GetMultiRegionAccessPointPolicyStatus>()
        .op::<control::GetMultiRegionAccessPointRoutes>()
        .op::<control::ListMultiRegionAccessPoints>()
        .op::<control::PutMultiRegionAccessPointPolicy>()
        .op::<control::SubmitMultiRegionAccessPointRoutes>()
        .op::<control::CreateJob>()
        .op::<control::DescribeJob>()
        .op::<control::ListJobs>()
        .op::<control::UpdateJobPriority>()
        .op::<control::UpdateJobStatus>()
        .op::<control::GetJobTagging>()
        .op::<control::PutJobTagging>()
        .op::<control::DeleteJobTagging>()
        .op::<control::CreateAccessGrantsInstance>()
        .op::<control::GetAccessGrantsInstance>()
        .op::<control::GetAccessGrantsInstanceForPrefix>()
        .op::<control::ListAccessGrantsInstances>()
        .op::<control::DeleteAccessGrantsInstance>()
        .op::<control::PutAccessGrantsInstanceResourcePolicy>()
        .op::<control::GetAccessGrantsInstanceResourcePolicy>()
        .op::<control::DeleteAccessGrantsInstanceResourcePolicy>()
        .op::<control::CreateAccessGrantsLocation>()
        .op::<control::GetAccessGrantsLocation>()
        .op::<control::ListAccessGrantsLocations>()
        .op::<control::UpdateAccessGrantsLocation>()
        .op::<control::DeleteAccessGrantsLocation>()
        .op::<control::CreateAccessGrant>()
        .op::<control::GetAccessGrant>()
        .op::<control::ListAccessGrants>()
        .op::<control::DeleteAccessGrant>()
        .op::<control::GetDataAccess>()
        .op::<control::ListCallerAccessGrants>()
        .op::<control::PutStorageLensConfiguration>()
        .op::<control::GetStorageLensConfiguration>()
        .op::<control::DeleteStorageLensConfiguration>()
        .op::<control::ListStorageLensConfigurations>()
        .op::<control::PutStorageLensConfigurationTagging>()
        .op::<control::GetStorageLensConfigurationTagging>()
        .op::<control::DeleteStorageLensConfigurationTagging>()
        .op::<control::CreateStorageLensGroup>()
        .op::<control::GetStorageLensGroup>()
        .op::<control::UpdateStorageLensGroup>()
        .op::<control::DeleteStorageLensGroup>()
        .op::<control::ListStorageLensGroups>()
        .op::<control::TagResource>()
        .op::<control::UntagResource>()
        .op::<control::ListTagsForResource>()
        .build()
}

/// S3 alone.
///
/// # Errors
/// None now: the tables need no opening.
pub async fn service(platform: &Platform) -> Result<Service> {
    Ok(service_of(Arc::new(S3::new(platform))))
}

/// The dispatch table of S3.
fn service_of(s3: Arc<S3>) -> Service {
    let service = Service::of(&wire::SERVICE, s3.clone());
    // Buckets.
    let service = service
        .op::<op::CreateBucket>()
        .op::<op::DeleteBucket>()
        .op::<op::HeadBucket>()
        .op::<op::ListBuckets>()
        .op::<op::GetBucketLocation>();
    // Objects.
    let service = service
        .op::<op::PutObject>()
        .op::<op::GetObject>()
        .op::<op::HeadObject>()
        .op::<op::DeleteObject>()
        .op::<op::DeleteObjects>()
        .op::<op::CopyObject>()
        .op::<op::GetObjectAttributes>()
        .op::<op::GetObjectTagging>()
        .op::<op::PutObjectTagging>()
        .op::<op::DeleteObjectTagging>()
        .op::<op::PutObjectAnnotation>()
        .op::<op::GetObjectAnnotation>()
        .op::<op::ListObjectAnnotations>()
        .op::<op::DeleteObjectAnnotation>()
        .op::<op::GetObjectAcl>()
        .op::<op::PutObjectAcl>()
        .op::<op::GetObjectRetention>()
        .op::<op::PutObjectRetention>()
        .op::<op::GetObjectLegalHold>()
        .op::<op::PutObjectLegalHold>()
        .op::<op::RestoreObject>()
        .op::<op::UpdateObjectEncryption>()
        .op::<op::SelectObjectContent>()
        .op::<op::WriteGetObjectResponse>();
    // Listings.
    let service = service.op::<op::ListObjects>().op::<op::ListObjectsV2>().op::<op::ListObjectVersions>();
    // Multipart uploads.
    let service = service
        .op::<op::CreateMultipartUpload>()
        .op::<op::UploadPart>()
        .op::<op::UploadPartCopy>()
        .op::<op::CompleteMultipartUpload>()
        .op::<op::AbortMultipartUpload>()
        .op::<op::ListParts>()
        .op::<op::ListMultipartUploads>();
    // Configurations of buckets.
    let service = service
        .op::<op::GetBucketAcl>()
        .op::<op::PutBucketAcl>()
        .op::<op::GetBucketCors>()
        .op::<op::PutBucketCors>()
        .op::<op::DeleteBucketCors>()
        .op::<op::GetBucketEncryption>()
        .op::<op::PutBucketEncryption>()
        .op::<op::DeleteBucketEncryption>()
        .op::<op::GetBucketLifecycleConfiguration>()
        .op::<op::PutBucketLifecycleConfiguration>()
        .op::<op::DeleteBucketLifecycle>()
        .op::<op::GetBucketOwnershipControls>()
        .op::<op::PutBucketOwnershipControls>()
        .op::<op::DeleteBucketOwnershipControls>()
        .op::<op::GetBucketPolicy>()
        .op::<op::GetBucketPolicyStatus>()
        .op::<op::PutBucketPolicy>()
        .op::<op::DeleteBucketPolicy>()
        .op::<op::GetPublicAccessBlock>()
        .op::<op::PutPublicAccessBlock>()
        .op::<op::DeletePublicAccessBlock>()
        .op::<op::GetBucketTagging>()
        .op::<op::PutBucketTagging>()
        .op::<op::DeleteBucketTagging>()
        .op::<op::GetBucketVersioning>()
        .op::<op::PutBucketVersioning>()
        .op::<op::GetBucketRequestPayment>()
        .op::<op::PutBucketRequestPayment>()
        .op::<op::GetObjectLockConfiguration>()
        .op::<op::PutObjectLockConfiguration>()
        .op::<op::PutBucketInventoryConfiguration>()
        .op::<op::GetBucketInventoryConfiguration>()
        .op::<op::DeleteBucketInventoryConfiguration>()
        .op::<op::ListBucketInventoryConfigurations>()
        .op::<op::GetBucketReplication>()
        .op::<op::PutBucketReplication>()
        .op::<op::DeleteBucketReplication>()
        .op::<op::GetBucketWebsite>()
        .op::<op::PutBucketWebsite>()
        .op::<op::DeleteBucketWebsite>()
        .op::<op::GetBucketLogging>()
        .op::<op::PutBucketLogging>()
        .op::<op::GetBucketNotificationConfiguration>()
        .op::<op::PutBucketNotificationConfiguration>()
        .op::<op::GetBucketAccelerateConfiguration>()
        .op::<op::PutBucketAccelerateConfiguration>()
        .op::<op::GetBucketAbac>()
        .op::<op::PutBucketAbac>()
        .op::<op::PutBucketAnalyticsConfiguration>()
        .op::<op::GetBucketAnalyticsConfiguration>()
        .op::<op::DeleteBucketAnalyticsConfiguration>()
        .op::<op::ListBucketAnalyticsConfigurations>()
        .op::<op::CreateBucketMetadataConfiguration>()
        .op::<op::GetBucketMetadataConfiguration>()
        .op::<op::DeleteBucketMetadataConfiguration>()
        .op::<op::UpdateBucketMetadataJournalTableConfiguration>()
        .op::<op::UpdateBucketMetadataAnnotationTableConfiguration>()
        .op::<op::UpdateBucketMetadataInventoryTableConfiguration>()
        .op::<op::CreateBucketMetadataTableConfiguration>()
        .op::<op::GetBucketMetadataTableConfiguration>()
        .op::<op::DeleteBucketMetadataTableConfiguration>()
        .op::<op::PutBucketMetricsConfiguration>()
        .op::<op::GetBucketMetricsConfiguration>()
        .op::<op::DeleteBucketMetricsConfiguration>()
        .op::<op::ListBucketMetricsConfigurations>()
        .op::<op::PutBucketIntelligentTieringConfiguration>()
        .op::<op::GetBucketIntelligentTieringConfiguration>()
        .op::<op::DeleteBucketIntelligentTieringConfiguration>()
        .op::<op::ListBucketIntelligentTieringConfigurations>();
    let service = tasks::reconcilers(&s3).into_iter().fold(service, |service, task| service.reconciler(task));
    service.extension(s3).build()
}
