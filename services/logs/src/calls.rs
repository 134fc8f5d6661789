//! All that we ask of other services, each time as the service's principal, so that the policy of what is reached decides.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_cloudwatch_wire::{operations as cloudwatch, shapes as c};
use haneul_firehose_wire::{operations as firehose, shapes as f};
use haneul_kinesis_wire::{operations as kinesis, shapes as n};
use haneul_kit::{AccountId, ApiError, Arn, ByteStream, Caller, Operation, Region, Result};
use haneul_kms_wire::{operations as kms, shapes as k};
use haneul_lambda_wire::{operations as lambda, shapes as l};
use haneul_roles::{By, LEFT, Session, assume, is_denial, request};
use haneul_s3_wire::{operations as s3, shapes as b};
use haneul_shape::Bytes;
use haneul_shape::value::Map;

use crate::Logs;
use crate::error;
use crate::model::{BucketTarget, DataKeyRecord};
use crate::names::{DestinationName, GroupName};
use crate::ops::lookup_tables::lookup_arn;
use crate::store::{LookupKey, ScheduledKey};

/// Policies name the service with its Region, and newer ones without.
fn principals(region: Region) -> [String; 2] {
    [format!("logs.{region}.amazonaws.com"), "logs.amazonaws.com".to_owned()]
}

/// What a data key is made for: a group, or a lookup table.
pub(crate) struct Keeper {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) arn: Arn,
    /// On account of what KMS is asked.
    pub(crate) source: String,
}

impl Keeper {
    pub(crate) fn group(name: &GroupName) -> Keeper {
        let arn = name.arn();
        Keeper { account: name.account, region: name.region, source: format!("{arn}:*"), arn }
    }

    pub(crate) fn lookup(key: &LookupKey) -> Keeper {
        let arn = lookup_arn(key);
        Keeper { account: key.0, region: key.1, source: arn.to_string(), arn }
    }

    /// Data keys are bound to what they are made for.
    fn context(&self) -> Map<String> {
        [("aws:logs:arn", self.arn.to_string())].into_iter().collect()
    }
}

impl Logs {
    /// A data key under a key of KMS.
    ///
    /// # Errors
    /// AWS's for a key that is not there, does not let us, or is disabled.
    pub(crate) async fn new_data_key(&self, keeper: &Keeper, key_id: &str) -> Result<DataKeyRecord> {
        if !key_id.starts_with("arn:") {
            return Err(error::invalid(
                "The specified KMS key identifier is not valid: give the ARN of the key.",
            ));
        }
        let input = k::GenerateDataKeyRequest {
            key_id: key_id.to_owned(),
            key_spec: Some("AES_256".into()),
            encryption_context: Some(keeper.context()),
            ..Default::default()
        };
        let made = self.for_keeper::<kms::GenerateDataKey>(keeper, input).await;
        let made = made.map_err(|refused| match refused.code() {
            "DisabledException" | "KMSInvalidStateException" => {
                error::invalid(format!("The specified KMS key is not enabled: {}", refused.message()))
            }
            "InvalidKeyUsageException" | "UnsupportedOperationException" => {
                error::invalid("The specified KMS key is not a symmetric encryption key.")
            }
            _ => error::key(&refused, &keeper.arn),
        })?;
        let (Some(blob), Some(key_arn)) = (made.ciphertext_blob, made.key_id) else {
            return Err(ApiError::internal("KMS gave no data key"));
        };
        Ok(DataKeyRecord { key_arn, blob: STANDARD.encode(blob) })
    }

    pub(crate) async fn decrypt_data_key(&self, keeper: &Keeper, key: &DataKeyRecord) -> Result<Bytes> {
        let blob = STANDARD.decode(&key.blob).map_err(|_| ApiError::internal("a data key is damaged"))?;
        let input = k::DecryptRequest {
            ciphertext_blob: Some(blob.into()),
            encryption_context: Some(keeper.context()),
            key_id: Some(key.key_arn.clone()),
            ..Default::default()
        };
        let opened = self.for_keeper::<kms::Decrypt>(keeper, input).await?;
        opened.plaintext.ok_or_else(|| ApiError::internal("KMS gave no data key"))
    }

    /// Whether the bucket lets us look at it, as who exports must show.
    pub(crate) async fn can_see_bucket(&self, name: &GroupName, bucket: &str) -> Result<()> {
        let input = b::GetBucketAclRequest { bucket: bucket.to_owned(), ..Default::default() };
        self.as_service::<s3::GetBucketAcl>(name, input).await.map(drop)
    }

    /// Puts a file of an export.
    pub(crate) async fn put_file(
        &self,
        name: &GroupName,
        bucket: &str,
        key: &str,
        body: Vec<u8>,
    ) -> Result<()> {
        let mut denied = None;
        for principal in principals(name.region) {
            let input = b::PutObjectRequest {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                body: ByteStream::from_bytes(body.clone()),
                acl: Some("bucket-owner-full-control".into()),
                ..Default::default()
            };
            let caller = Caller::service(principal, name.account);
            let source = Some(format!("{}:*", name.arn()));
            match self.platform.bus.call::<s3::PutObject>(caller, name.region, source, input).await {
                Err(error) if is_denial(&error) => denied = Some(error),
                other => return other.map(drop),
            }
        }
        Err(denied.unwrap_or_else(|| ApiError::internal("nobody was asked")))
    }

