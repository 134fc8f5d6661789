use bytes::Bytes;
use haneul_kit::{ApiError, Cx, Fault, Result};
use haneul_lambda_wire::shapes as s;
use haneul_s3_wire::{operations as s3_op, shapes as o};

use crate::code::{UNZIPPED_MAX, ZIPPED_MAX};
use crate::lambda::PRINCIPAL;
use crate::{Lambda, error};

/// Where a package comes from.
#[derive(Default)]
pub(super) struct Source {
    pub(super) zip_file: Option<Bytes>,
    pub(super) bucket: Option<String>,
    pub(super) key: Option<String>,
    pub(super) version: Option<String>,
    pub(super) storage_mode: Option<String>,
    pub(super) image: Option<String>,
    pub(super) kms_key: Option<String>,
}

impl Source {
    pub(super) fn of_function(code: s::FunctionCode) -> Source {
        Source {
            zip_file: code.zip_file,
            bucket: code.s3_bucket,
            key: code.s3_key,
            version: code.s3_object_version,
            storage_mode: code.s3_object_storage_mode,
            image: code.image_uri,
            kms_key: code.source_kms_key_arn,
        }
    }

    pub(super) fn of_layer(content: s::LayerVersionContentInput) -> Source {
        Source {
            zip_file: content.zip_file,
            bucket: content.s3_bucket,
            key: content.s3_key,
            version: content.s3_object_version,
            storage_mode: content.s3_object_storage_mode,
            ..Source::default()
        }
    }
}

impl Source {
    /// The image's URI, where nothing else is given.
    ///
    /// # Errors
    /// As Lambda words it.
    pub(super) fn image_alone(&self) -> Result<&str> {
        let other =
            self.zip_file.is_some() || self.bucket.is_some() || self.key.is_some() || self.version.is_some();
        match &self.image {
            Some(_) if other => Err(error::parameter(
                "Please do not provide other FunctionCode parameters when providing an ImageUri.",
            )),
            Some(uri) => Ok(uri),
            None => Err(error::parameter(
                "Please provide ImageUri when creating a function with packageType Image.",
            )),
        }
    }
}

impl Lambda {
    /// The bytes of a package, fetched from S3 on behalf of the caller.
    pub(super) async fn fetch(&self, cx: &Cx, source: Source) -> Result<Bytes> {
        if source.image.is_some() {
            return Err(error::parameter(
                "Please don't provide ImageUri for functions with packageType Zip.",
            ));
        }
        if source.storage_mode.as_deref() == Some("REFERENCE") {
            return Err(error::unsupported("S3ObjectStorageMode REFERENCE"));
        }
        if source.kms_key.as_deref().is_some_and(|key| !key.is_empty()) {
            return Err(error::unsupported("SourceKMSKeyArn"));
        }
        match (source.zip_file, source.bucket, source.key) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => Err(error::parameter(
                "Please do not provide other FunctionCode parameters when providing a ZipFile.",
            )),
            (Some(zip), None, None) if zip.len() > ZIPPED_MAX => Err(error::too_large(format!(
                "Request must be smaller than {ZIPPED_MAX} bytes for the CreateFunction operation"
            ))),
            (Some(zip), None, None) => Ok(zip),
            (None, Some(bucket), Some(key)) => self.fetch_object(cx, bucket, key, source.version).await,
            _ => Err(error::parameter("Please provide a source for function code.")),
        }
    }

    async fn fetch_object(
        &self,
        cx: &Cx,
        bucket: String,
        key: String,
        version_id: Option<String>,
    ) -> Result<Bytes> {
        let named = format!("{bucket}/{key}");
        let input = o::GetObjectRequest { bucket, key, version_id, ..Default::default() };
        let got = self.platform.forward::<s3_op::GetObject>(cx, PRINCIPAL, input).await;
        let got = got.map_err(|refused| match (refused.fault(), refused.code()) {
            (Fault::Server, _) => refused,
            (_, code @ ("AccessDenied" | "AllAccessDisabled")) => ApiError::new(
                "AccessDeniedException",
                format!(
                    "Your access has been denied by S3, please make sure your request credentials have permission to \
                     GetObject for {named}. S3 Error Code: {code}. S3 Error Message: {}",
                    refused.message()
                ),
            )
            .with_status(403),
            (_, code) => error::parameter(format!(
                "Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {}",
                refused.message()
            )),
        })?;
        let limit = usize::try_from(UNZIPPED_MAX).unwrap_or(usize::MAX);
        if got.content_length.is_some_and(|length| length > limit as i64) {
            return Err(too_large());
        }
        got.body.collect(limit).await.map(Bytes::from).map_err(|_| too_large())
    }
}

fn too_large() -> ApiError {
    error::parameter(format!("Unzipped size must be smaller than {UNZIPPED_MAX} bytes"))
}
