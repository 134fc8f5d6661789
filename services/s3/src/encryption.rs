//! Which key an object's bytes are encrypted with, and how it is found again.
//!
//! Every object gets a random data key of its own. What differs is what wraps it: the cloud's key (SSE-S3, the default), a
//! key of KMS that the caller must be allowed to use (SSE-KMS; with a bucket key, KMS is asked once for many objects), or a
//! key that the client brings with each request and that is never kept (SSE-C).
//!
//! Source: S3 User Guide, "Protecting data with encryption".

mod customer;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::{ApiError, Cx, OpenKeys, Principal, Result};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_shape::value::Map;

use crate::bucket::Bucket;
use crate::content::cipher::{self, DataKey};
use crate::model::encryption::{DefaultAlgorithm, KmsScheme, Scheme, Sealed};
use crate::{S3, error};

/// What a data key is wrapped for, so that nothing else that this cloud seals passes for one.
const PURPOSE: &str = "s3 object key";

/// The same of the inner layer of DSSE-KMS.
const INNER_PURPOSE: &str = "s3 inner object key";

const SERVICE: &str = "s3.amazonaws.com";

/// The key of an account that S3 uses when none is named.
const AWS_MANAGED_KEY: &str = "alias/aws/s3";

/// How long a bucket key serves before KMS is asked again, and so before a change of its policy counts.
const BUCKET_KEY_MS: i64 = 5 * 60 * 1000;

/// Longest `x-amz-server-side-encryption-context`, in characters.
const CONTEXT_LENGTH_MAX: usize = 8 * 1024;

/// The headers of a request that are about encryption.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encryption {
    pub(crate) algorithm: Option<String>,
    pub(crate) kms_key: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) bucket_key: Option<bool>,
    pub(crate) customer: CustomerKey,
}

/// Reads the three members of a request.
macro_rules! customer_key {
    ($input:expr) => {
        $crate::encryption::CustomerKey {
            algorithm: $input.sse_customer_algorithm.clone(),
            key: $input.sse_customer_key.clone(),
            md5: $input.sse_customer_key_md5.clone(),
        }
    };
}

/// Sets the members of an answer that tell how an object is encrypted.
macro_rules! show_encryption {
    ($output:expr, $sealed:expr) => {{
        let shown = $crate::encryption::Shown::of($sealed);
        $output.server_side_encryption = shown.algorithm;
        $output.ssekms_key_id = shown.kms_key;
        $output.bucket_key_enabled = shown.bucket_key;
        $output.sse_customer_algorithm = shown.customer_algorithm;
        $output.sse_customer_key_md5 = shown.customer_md5;
    }};
}

pub(crate) use customer::CustomerKey;
pub(crate) use {customer_key, show_encryption};

pub(crate) struct Shown {
    pub(crate) algorithm: Option<String>,
    pub(crate) kms_key: Option<String>,
    pub(crate) bucket_key: Option<bool>,
    pub(crate) customer_algorithm: Option<String>,
    pub(crate) customer_md5: Option<String>,
}

impl Shown {
    pub(crate) fn of(sealed: Option<&Sealed>) -> Shown {
        let mut shown = Shown {
            algorithm: Some("AES256".to_owned()),
            kms_key: None,
            bucket_key: None,
            customer_algorithm: None,
            customer_md5: None,
        };
        match sealed.map(|sealed| &sealed.scheme) {
            None | Some(Scheme::S3) => {}
            Some(Scheme::Kms(kms)) => {
                shown.algorithm = Some(if kms.dsse { "aws:kms:dsse" } else { "aws:kms" }.to_owned());
                shown.kms_key = Some(kms.key_arn.clone());
                shown.bucket_key = kms.bucket_key.then_some(true);
            }
            Some(Scheme::Customer(md5)) => {
                shown.algorithm = None;
                shown.customer_algorithm = Some("AES256".to_owned());
                shown.customer_md5 = Some(md5.clone());
            }
        }
        shown
    }
}

/// How a key of KMS is to be used.
pub(crate) struct WithKms<'a> {
    pub(crate) key_id: &'a str,
    pub(crate) uses_bucket_key: bool,
    /// The client's part of the encryption context.
    pub(crate) header: Option<&'a str>,
}