    /// Writes the results of a scheduled query as the role of its destination.
    pub(crate) async fn put_results(
        &self,
        role: Caller,
        key: &ScheduledKey,
        target: &BucketTarget,
        (bucket, object): (&str, &str),
        body: Vec<u8>,
    ) -> Result<()> {
        let input = b::PutObjectRequest {
            bucket: bucket.to_owned(),
            key: object.to_owned(),
            body: ByteStream::from_bytes(body),
            content_type: Some("application/json".into()),
            expected_bucket_owner: target.owner.clone(),
            server_side_encryption: target.key.as_ref().map(|_| "aws:kms".into()),
            ssekms_key_id: target.key.clone(),
            ..Default::default()
        };
        self.platform.bus.call::<s3::PutObject>(role, key.1, None, input).await.map(drop)
    }

    /// Calls on account of a group, by either of the service's names.
    async fn as_service<O: Operation>(&self, group: &GroupName, input: O::Input) -> Result<O::Output>
    where
        O::Input: Clone,
    {
        self.for_keeper::<O>(&Keeper::group(group), input).await
    }

    async fn for_keeper<O: Operation>(&self, keeper: &Keeper, input: O::Input) -> Result<O::Output>
    where
        O::Input: Clone,
    {
        let mut denied = None;
        for principal in principals(keeper.region) {
            let caller = Caller::service(principal, keeper.account);
            let source = Some(keeper.source.clone());
            match self.platform.bus.call::<O>(caller, keeper.region, source, input.clone()).await {
                Err(error) if is_denial(&error) => denied = Some(error),
                other => return other,
            }
        }
        Err(denied.unwrap_or_else(|| ApiError::internal("nobody was asked")))
    }

    /// Whether a function is there and lets us invoke it.
    pub(crate) async fn can_invoke(&self, group: &GroupName, function: &str) -> Result<()> {
        let input = l::InvocationRequest {
            function_name: function.to_owned(),
            invocation_type: Some("DryRun".into()),
            ..Default::default()
        };
        self.as_service::<lambda::Invoke>(group, input).await.map(drop)
    }

    /// Hands a payload to a function; Lambda has it for good when this returns.
    pub(crate) async fn invoke(&self, group: &GroupName, function: &str, payload: Vec<u8>) -> Result<()> {
        let input = l::InvocationRequest {
            function_name: function.to_owned(),
            invocation_type: Some("Event".into()),
            payload: Some(payload.into()),
            ..Default::default()
        };
        self.as_service::<lambda::Invoke>(group, input).await.map(drop)
    }

    /// Puts a record into a stream of Kinesis or Firehose as a role that lets Logs in.
    pub(crate) async fn put_record(
        &self,
        group: &GroupName,
        role: &str,
        stream: &Arn,
        partition_key: &str,
        data: Bytes,
    ) -> Result<()> {
        let mut tries = 2;
        loop {
            let session = self.session(group, role).await?;
            let put = self.put_as(session.caller.clone(), stream, partition_key, data.clone()).await;
            tries -= 1;
            match put {
                // The role may be another one of the same name now.
                Err(refused) if is_denial(&refused) && tries > 0 => self.sessions.forget(group),
                other => return other,
            }
        }
    }

    /// A session of a role on account of a group.
    pub(crate) async fn session(&self, group: &GroupName, role: &str) -> Result<Arc<Session>> {
        let when = (self.platform.env.now(), LEFT);
        let owner = (group.account, group.region);
        let make = async { self.assume(owner, format!("{}:*", group.arn()), role).await };
        self.sessions.get(group, role, when, make).await
    }

    /// Assumes a role on account of what has that ARN, by either of the service's names.
    pub(crate) async fn assume(
        &self,
        (account, region): (AccountId, Region),
        of: String,
        role: &str,
    ) -> Result<Session> {
        let mut denied = None;
        for service in principals(region) {
            let by = By { service: &service, account, region, source: Some(of.clone()) };
            match assume(&self.platform, by, request(role, "CloudWatchLogsDelivery")).await {
                Err(error) if is_denial(&error) => denied = Some(error),
                other => return other,
            }
        }
        Err(denied.unwrap_or_else(|| ApiError::internal("nobody was asked")))
    }

    /// Puts a record into a stream on account of a destination that is to lead there.
    pub(crate) async fn try_target(
        &self,
        destination: &DestinationName,
        role: &str,
        stream: &Arn,
        data: Bytes,
    ) -> Result<()> {
        let owner = (destination.account, destination.region);
        let session = self.assume(owner, destination.arn().to_string(), role).await?;
        self.put_as(session.caller, stream, &self.platform.env.rng.uuid(), data).await
    }

    async fn put_as(&self, caller: Caller, stream: &Arn, partition_key: &str, data: Bytes) -> Result<()> {
        let bus = &self.platform.bus;
        // A destination may lead to another Region.
        let region = stream.region().parse().map_err(|_| error::bad_destination())?;
        if stream.service() == "kinesis" {
            let input = n::PutRecordInput {
                stream_arn: Some(stream.to_string()),
                partition_key: Some(partition_key.to_owned()),
                data,
                ..Default::default()
            };
            return bus.call::<kinesis::PutRecord>(caller, region, None, input).await.map(drop);
        }
        let name = stream.resource().rsplit('/').next().unwrap_or_default().to_owned();
        let input = f::PutRecordInput { delivery_stream_name: name, record: f::Record { data } };
        bus.call::<firehose::PutRecord>(caller, region, None, input).await.map(drop)
    }

    /// Publishes points. CloudWatch takes them from a service without asking for a permission.
    pub(crate) async fn publish(
        &self,
        account: AccountId,
        region: Region,
        input: c::PutMetricDataInput,
    ) -> Result<()> {
        let caller = Caller::service("logs.amazonaws.com", account);
        self.platform.bus.call::<cloudwatch::PutMetricData>(caller, region, None, input).await.map(drop)
    }
}
