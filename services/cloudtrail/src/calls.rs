//! All that we ask of other services: S3 and KMS as the service principal, Logs as the role that the trail names.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::{AccountId, ApiError, Arn, ByteStream, Caller, Region, Result};
use haneul_kms_wire::{operations as kms, shapes as k};
use haneul_logs_wire::{operations as logs, shapes as l};
use haneul_roles::{By, LEFT, assume, is_denial, request};
use haneul_s3_wire::{operations as s3, shapes as b};
use serde_json::json;

use crate::CloudTrail;
use crate::error;
use crate::model::{Delivery, Trail};

/// Who delivers: bucket and key policies let it in.
pub(crate) const PRINCIPAL: &str = "cloudtrail.amazonaws.com";

/// What is put into a trail's bucket.
pub(crate) struct File {
    pub(crate) key: String,
    pub(crate) gzip: Vec<u8>,
    pub(crate) metadata: Vec<(&'static str, String)>,
}

/// What is put into the bucket that a query's results are delivered to.
pub(crate) struct ResultFile {
    pub(crate) key: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: &'static str,
    /// A digest that is wrong asks whether the file would be let in, and leaves nothing.
    pub(crate) md5: Option<String>,
}

impl CloudTrail {
    fn principal(&self, account: AccountId) -> Caller {
        Caller::service(PRINCIPAL, account)
    }

    /// Puts a file as the service, on account of the trail.
    pub(crate) async fn put_file(&self, trail: &Trail, arn: &Arn, file: File) -> Result<()> {
        let metadata = file.metadata.iter().map(|(name, value)| (*name, value.clone())).collect();
        let input = b::PutObjectRequest {
            bucket: trail.bucket.clone(),
            key: file.key,
            body: ByteStream::from_bytes(file.gzip),
            metadata: (!file.metadata.is_empty()).then_some(metadata),
            ..put(trail, arn)
        };
        let (account, region) = owner(arn)?;
        self.platform
            .bus
            .call::<s3::PutObject>(self.principal(account), region, Some(arn.to_string()), input)
            .await?;
        Ok(())
    }

    /// Whether the bucket is there and its policy lets the trail's files in, without leaving anything in it: the put has
    /// a digest that is wrong.
    pub(crate) async fn check_bucket(&self, trail: &Trail, arn: &Arn, directory: &str) -> Result<()> {
        let (account, region) = owner(arn)?;
        let get = b::GetBucketAclRequest { bucket: trail.bucket.clone(), ..Default::default() };
        let source = Some(arn.to_string());
        let bus = &self.platform.bus;
        match bus.call::<s3::GetBucketAcl>(self.principal(account), region, source.clone(), get).await {
            Ok(_) => {}
            Err(error) if error.code() == "NoSuchBucket" => return Err(error::no_bucket(&trail.bucket)),
            Err(error) if error.code() == "InvalidBucketName" => {
                return Err(error::bucket_name(&trail.bucket));
            }
            Err(error) if is_denial(&error) => return Err(error::bucket_policy(&trail.bucket)),
            Err(error) => return Err(error),
        }
        let input = b::PutObjectRequest {
            bucket: trail.bucket.clone(),
            key: format!("{directory}/CloudTrail/"),
            body: ByteStream::from_bytes(Vec::new()),
            content_md5: Some(STANDARD.encode([0; 16])),
            ..put(trail, arn)
        };
        match bus.call::<s3::PutObject>(self.principal(account), region, source, input).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == "BadDigest" => Ok(()),
            Err(error) if error.code().starts_with("KMS") || error.message().contains("kms:") => {
                Err(error::key_policy())
            }
            Err(error) if is_denial(&error) => Err(error::bucket_policy(&trail.bucket)),
            Err(error) => Err(error),
        }
    }

    /// Puts a file of the results of a query as the service, on account of an event data store.
    pub(crate) async fn put_result(&self, delivery: &Delivery, store: &Arn, file: ResultFile) -> Result<()> {
        let (account, region) = owner(store)?;
        let input = b::PutObjectRequest {
            bucket: delivery.bucket.clone(),
            key: file.key,
            body: ByteStream::from_bytes(file.bytes),
            content_type: Some(file.content_type.to_owned()),
            content_md5: file.md5,
            ..Default::default()
        };
        let source = Some(store.to_string());
        self.platform.bus.call::<s3::PutObject>(self.principal(account), region, source, input).await?;
        Ok(())
    }

    /// Whether the bucket is there and its policy lets the results of queries in.
    pub(crate) async fn check_results(&self, delivery: &Delivery, store: &Arn) -> Result<()> {
        let (account, region) = owner(store)?;
        let get = b::GetBucketAclRequest { bucket: delivery.bucket.clone(), ..Default::default() };
        let source = Some(store.to_string());
        let bus = &self.platform.bus;
        match bus.call::<s3::GetBucketAcl>(self.principal(account), region, source, get).await {
            Ok(_) => {}
            Err(error) if error.code() == "NoSuchBucket" => return Err(error::no_bucket(&delivery.bucket)),
            Err(error) if error.code() == "InvalidBucketName" => {
                return Err(error::bucket_name(&delivery.bucket));
            }
            Err(error) if is_denial(&error) => return Err(error::bucket_policy(&delivery.bucket)),
            Err(error) => return Err(error),
        }
        let probe = ResultFile {
            key: format!("{}AWSLogs/{account}/CloudTrail-Lake/Query/", delivery.prefix),
            bytes: Vec::new(),
            content_type: "application/json",
            md5: Some(STANDARD.encode([0; 16])),
        };
        match self.put_result(delivery, store, probe).await {
            Err(error) if error.code() == "BadDigest" => Ok(()),
            Err(error) if error.code().starts_with("KMS") || error.message().contains("kms:") => {
                Err(error::key_policy())
            }
            Err(error) if is_denial(&error) => Err(error::bucket_policy(&delivery.bucket)),
            other => other,
        }
    }