/// Keys of buckets that KMS has given or opened, for whoever asked.
pub(crate) type BucketKeys = OpenKeys<Asked, Kept>;

/// Who asked KMS for what: another's permission is not one's own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    New { holder: String, bucket: u64, key: String },
    Open { holder: String, blob: String },
}

#[derive(Clone)]
pub(crate) struct Kept {
    key: DataKey,
    key_arn: String,
    blob: String,
}

impl S3 {
    /// A data key for a new object, and what to keep of it.
    pub(crate) async fn new_key(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        key: &str,
        wanted: &Encryption,
    ) -> Result<(DataKey, Sealed)> {
        if let Some((with, md5)) = wanted.customer.read()? {
            let data_key = DataKey::new(self.platform.env.rng.bytes());
            if wanted.algorithm.is_some() {
                let message = "Server Side Encryption with Customer provided key is incompatible with the encryption \
                               method specified";
                let algorithm = wanted.algorithm.clone().unwrap_or_default();
                return Err(error::invalid_argument(message, "x-amz-server-side-encryption", algorithm));
            }
            if bucket.record.encryption.blocks_customer_keys == Some(true) {
                return Err(error::access_denied(
                    "Access Denied: the bucket blocks server-side encryption with customer-provided keys (SSE-C)",
                ));
            }
            let wrapped = cipher::wrap(&data_key, &with, self.platform.env.rng.bytes(), PURPOSE.as_bytes());
            let sealed = Sealed { key: STANDARD.encode(wrapped), scheme: Scheme::Customer(md5), inner: None };
            return Ok((data_key, sealed));
        }
        match wanted.resolve(bucket)? {
            DefaultAlgorithm::S3 => Ok(self.new_own_key()),
            DefaultAlgorithm::Dsse => Box::pin(self.new_double_key(cx, bucket, key, wanted)).await,
            DefaultAlgorithm::Kms => {
                let by_default =
                    bucket.record.encryption.kms_key.as_deref().filter(|_| wanted.algorithm.is_none());
                let with = WithKms {
                    key_id: wanted.kms_key.as_deref().or(by_default).unwrap_or(AWS_MANAGED_KEY),
                    uses_bucket_key: wanted.bucket_key.unwrap_or(bucket.record.bucket_key),
                    header: wanted.context.as_deref(),
                };
                Box::pin(self.new_kms_key(cx, bucket, key, &with)).await
            }
        }
    }

    /// A data key that the cloud's own key wraps.
    pub(crate) fn new_own_key(&self) -> (DataKey, Sealed) {
        let data_key = DataKey::new(self.platform.env.rng.bytes());
        let wrapped = self.platform.seal.seal(PURPOSE, data_key.bytes());
        (data_key, Sealed { key: wrapped, scheme: Scheme::S3, inner: None })
    }

    /// The data key of an object of SSE-S3.
    pub(crate) fn open_own_key(&self, sealed: &Sealed) -> Result<DataKey> {
        let opened = self.platform.seal.open(PURPOSE, &sealed.key).and_then(|key| DataKey::from_slice(&key));
        opened.ok_or_else(|| ApiError::internal("an object's data key does not open"))
    }

    /// Two layers: a key of KMS around one of our own.
    async fn new_double_key(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        key: &str,
        wanted: &Encryption,
    ) -> Result<(DataKey, Sealed)> {
        if wanted.bucket_key == Some(true) {
            let message = "Bucket Key is not supported for the aws:kms:dsse encryption method.";
            let name = "x-amz-server-side-encryption-bucket-key-enabled";
            return Err(error::invalid_argument(message, name, "true"));
        }
        let by_default = bucket.record.encryption.kms_key.as_deref().filter(|_| wanted.algorithm.is_none());
        let with = WithKms {
            key_id: wanted.kms_key.as_deref().or(by_default).unwrap_or(AWS_MANAGED_KEY),
            uses_bucket_key: false,
            header: wanted.context.as_deref(),
        };
        let (outer, mut sealed) = self.new_kms_key(cx, bucket, key, &with).await?;
        let inner = DataKey::new(self.platform.env.rng.bytes());
        sealed.inner = Some(self.platform.seal.seal(INNER_PURPOSE, inner.bytes()));
        if let Scheme::Kms(scheme) = &mut sealed.scheme {
            scheme.dsse = true;
        }
        Ok((outer.around(*inner.bytes()), sealed))
    }

