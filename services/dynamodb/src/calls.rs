//! All that we ask of other services: KMS for the data keys of tables, S3 for the files of exports and imports,
//! Application Auto Scaling for who scales a table.
//!
//! Who uses a table that is encrypted with a key of KMS must be allowed to decrypt with it, so the data key is asked for on
//! the caller's behalf; what goes on behind uses a grant that was made on behalf of who encrypted the table.
//! Source: DynamoDB Developer Guide, "DynamoDB encryption at rest: how it works".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_application_autoscaling_wire::operations as scaling;
use haneul_application_autoscaling_wire::shapes as a;
use haneul_kit::{ApiError, ByteStream, Caller, Cx, Operation, Result};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_s3_wire::operations as s3;
use haneul_s3_wire::shapes as o;
use haneul_shape::value::Map;

use crate::error;
use crate::model::{ExportRecord, ImportRecord, SseRecord};
use crate::store::Db;
use crate::store::seal::ItemKey;
use crate::store::tables::Change;
use crate::table::TableInfo;
use crate::table::name::{self, TableId};

const PRINCIPAL: &str = "dynamodb.amazonaws.com";

/// The key of an account that DynamoDB uses when none is named.
const DEFAULT_KEY: &str = "alias/aws/dynamodb";

/// How long an open key is good before KMS is asked again, and so before a change of its policy counts. Source: the guide,
/// "caches the plaintext table keys for each principal".
const OPEN_MS: i64 = 5 * 60 * 1000;

/// What the service itself must be able to do.
const GRANTED: [&str; 3] = ["Decrypt", "DescribeKey", "RetireGrant"];

fn context(id: &TableId) -> Map<String> {
    let pairs = [("aws:dynamodb:tableName", id.2.clone()), ("aws:dynamodb:subscriberId", id.0.to_string())];
    pairs.into_iter().collect()
}

impl Db {
    /// A data key for a table, under a key of KMS.
    pub(crate) async fn new_data_key(&self, cx: &Cx, id: &TableId, key: Option<&str>) -> Result<SseRecord> {
        let input = k::GenerateDataKeyRequest {
            key_id: key.unwrap_or(DEFAULT_KEY).to_owned(),
            key_spec: Some("AES_256".into()),
            encryption_context: Some(context(id)),
            ..Default::default()
        };
        let made = self.forward::<kms::GenerateDataKey>(cx, id, input).await.map_err(denied)?;
        let (Some(blob), Some(key_arn)) = (made.ciphertext_blob, made.key_id) else {
            return Err(ApiError::internal("KMS gave no data key"));
        };
        self.granted(cx, id, key_arn, &blob).await
    }

    /// The same data key under another key of KMS.
    pub(crate) async fn wrapped_again(
        &self,
        cx: &Cx,
        id: &TableId,
        old: &SseRecord,
        key: Option<&str>,
    ) -> Result<SseRecord> {
        let opened = self.forward::<kms::Decrypt>(cx, id, decrypt(old)?).await.map_err(denied)?;
        let input = k::EncryptRequest {
            key_id: key.unwrap_or(DEFAULT_KEY).to_owned(),
            plaintext: opened.plaintext.ok_or_else(|| ApiError::internal("KMS gave no data key"))?,
            encryption_context: Some(context(id)),
            ..Default::default()
        };
        let made = self.forward::<kms::Encrypt>(cx, id, input).await.map_err(denied)?;
        let (Some(blob), Some(key_arn)) = (made.ciphertext_blob, made.key_id) else {
            return Err(ApiError::internal("KMS encrypted nothing"));
        };
        self.granted(cx, id, key_arn, &blob).await
    }