    /// The ARN of the key that a trail's files are encrypted with.
    pub(crate) async fn find_key(&self, caller: &Caller, region: Region, given: &str) -> Result<String> {
        let input = k::DescribeKeyRequest { key_id: given.to_owned(), ..Default::default() };
        let via = vec![PRINCIPAL.to_owned()];
        let found =
            self.platform.bus.call_via::<kms::DescribeKey>(caller.clone(), region, None, via, input).await;
        let found = match found {
            Ok(found) => found.key_metadata,
            Err(error) if is_denial(&error) => return Err(error::key_policy()),
            Err(error) if error.code().contains("NotFound") => return Err(error::no_key(given)),
            Err(error) if error.fault() == haneul_kit::Fault::Client => return Err(error::key_id(given)),
            Err(error) => return Err(error),
        };
        let Some(metadata) = found else { return Err(error::no_key(given)) };
        if metadata.key_state.as_deref().is_some_and(|state| state != "Enabled") {
            let message = format!("KMS key {given} is not enabled.");
            return Err(ApiError::new("KmsKeyDisabledException", message));
        }
        metadata.arn.ok_or_else(|| error::no_key(given))
    }

    /// The session of the role that writes to the trail's log group; one is kept for as long as it is good, because each
    /// that is made is an event by itself.
    pub(crate) async fn logs_session(&self, trail: &Trail, arn: &Arn) -> Result<Caller> {
        let (account, region) = owner(arn)?;
        let role = trail.logs_role.as_deref().unwrap_or_default();
        let by = By { service: PRINCIPAL, account, region, source: Some(arn.to_string()) };
        let made = assume(&self.platform, by, request(role, "CLOUDWATCH_LOGS_DELIVERY_SESSION"));
        let when = (self.platform.env.now(), LEFT);
        Ok(self.sessions.get(&trail.id, role, when, made).await?.caller.clone())
    }

    /// Makes the stream if it is not there.
    pub(crate) async fn make_stream(&self, session: &Caller, group: &LogGroup, stream: &str) -> Result<()> {
        let input = l::CreateLogStreamRequest {
            log_group_name: group.name.clone(),
            log_stream_name: stream.to_owned(),
        };
        let via = vec![PRINCIPAL.to_owned()];
        let bus = &self.platform.bus;
        match bus.call_via::<logs::CreateLogStream>(session.clone(), group.region, None, via, input).await {
            Err(error) if error.code() != "ResourceAlreadyExistsException" => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts events into a stream, which is made when it is not there.
    pub(crate) async fn put_log_events(
        &self,
        session: &Caller,
        group: &LogGroup,
        stream: &str,
        events: Vec<l::InputLogEvent>,
    ) -> Result<()> {
        let put = |events| l::PutLogEventsRequest {
            log_group_name: group.name.clone(),
            log_stream_name: stream.to_owned(),
            log_events: events,
            ..Default::default()
        };
        let bus = &self.platform.bus;
        let via = || vec![PRINCIPAL.to_owned()];
        let (caller, region) = (session.clone(), group.region);
        match bus
            .call_via::<logs::PutLogEvents>(caller.clone(), region, None, via(), put(events.clone()))
            .await
        {
            Err(error) if error.code() == "ResourceNotFoundException" => {}
            other => return other.map(drop),
        }
        self.make_stream(session, group, stream).await?;
        bus.call_via::<logs::PutLogEvents>(caller, region, None, via(), put(events)).await.map(drop)
    }
}

/// The log group of a trail.
pub(crate) struct LogGroup {
    pub(crate) name: String,
    pub(crate) region: Region,
}

impl LogGroup {
    /// `arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*`
    pub(crate) fn parse(text: &str) -> Option<LogGroup> {
        let arn = Arn::parse(text).ok()?;
        let name = arn.resource().strip_prefix("log-group:")?.trim_end_matches(":*");
        let found = LogGroup { name: name.to_owned(), region: arn.region().parse().ok()? };
        (arn.service() == "logs" && !name.is_empty()).then_some(found)
    }
}

fn owner(arn: &Arn) -> Result<(AccountId, Region)> {
    let parts = arn.account_id().zip(arn.region().parse().ok());
    parts.ok_or_else(|| ApiError::internal(format_args!("{arn} is no trail's")))
}

/// What all files are put with.
fn put(trail: &Trail, arn: &Arn) -> b::PutObjectRequest {
    let context = json!({ "aws:cloudtrail:arn": arn.to_string() });
    let key = trail.kms_key.as_ref();
    b::PutObjectRequest {
        acl: Some("bucket-owner-full-control".to_owned()),
        content_type: Some("application/json".to_owned()),
        content_encoding: Some("gzip".to_owned()),
        server_side_encryption: key.map(|_| "aws:kms".to_owned()),
        ssekms_key_id: key.cloned(),
        ssekms_encryption_context: key.map(|_| STANDARD.encode(context.to_string())),
        ..Default::default()
    }
}