    /// A data key that a key of KMS wraps, or that it gives.
    pub(crate) async fn new_kms_key(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        key: &str,
        with: &WithKms<'_>,
    ) -> Result<(DataKey, Sealed)> {
        let (kept, scheme) = self.kms_scheme(cx, bucket, key, with).await?;
        if !with.uses_bucket_key {
            return Ok((kept.key, Sealed { key: String::new(), scheme: Scheme::Kms(scheme), inner: None }));
        }
        let data_key = DataKey::new(self.platform.env.rng.bytes());
        let sealed = self.wrapped(&data_key, &kept, scheme);
        Ok((data_key, sealed))
    }

    /// Wraps a data key that is there with a key of KMS: the bytes that it encrypts stay as they are.
    pub(crate) async fn rewrap(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        key: &str,
        data_key: &DataKey,
        with: &WithKms<'_>,
    ) -> Result<Sealed> {
        let (kept, scheme) = self.kms_scheme(cx, bucket, key, with).await?;
        Ok(self.wrapped(data_key, &kept, scheme))
    }

    fn wrapped(&self, data_key: &DataKey, with: &Kept, scheme: KmsScheme) -> Sealed {
        let nonce = self.platform.env.rng.bytes();
        let wrapped = cipher::wrap(data_key, with.key.bytes(), nonce, PURPOSE.as_bytes());
        Sealed { key: STANDARD.encode(wrapped), scheme: Scheme::Kms(scheme), inner: None }
    }

    async fn kms_scheme(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        key: &str,
        with: &WithKms<'_>,
    ) -> Result<(Kept, KmsScheme)> {
        check_signature(cx)?;
        let key_id = with.key_id;
        let arn = if with.uses_bucket_key { bucket.arn() } else { format!("{}/{key}", bucket.arn()) };
        let context = context(arn, with.header)?;
        let kept = if with.uses_bucket_key {
            let key = format!("{key_id} {context:?}");
            let asked = cx.holder().map(|holder| Asked::New { holder, bucket: bucket.id(), key });
            match self.bucket_keys.get(asked.as_ref(), cx.now(), BUCKET_KEY_MS) {
                Some(kept) => kept,
                None => {
                    let made = self.generate(cx, key_id, &context).await?;
                    self.bucket_keys.keep(asked, made.clone(), cx.now(), BUCKET_KEY_MS);
                    made
                }
            }
        } else {
            self.generate(cx, key_id, &context).await?
        };
        let scheme = KmsScheme {
            key_arn: kept.key_arn.clone(),
            blob: kept.blob.clone(),
            dsse: false,
            bucket_key: with.uses_bucket_key,
            context,
            header: with.header.map(str::to_owned),
        };
        Ok((kept, scheme))
    }

    async fn generate(&self, cx: &Cx, key_id: &str, context: &[(String, String)]) -> Result<Kept> {
        let input = k::GenerateDataKeyRequest {
            key_id: key_id.to_owned(),
            encryption_context: Some(Map(context.to_vec())),
            key_spec: Some("AES_256".to_owned()),
            ..k::GenerateDataKeyRequest::default()
        };
        let made = self.platform.forward::<kms::GenerateDataKey>(cx, SERVICE, input).await.map_err(of_kms)?;
        let incomplete = || ApiError::internal("KMS gave no data key");
        let key =
            made.plaintext.as_ref().and_then(|plain| DataKey::from_slice(plain)).ok_or_else(incomplete)?;
        let blob = STANDARD.encode(made.ciphertext_blob.ok_or_else(incomplete)?);
        let key_arn = made.key_id.ok_or_else(incomplete)?;
        Ok(Kept { key, key_arn, blob })
    }

