//! The files of a table that S3 writes: durable first, and the table's by the commit that names them.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, ApiError, ByteStream, Cx, Result};
use haneul_s3_iceberg::{NewTable, Schema, TableMetadata};

use super::warehouse;
use crate::S3;
use crate::bucket::Bucket;
use crate::checksum::Algorithm;
use crate::content::receive::Expectation;
use crate::encryption::Encryption;
use crate::error::tables as refusals;
use crate::model::Body;
use crate::model::table::TableRecord;
use crate::ops::put_object::etag;
use crate::store::table_buckets::NewFile;

impl S3 {
    /// The first metadata of a table that is to be made, and where it is.
    pub(crate) async fn first_metadata(
        &self,
        cx: &Cx,
        owner: AccountId,
        table: &TableRecord,
        schema: Schema,
        properties: BTreeMap<String, String>,
    ) -> Result<(String, NewFile)> {
        let new = NewTable {
            uuid: table.id.clone(),
            location: warehouse::location(table),
            schema,
            properties,
            now_ms: cx.now().millis(),
        };
        let invalid = |error: haneul_s3_iceberg::Error| refusals::bad_request(error.to_string());
        let metadata = TableMetadata::new(new).map_err(invalid)?;
        let location = metadata.first_location(&self.platform.env.rng.uuid());
        let bucket = warehouse::own(table, owner, cx.region().as_str().to_owned())?;
        let bytes = metadata.to_json().map_err(invalid)?;
        let file = self.stage_file(cx, table, &bucket, &location, bytes).await?;
        Ok((location, file))
    }

    /// Makes the bytes of a file durable, encrypted as the table's are.
    pub(crate) async fn stage_file(
        &self,
        cx: &Cx,
        table: &TableRecord,
        bucket: &Bucket,
        location: &str,
        bytes: Vec<u8>,
    ) -> Result<NewFile> {
        let outside = || ApiError::internal("a file of a table would be outside its warehouse");
        let key = warehouse::key_of(table, location).ok_or_else(outside)?;
        let (data_key, sealed) = self.new_key(cx, bucket, key, &Encryption::default()).await?;
        let expected = Expectation::internal(bytes.len() as u64, Algorithm::Crc64Nvme);
        let body = ByteStream::from_bytes(bytes);
        let received = self.content.receive(body, &expected, Some(data_key.piece(None))).await?;
        let body = Body {
            size: received.size,
            etag: etag(&data_key, &sealed, &received.md5),
            checksum: Some(received.checksum),
            data: received.data,
            sealed: Some(sealed),
            ..Body::default()
        };
        let random = self.platform.env.rng.bytes();
        Ok(NewFile { key: key.to_owned(), body, inline: received.inline, random })
    }

    /// Files of which nothing became.
    pub(crate) async fn discard_files(&self, files: &[NewFile]) {
        for file in files {
            self.content.discard(&file.body.data).await;
        }
    }
}
