use haneul_kit::cx::Parts;
use haneul_kit::{ApiError, Cx, Instant, Result};
use haneul_s3_iceberg::{Schema, tables};

use super::journal::Outcome;
use super::listing::Listing;
use super::writing::is_refusal;
use super::{PRINCIPAL, rows};
use crate::bucket::Bucket;
use crate::content::receive::Expectation;
use crate::encryption::CustomerKey;
use crate::model::annotation::AnnotationRecord;
use crate::model::metadata::{MetadataFeed, TableError};
use crate::model::{Body, ObjectRecord, Versioning};
use crate::range::Span;
use crate::store::annotations::ANNOTATIONS_MAX;
use crate::store::listing::{PAGE_MAX, Query};
use crate::{S3, roles};

/// Less than of other tables: a row has up to 1 MiB.
const FILE_BYTES_MAX: usize = 16 << 20;

/// What the role must be allowed on an object for its annotations to be in the table.
const NEEDED: &[&str] = &["s3:ListObjectAnnotations", "s3:GetObjectAnnotation"];

pub(crate) fn schema() -> Schema {
    tables::schema(&tables::ANNOTATION)
}

/// Whose annotations are listed, and as whom: the configuration's role.
struct Reading<'a> {
    bucket: &'a Bucket,
    cx: Cx,
}

impl S3 {
    /// Lists the annotations of the bucket anew, and puts that in the place of what the table says.
    pub(crate) async fn write_annotations(
        &self,
        id: u64,
        feed: &mut MetadataFeed,
        now: Instant,
    ) -> Result<Outcome> {
        let table = feed.annotations.table.table.clone().unwrap_or_default();
        let Some(writer) = self.metadata_writer(feed, &table, now).await? else {
            return Ok(Outcome::Failed(TableError::DestinationTableNotFound));
        };
        let Some(role) = feed.configuration.annotations.as_ref().map(|own| own.role.clone()) else {
            return Err(ApiError::internal("a table of annotations without a role"));
        };
        let bucket = self.bucket_by_name(&feed.bucket).await?;
        // It may be another by now, of the same name.
        if bucket.id() != feed.bucket_id {
            return Ok(Outcome::Written);
        }
        let caller = roles::assume_as(self, PRINCIPAL, &bucket.source(), &role, "s3-metadata").await?;
        let parts = Parts::within(self.platform.env.rng.uuid(), caller, bucket.region, now);
        let reading = Reading { bucket: &bucket, cx: Cx::new(parts) };
        let mut listing = Listing::new(self, &writer, schema(), FILE_BYTES_MAX)?;
        if let Err(error) = self.list_annotations(&reading, &mut listing).await {
            listing.discard().await;
            return Err(error);
        }
        feed.annotations.is_stale = false;
        feed.annotations.listed_ms = now.millis();
        listing.commit((id, feed)).await
    }

    async fn list_annotations(&self, from: &Reading<'_>, listing: &mut Listing<'_>) -> Result<()> {
        let query = Query { bucket: from.bucket.id(), prefix: "", delimiter: "", limit: PAGE_MAX };
        let mut marker: (Option<String>, Option<String>) = (None, None);
        loop {
            let (key, version) = (marker.0.as_deref(), marker.1.as_deref());
            let (page, next_version) = self.records.list_versions(query, key, version).await?;
            for (key, record, _) in page.items {
                if record.annotations > 0 && self.may_be_read(from, &key).await? {
                    self.list_annotations_of(from, (&key, &record), listing).await?;
                }
            }
            match page.next {
                Some(next) => marker = (Some(next), next_version),
                None => return listing.finish().await,
            }
        }
    }

    /// Whether the role may read the annotations of an object. What it may not is left out.
    async fn may_be_read(&self, from: &Reading<'_>, key: &str) -> Result<bool> {
        let access = |action: &&'static str| from.bucket.object_access(&from.cx, action, key);
        let needed: Vec<_> = NEEDED.iter().map(access).collect();
        match self.platform.authorize(&from.cx, "s3", &needed).await {
            Ok(()) => Ok(true),
            Err(refused) if is_refusal(&refused) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn list_annotations_of(
        &self,
        from: &Reading<'_>,
        (key, record): (&str, &ObjectRecord),
        listing: &mut Listing<'_>,
    ) -> Result<()> {
        let bucket = from.bucket;
        let is_versioned = bucket.record.versioning != Versioning::Off;
        let asked = ("", None);
        let found = self.records.annotations(bucket.id(), key, record.seq, asked, ANNOTATIONS_MAX).await?;
        for (name, _) in found {
            let reading = self.content.readers.begin();
            // One that is gone by now is told of by whoever took it away.
            let of_one = self.records.annotation(bucket.id(), key, record.seq, &name).await?;
            let Some((annotation, inline)) = of_one else { continue };
            let opened = self.open_key(&from.cx, Some(&annotation.sealed), &CustomerKey::default()).await;
            let text = match opened {
                Ok(opened) => {
                    let body = body_of(&annotation);
                    let whole = Span::whole(body.size);
                    let stream = self.stream(&body, inline, whole, reading, opened).await?;
                    let expected = Expectation::internal(body.size, annotation.checksum.algorithm);
                    let bytes = self.content.whole(stream, &expected).await?;
                    Some(String::from_utf8(bytes).map_err(ApiError::internal)?)
                }
                // The key does not let the role in.
                Err(refused) if is_refusal(&refused) => None,
                Err(error) => return Err(error),
            };
            let version = is_versioned.then(|| record.version_name().to_owned());
            let row =
                rows::of_annotation((&bucket.name, key), (version, record.seq), name, &annotation, text);
            listing.row(row).await?;
        }
        Ok(())
    }
}

fn body_of(annotation: &AnnotationRecord) -> Body {
    Body { size: annotation.size, data: annotation.data.clone(), ..Body::default() }
}