    /// The data key of an object, for its reading. `None` for bytes that are not encrypted, of before there was any.
    pub(crate) async fn open_key(
        &self,
        cx: &Cx,
        sealed: Option<&Sealed>,
        customer: &CustomerKey,
    ) -> Result<Option<DataKey>> {
        let given = self.check_customer_key(sealed, customer)?;
        let Some(sealed) = sealed else { return Ok(None) };
        let lost = || ApiError::internal("an object's data key does not open");
        let key = match (&sealed.scheme, given) {
            (Scheme::Customer(_), Some(key)) => key,
            (Scheme::Customer(_), None) => return Err(lost()),
            (Scheme::S3, _) => self.open_own_key(sealed)?,
            (Scheme::Kms(scheme), _) => {
                let opened = Box::pin(self.decrypt(cx, scheme)).await?;
                if scheme.bucket_key || !sealed.key.is_empty() {
                    let wrapped = STANDARD.decode(&sealed.key).map_err(|_| lost())?;
                    cipher::unwrap(&wrapped, opened.bytes(), PURPOSE.as_bytes()).ok_or_else(lost)?
                } else {
                    opened
                }
            }
        };
        let Some(inner) = &sealed.inner else { return Ok(Some(key)) };
        let inner = self.platform.seal.open(INNER_PURPOSE, inner).and_then(|key| DataKey::from_slice(&key));
        Ok(Some(key.around(*inner.ok_or_else(lost)?.bytes())))
    }

    async fn decrypt(&self, cx: &Cx, scheme: &KmsScheme) -> Result<DataKey> {
        check_signature(cx)?;
        let asked = cx.holder().map(|holder| Asked::Open { holder, blob: scheme.blob.clone() });
        if scheme.bucket_key
            && let Some(kept) = self.bucket_keys.get(asked.as_ref(), cx.now(), BUCKET_KEY_MS)
        {
            return Ok(kept.key);
        }
        let lost = || ApiError::internal("an object's data key does not open");
        let input = k::DecryptRequest {
            ciphertext_blob: Some(STANDARD.decode(&scheme.blob).map_err(|_| lost())?.into()),
            encryption_context: Some(Map(scheme.context.clone())),
            key_id: Some(scheme.key_arn.clone()),
            ..k::DecryptRequest::default()
        };
        let opened = self.platform.forward::<kms::Decrypt>(cx, SERVICE, input).await.map_err(of_kms)?;
        let key = opened.plaintext.as_ref().and_then(|plain| DataKey::from_slice(plain)).ok_or_else(lost)?;
        if scheme.bucket_key {
            let (key_arn, blob) = (scheme.key_arn.clone(), scheme.blob.clone());
            let kept = Kept { key: key.clone(), key_arn, blob };
            self.bucket_keys.keep(asked, kept, cx.now(), BUCKET_KEY_MS);
        }
        Ok(key)
    }

    /// The data key of an object for GetObject, which tells of a wrong key of the client's what other readers do not.
    pub(crate) async fn open_for_reader(
        &self,
        cx: &Cx,
        sealed: Option<&Sealed>,
        customer: &CustomerKey,
    ) -> Result<Option<DataKey>> {
        let is_customer = sealed.is_some_and(|sealed| matches!(sealed.scheme, Scheme::Customer(_)));
        let opened = self.open_key(cx, sealed, customer).await;
        opened.map_err(|error| match error.code() {
            "AccessDenied" if is_customer => error::access_denied(
                "Requests specifying Server Side Encryption with Customer provided keys must provide the correct \
                 secret key.",
            ),
            _ => error,
        })
    }

    /// What a request to read must say of SSE-C: everything if the object has it, and nothing if not. Gives the object's
    /// data key, if that is how it is wrapped.
    pub(crate) fn check_customer_key(
        &self,
        sealed: Option<&Sealed>,
        customer: &CustomerKey,
    ) -> Result<Option<DataKey>> {
        let given = customer.read()?;
        match (sealed.map(|sealed| (&sealed.scheme, &sealed.key)), given) {
            (Some((Scheme::Customer(md5), wrapped)), Some((with, given))) => {
                let denied = || error::access_denied("Access Denied");
                if given != *md5 {
                    return Err(denied());
                }
                let wrapped = STANDARD.decode(wrapped).map_err(ApiError::internal)?;
                cipher::unwrap(&wrapped, &with, PURPOSE.as_bytes()).map(Some).ok_or_else(denied)
            }
            (Some((Scheme::Customer(_), _)), None) => Err(error::invalid_request(
                "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to \
                 retrieve the object.",
            )),
            (_, Some(_)) => {
                Err(error::invalid_request("The encryption parameters are not applicable to this object."))
            }
            (_, None) => Ok(None),
        }
    }
}

