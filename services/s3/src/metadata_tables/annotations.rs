use haneul_kit::cx::Parts;
use haneul_kit::{ApiError, Cx, Instant, Result};
use haneul_s3_iceberg::{DataFile, DataFileWriter, Operation, Schema, tables};

use super::journal::Outcome;
use super::writing::{Writer, is_refusal, overtaken};
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
use crate::store::table_buckets::NewFile;
use crate::{S3, roles};

/// A file is in memory while it is made, with the texts.
const ROWS_MAX: u64 = 100_000;
const FILE_BYTES_MAX: usize = 16 << 20;

/// What the role must be allowed on an object for its annotations to be in the table.
const NEEDED: &[&str] = &["s3:ListObjectAnnotations", "s3:GetObjectAnnotation"];

pub(crate) fn schema() -> Schema {
    tables::schema(&tables::ANNOTATION)
}

/// What is being listed, and what was made of it so far.
struct Listing<'a> {
    writer: &'a Writer<'a>,
    bucket: &'a Bucket,
    /// As the configuration's role.
    cx: Cx,
    file: DataFileWriter,
    files: Vec<DataFile>,
    staged: Vec<NewFile>,
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
        let mut listing = Listing {
            writer: &writer,
            bucket: &bucket,
            cx: Cx::new(parts),
            file: new_file()?,
            files: Vec::new(),
            staged: Vec::new(),
        };
        let listed = self.list_annotations(&mut listing).await;
        let Listing { files, staged, .. } = listing;
        if let Err(error) = listed {
            self.discard_files(&staged).await;
            return Err(error);
        }
        feed.annotations.is_stale = false;
        feed.annotations.listed_ms = now.millis();
        let current = match writer.metadata().await?.1 {
            metadata if metadata.current_snapshot().is_some() => {
                writer.with_files(|objects| metadata.files(objects)).await?
            }
            _ => Vec::new(),
        };
        let removed: Vec<String> = current.into_iter().map(|file| file.location).collect();
        let made = writer.change(
            |table, commit, objects| match (removed.is_empty(), files.is_empty()) {
                (true, true) => Ok(None),
                (true, false) => table.append(commit, &files, objects).map(Some),
                (false, _) => {
                    table.replace(commit, Operation::Overwrite, &removed, &files, objects).map(Some)
                }
            },
            staged,
            &[],
            (id, feed),
        );
        if made.await? { Ok(Outcome::Written) } else { Err(overtaken()) }
    }

    async fn list_annotations(&self, listing: &mut Listing<'_>) -> Result<()> {
        let query = Query { bucket: listing.bucket.id(), prefix: "", delimiter: "", limit: PAGE_MAX };
        let mut marker: (Option<String>, Option<String>) = (None, None);
        loop {
            let (key, version) = (marker.0.as_deref(), marker.1.as_deref());
            let (page, next_version) = self.records.list_versions(query, key, version).await?;
            for (key, record, _) in page.items {
                if record.annotations > 0 && self.may_be_read(listing, &key).await? {
                    self.list_annotations_of(listing, &key, &record).await?;
                }
            }
            match page.next {
                Some(next) => marker = (Some(next), next_version),
                None => return self.close_file(listing).await,
            }
        }
    }

    /// Whether the role may read the annotations of an object. What it may not is left out.
    async fn may_be_read(&self, listing: &Listing<'_>, key: &str) -> Result<bool> {
        let access = |action: &&'static str| listing.bucket.object_access(&listing.cx, action, key);
        let needed: Vec<_> = NEEDED.iter().map(access).collect();
        match self.platform.authorize(&listing.cx, "s3", &needed).await {
            Ok(()) => Ok(true),
            Err(refused) if is_refusal(&refused) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn list_annotations_of(
        &self,
        listing: &mut Listing<'_>,
        key: &str,
        record: &ObjectRecord,
    ) -> Result<()> {
        let bucket = listing.bucket;
        let is_versioned = bucket.record.versioning != Versioning::Off;
        let asked = ("", None);
        let found = self.records.annotations(bucket.id(), key, record.seq, asked, ANNOTATIONS_MAX).await?;
        for (name, _) in found {
            let reading = self.content.readers.begin();
            // One that is gone by now is told of by whoever took it away.
            let of_one = self.records.annotation(bucket.id(), key, record.seq, &name).await?;
            let Some((annotation, inline)) = of_one else { continue };
            let opened = self.open_key(&listing.cx, Some(&annotation.sealed), &CustomerKey::default()).await;
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
            listing.file.row(row).map_err(ApiError::internal)?;
            if listing.file.rows() >= ROWS_MAX || listing.file.size() >= FILE_BYTES_MAX {
                self.close_file(listing).await?;
            }
        }
        Ok(())
    }

    async fn close_file(&self, listing: &mut Listing<'_>) -> Result<()> {
        if listing.file.rows() == 0 {
            return Ok(());
        }
        let written = std::mem::replace(&mut listing.file, new_file()?).finish();
        let location = listing.writer.data_location();
        listing.files.push(written.at(&location));
        listing.staged.push(listing.writer.stage(&location, written.bytes).await?);
        Ok(())
    }
}

fn new_file() -> Result<DataFileWriter> {
    DataFileWriter::new(&schema()).map_err(ApiError::internal)
}

fn body_of(annotation: &AnnotationRecord) -> Body {
    Body { size: annotation.size, data: annotation.data.clone(), ..Body::default() }
}