    async fn granted(&self, cx: &Cx, id: &TableId, key_arn: String, blob: &[u8]) -> Result<SseRecord> {
        let table_arn = name::arn(id).to_string();
        let input = k::CreateGrantRequest {
            key_id: key_arn.clone(),
            grantee_service_principal: Some(PRINCIPAL.into()),
            retiring_service_principal: Some(PRINCIPAL.into()),
            operations: GRANTED.map(str::to_owned).to_vec(),
            constraints: Some(k::GrantConstraints {
                encryption_context_subset: Some(context(id)),
                source_arn: Some(table_arn.clone()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let grant = self.forward::<kms::CreateGrant>(cx, id, input).await.map_err(denied)?;
        Ok(SseRecord {
            key_arn,
            data_key: STANDARD.encode(blob),
            table_arn,
            grant: grant.grant_id.unwrap_or_default(),
            on: true,
            settled: false,
            inaccessible_ms: None,
        })
    }

    /// Opens the key of a table for whoever calls, if it has one.
    pub(crate) async fn open_for(&self, cx: &Cx, table: &TableInfo) -> Result<()> {
        let Some(sse) = table.record.sse.as_ref().filter(|sse| sse.on || !sse.settled) else { return Ok(()) };
        match self.key_for(cx, sse).await {
            Ok(key) => {
                let _ = table.key.set(key);
                Ok(())
            }
            Err(refused) => {
                self.check_key(table).await?;
                Err(refused)
            }
        }
    }

    /// The data key, if the caller may use the key of KMS that it is under.
    pub(crate) async fn key_for(&self, cx: &Cx, sse: &SseRecord) -> Result<ItemKey> {
        let asked = cx.holder().map(|who| (who, sse.data_key.clone()));
        if let Some(key) = self.keys().get(asked.as_ref(), cx.now(), OPEN_MS) {
            return Ok(key);
        }
        let opened = self
            .forward::<kms::Decrypt>(cx, &name::of_arn(&sse.table_arn)?, decrypt(sse)?)
            .await
            .map_err(denied)?;
        self.opened(asked, opened)
    }

    /// The same for the service itself.
    pub(crate) async fn key_by_grant(&self, sse: &SseRecord) -> Result<ItemKey> {
        let asked = Some((PRINCIPAL.to_owned(), sse.data_key.clone()));
        if let Some(key) = self.keys().get(asked.as_ref(), self.env.now(), OPEN_MS) {
            return Ok(key);
        }
        let opened = self.as_service::<kms::Decrypt>(sse, decrypt(sse)?).await.map_err(denied)?;
        self.opened(asked, opened)
    }

    /// Opens a table's key for what goes on behind.
    pub(crate) async fn open(&self, table: &TableInfo) -> Result<()> {
        if let Some(sse) = &table.record.sse
            && table.key.get().is_none()
        {
            let _ = table.key.set(self.key_by_grant(sse).await?);
        }
        Ok(())
    }

    /// Asks KMS whether the table's key can be used, and notes when it cannot.
    pub(crate) async fn check_key(&self, table: &TableInfo) -> Result<Option<i64>> {
        let Some(sse) = table.record.sse.as_ref().filter(|sse| sse.on) else { return Ok(None) };
        let works = self.as_service::<kms::Decrypt>(sse, decrypt(sse)?).await.is_ok();
        let since = (!works).then(|| sse.inaccessible_ms.unwrap_or(self.env.now().millis()));
        if since != sse.inaccessible_ms {
            let id = (table.account, table.region, table.name.clone());
            let data_key = &sse.data_key;
            self.change_table(&id, |record, _| {
                let same = record.sse.iter_mut().filter(|sse| sse.data_key == *data_key);
                same.for_each(|sse| sse.inaccessible_ms = since);
                Ok(Change::default())
            })
            .await?;
        }
        Ok(since)
    }

    /// Gives back the permission to use a key.
    pub(crate) async fn retire(&self, sse: &SseRecord) {
        let input = k::RetireGrantRequest {
            key_id: Some(sse.key_arn.clone()),
            grant_id: Some(sse.grant.clone()),
            ..Default::default()
        };
        if let Err(refused) = self.as_service::<kms::RetireGrant>(sse, input).await {
            tracing::debug!(table = sse.table_arn, error = %refused, "a grant was not retired");
        }
    }

    fn opened(&self, asked: Option<(String, String)>, opened: k::DecryptResponse) -> Result<ItemKey> {
        let key = opened.plaintext.and_then(|plaintext| ItemKey::new(&plaintext, self.env.clone()));
        let key = key.ok_or_else(|| ApiError::internal("KMS gave no data key"))?;
        self.keys().keep(asked, key.clone(), self.env.now(), OPEN_MS);
        Ok(key)
    }

    pub(crate) async fn forward<O: Operation>(
        &self,
        cx: &Cx,
        id: &TableId,
        input: O::Input,
    ) -> Result<O::Output> {
        let mut called_via = cx.called_via().to_vec();
        called_via.push(PRINCIPAL.to_owned());
        let source = cx.source_arn().map(str::to_owned);
        self.bus.call_via::<O>(cx.caller().clone(), id.1, source, called_via, input).await
    }

    async fn as_service<O: Operation>(&self, sse: &SseRecord, input: O::Input) -> Result<O::Output> {
        let (account, region, _) = name::of_arn(&sse.table_arn)?;
        let caller = Caller::service(PRINCIPAL, account);
        self.bus.call::<O>(caller, region, Some(sse.table_arn.clone()), input).await
    }
}

impl Db {
    /// Whether somebody scales how much can be written to the table, as its replicas want. Asked on the caller's behalf.
    pub(crate) async fn write_is_scaled(&self, cx: &Cx, table: &TableInfo) -> Result<bool> {
        let input = a::DescribeScalingPoliciesRequest {
            service_namespace: "dynamodb".to_owned(),
            resource_id: Some(format!("table/{}", table.name)),
            scalable_dimension: Some("dynamodb:table:WriteCapacityUnits".to_owned()),
            ..Default::default()
        };
        let id = (table.account, table.region, table.name.clone());
        let found = self.forward::<scaling::DescribeScalingPolicies>(cx, &id, input).await?;
        Ok(found.scaling_policies.is_some_and(|policies| !policies.is_empty()))
    }
}

/// Largest file of an import, which is read as a whole.
const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;

impl Db {
    /// The object's ETag.
    pub(crate) async fn put_object(
        &self,
        cx: &Cx,
        export: &ExportRecord,
        key: String,
        bytes: Vec<u8>,
    ) -> Result<Option<String>> {
        let kms = export.sse_algorithm.as_deref() == Some("KMS");
        let algorithm = export.sse_algorithm.as_ref().map(|_| if kms { "aws:kms" } else { "AES256" });
        let input = o::PutObjectRequest {
            bucket: export.bucket.clone(),
            key,
            content_length: i64::try_from(bytes.len()).ok(),
            body: ByteStream::from_bytes(bytes),
            server_side_encryption: algorithm.map(str::to_owned),
            ssekms_key_id: export.sse_key.clone().filter(|_| kms),
            expected_bucket_owner: export.bucket_owner.clone(),
            ..Default::default()
        };
        Ok(self.to_s3::<s3::PutObject>(cx, input).await?.e_tag)
    }

    /// Keys of objects, and where to go on.
    pub(crate) async fn list_objects(
        &self,
        cx: &Cx,
        import: &ImportRecord,
        after: Option<String>,
    ) -> Result<(Vec<String>, Option<String>)> {
        let input = o::ListObjectsV2Request {
            bucket: import.bucket.clone(),
            prefix: import.prefix.clone(),
            continuation_token: after,
            expected_bucket_owner: import.bucket_owner.clone(),
            ..Default::default()
        };
        let listed = self.to_s3::<s3::ListObjectsV2>(cx, input).await?;
        let files = listed.contents.unwrap_or_default().into_iter();
        let keys = files.filter(|file| file.size != Some(0)).filter_map(|file| file.key).collect();
        Ok((keys, listed.next_continuation_token))
    }

    pub(crate) async fn get_object(&self, cx: &Cx, import: &ImportRecord, key: String) -> Result<Vec<u8>> {
        let input = o::GetObjectRequest {
            bucket: import.bucket.clone(),
            key: key.clone(),
            expected_bucket_owner: import.bucket_owner.clone(),
            ..Default::default()
        };
        let file = self.to_s3::<s3::GetObject>(cx, input).await?;
        file.body.collect(FILE_BYTES_MAX).await.map_err(|error| {
            ApiError::new("S3FileNotRead", format!("{key} was not read, or is larger than 256 MB: {error}"))
        })
    }

    async fn to_s3<O: Operation>(&self, cx: &Cx, input: O::Input) -> Result<O::Output> {
        let mut called_via = cx.called_via().to_vec();
        called_via.push(PRINCIPAL.to_owned());
        let source = cx.source_arn().map(str::to_owned);
        self.bus.call_via::<O>(cx.caller().clone(), cx.region(), source, called_via, input).await
    }
}

fn decrypt(sse: &SseRecord) -> Result<k::DecryptRequest> {
    let blob = STANDARD.decode(&sse.data_key).map_err(|_| ApiError::internal("a data key is damaged"))?;
    Ok(k::DecryptRequest {
        ciphertext_blob: Some(blob.into()),
        encryption_context: Some(context(&name::of_arn(&sse.table_arn)?)),
        key_id: Some(sse.key_arn.clone()),
        ..Default::default()
    })
}

fn denied(refused: ApiError) -> ApiError {
    error::kms(&refused)
}