impl Encryption {
    /// What the headers ask for, or else the bucket's default.
    fn resolve(&self, bucket: &Bucket) -> Result<DefaultAlgorithm> {
        let name = "x-amz-server-side-encryption";
        let algorithm = match self.algorithm.as_deref() {
            None => None,
            Some(given) => Some(DefaultAlgorithm::parse(given).ok_or_else(|| {
                error::invalid_argument("The encryption method specified is not supported", name, given)
            })?),
        };
        let has_kms = self.kms_key.is_some() || self.context.is_some();
        if has_kms && matches!(algorithm, None | Some(DefaultAlgorithm::S3)) {
            let message = "Server Side Encryption with AWS KMS managed key requires HTTP header \
                           x-amz-server-side-encryption : aws:kms";
            return Err(error::invalid_argument(message, name, self.algorithm.clone().unwrap_or_default()));
        }
        Ok(algorithm.unwrap_or(bucket.record.encryption.algorithm))
    }

    pub(crate) fn is_given(&self) -> bool {
        self.algorithm.is_some() || self.customer.is_given()
    }
}

/// [`check_signature`] for a look at an object, which opens no key.
pub(crate) fn check_look(cx: &Cx, sealed: Option<&Sealed>) -> Result<()> {
    match sealed.map(|sealed| &sealed.scheme) {
        Some(Scheme::Kms(_)) => check_signature(cx),
        _ => Ok(()),
    }
}

/// KMS takes nothing but signature version 4. What we do by ourselves comes with no head.
fn check_signature(cx: &Cx) -> Result<()> {
    let Some(http) = cx.http() else { return Ok(()) };
    let is_anonymous = cx.caller().principal == Principal::Anonymous;
    let query = http.uri.query().unwrap_or_default();
    if !is_anonymous && !query.split('&').any(|pair| pair.starts_with("AWSAccessKeyId=")) {
        return Ok(());
    }
    let message = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.";
    Err(error::invalid_argument(message, "Authorization", "null"))
}

/// The encryption context: S3's own pair, and what the client adds.
fn context(arn: String, header: Option<&str>) -> Result<Vec<(String, String)>> {
    let mut context = vec![("aws:s3:arn".to_owned(), arn)];
    let Some(header) = header else { return Ok(context) };
    let name = "x-amz-server-side-encryption-context";
    let invalid = || error::invalid_argument("The encryption context is not valid.", name, header);
    if header.len() > CONTEXT_LENGTH_MAX {
        return Err(invalid());
    }
    let json = STANDARD.decode(header).map_err(|_| invalid())?;
    let given: std::collections::BTreeMap<String, String> =
        serde_json::from_slice(&json).map_err(|_| invalid())?;
    if given.contains_key("aws:s3:arn") {
        // Naming it is allowed only with the value that it has anyway.
        if given.get("aws:s3:arn") != context.first().map(|(_, arn)| arn) {
            return Err(invalid());
        }
    }
    context.extend(given.into_iter().filter(|(key, _)| key != "aws:s3:arn"));
    Ok(context)
}

/// KMS's refusal as S3 passes it on (S3 API Reference, "Error responses": KMS.…).
fn of_kms(refused: ApiError) -> ApiError {
    match refused.code() {
        "AccessDeniedException" => error::access_denied(refused.message().to_owned()),
        "DisabledException" => error::new("KMS.DisabledException", 400, refused.message().to_owned()),
        "NotFoundException" => error::new("KMS.NotFoundException", 400, refused.message().to_owned()),
        "KMSInvalidStateException" => {
            error::new("KMS.KMSInvalidStateException", 400, refused.message().to_owned())
        }
        "InvalidKeyUsageException" => {
            error::new("KMS.InvalidKeyUsageException", 400, refused.message().to_owned())
        }
        "ThrottlingException" => error::new("SlowDown", 503, "Please reduce your request rate."),
        _ => refused,
    }
}

/// Whether the ETag is another than the MD5 of the content.
pub(crate) fn hides_md5(sealed: &Sealed) -> bool {
    sealed.scheme != Scheme::S3
}
