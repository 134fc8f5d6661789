//! One walk over all that a bucket holds, for whoever counts it.

use haneul_kit::Result;

use super::BATCH;
use crate::S3;
use crate::model::{ObjectRecord, UploadRecord};

/// Is shown a bucket's versions and uploads, in the order of their keys.
pub(crate) trait Visitor: Send {
    /// A version of an object, or a delete marker.
    fn version(&mut self, key: &str, record: &ObjectRecord, is_current: bool);

    /// An upload that is under way, with how many parts and bytes it has.
    fn upload(&mut self, key: &str, upload: &UploadRecord, parts: u64, bytes: u64);
}

impl S3 {
    pub(super) async fn walk(&self, bucket: u64, visitors: &mut [&mut dyn Visitor]) -> Result<()> {
        let mut uploads =
            Uploads { s3: self, bucket, after: None, page: Vec::new().into_iter(), ended: false };
        let mut upload = uploads.next().await?;
        let mut after: Option<String> = None;
        loop {
            let keys = self.records.keys_after(bucket, after.as_deref(), BATCH).await?;
            for (key, record) in &keys {
                while let Some(due) = upload.take_if(|(upload, ..)| *upload < *key) {
                    show(visitors, &due);
                    upload = uploads.next().await?;
                }
                visitors.iter_mut().for_each(|visitor| visitor.version(key, record, true));
                if record.older {
                    self.walk_older(bucket, key, visitors).await?;
                }
            }
            after = keys.last().map(|(key, _)| key.clone());
            if keys.len() < BATCH {
                break;
            }
        }
        while let Some(due) = upload {
            show(visitors, &due);
            upload = uploads.next().await?;
        }
        Ok(())
    }

    async fn walk_older(&self, bucket: u64, key: &str, visitors: &mut [&mut dyn Visitor]) -> Result<()> {
        let mut below = None;
        loop {
            let versions = self.records.older_versions(bucket, key, below, BATCH).await?;
            for record in &versions {
                visitors.iter_mut().for_each(|visitor| visitor.version(key, record, false));
            }
            match versions.last() {
                Some(last) if versions.len() == BATCH => below = Some(last.seq),
                _ => return Ok(()),
            }
        }
    }
}

type Upload = (String, UploadRecord, u64, u64);

fn show(visitors: &mut [&mut dyn Visitor], (key, upload, parts, bytes): &Upload) {
    visitors.iter_mut().for_each(|visitor| visitor.upload(key, upload, *parts, *bytes));
}

/// A bucket's uploads, page by page.
struct Uploads<'a> {
    s3: &'a S3,
    bucket: u64,
    after: Option<(String, String)>,
    page: std::vec::IntoIter<((String, String), UploadRecord)>,
    ended: bool,
}

impl Uploads<'_> {
    async fn next(&mut self) -> Result<Option<Upload>> {
        let records = &self.s3.records;
        if self.page.len() == 0 && !self.ended {
            let page = records.uploads_after(self.bucket, self.after.as_ref(), BATCH).await?;
            self.ended = page.len() < BATCH;
            self.after = page.last().map(|(row, _)| row.clone());
            self.page = page.into_iter();
        }
        let Some(((key, id), upload)) = self.page.next() else { return Ok(None) };
        let (mut parts, mut bytes, mut after) = (0, 0, None);
        loop {
            let page = records.part_sizes(self.bucket, &id, after, BATCH).await?;
            parts += page.len() as u64;
            bytes += page.iter().map(|(_, size)| size).sum::<u64>();
            after = page.last().map(|(number, _)| *number);
            if page.len() < BATCH {
                return Ok(Some((key, upload, parts, bytes)));
            }
        }
    }
}
