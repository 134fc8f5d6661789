//! Listings in order of the keys' bytes. A common prefix is skipped by a seek, so that a page costs what it shows.

use haneul_kit::Result;
use haneul_store::{Key, Range, Reads, Record, Snapshot, StoreError, Table};

use super::Records;
use super::tables::{CURRENT, LISTED, UPLOADS, VERSIONS};
use super::versions::{order, parse_version_id};
use crate::error;
use crate::model::object::NULL;
use crate::model::{ListedObject, ObjectRecord, UploadRecord};

/// Entries of a page at most.
pub(crate) const PAGE_MAX: usize = 1000;

/// Rows read at once while common prefixes are being skipped.
const BATCH_MIN: usize = 32;

/// Versions of one key that are read at once.
const VERSIONS_BATCH: usize = PAGE_MAX + 1;

/// What is listed.
#[derive(Clone, Copy)]
pub(crate) struct Query<'a> {
    pub(crate) bucket: u64,
    pub(crate) prefix: &'a str,
    /// Empty for none.
    pub(crate) delimiter: &'a str,
    pub(crate) limit: usize,
}

/// A page: rows and common prefixes, together at most the limit.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) prefixes: Vec<String>,
    /// The last entry, key or common prefix, when there is more.
    pub(crate) next: Option<String>,
}

/// Where to begin: after a key, after everything under a common prefix, or at a key itself.
#[derive(Clone, Debug)]
enum Position {
    Start,
    After(String),
    Past(String),
    At(String),
}

impl Query<'_> {
    /// The common prefix of a key, if it has one.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = key.get(self.prefix.len()..)?;
        rest.find(self.delimiter).map(|at| &key[..self.prefix.len() + at + self.delimiter.len()])
    }

    /// A marker inside a common prefix stands for all of it: that prefix was on an earlier page.
    fn after(&self, marker: Option<&str>) -> Position {
        match marker {
            None | Some("") => Position::Start,
            Some(marker) if marker.starts_with(self.prefix) => match self.common_prefix(marker) {
                Some(prefix) => Position::Past(prefix.to_owned()),
                None => Position::After(marker.to_owned()),
            },
            Some(marker) => Position::After(marker.to_owned()),
        }
    }
}

impl Records {
    /// Current versions that are no delete markers: all of their records, or what listings show.
    pub(crate) async fn list_objects<V: Current>(
        &self,
        query: Query<'_>,
        marker: Option<&str>,
    ) -> Result<Page<(String, V)>> {
        let snapshot = self.store.snapshot().await.map_err(error::store)?;
        let mut cursor = Cursor::new(&snapshot, V::table(), query, query.after(marker));
        let mut page = Page { items: Vec::new(), prefixes: Vec::new(), next: None };
        let mut last = None;
        while let Some(((_, key), record)) = cursor.next().await.map_err(error::store)? {
            if record.is_delete_marker() {
                continue;
            }
            if page.items.len() + page.prefixes.len() == query.limit {
                page.next = last;
                break;
            }
            match query.common_prefix(&key).map(str::to_owned) {
                Some(prefix) => {
                    cursor.skip(prefix.clone());
                    last = Some(prefix.clone());
                    page.prefixes.push(prefix);
                }
                None => {
                    last = Some(key.clone());
                    page.items.push((key, record));
                }
            }
        }
        Ok(page)
    }

    /// All versions and delete markers; each with whether it is the current one. `version_marker` counts only with a
    /// key marker: the listing goes on after that version.
    pub(crate) async fn list_versions(
        &self,
        query: Query<'_>,
        key_marker: Option<&str>,
        version_marker: Option<&str>,
    ) -> Result<(Page<(String, ObjectRecord, bool)>, Option<String>)> {
        let snapshot = self.store.snapshot().await.map_err(error::store)?;
        let resume = match (key_marker, version_marker) {
            (Some(key), Some(version))
                if key.starts_with(query.prefix) && query.common_prefix(key).is_none() =>
            {
                self.resume_seq(&snapshot, query.bucket, key, version).await?.map(|seq| (key.to_owned(), seq))
            }
            _ => None,
        };
        let start = match &resume {
            Some((key, _)) => Position::At(key.clone()),
            None => query.after(key_marker),
        };
        let mut cursor = Cursor::new(&snapshot, &CURRENT, query, start);
        let mut page = Page { items: Vec::new(), prefixes: Vec::new(), next: None };
        let mut last: Option<(String, Option<String>)> = None;
        'keys: while let Some(((_, key), current)) = cursor.next().await.map_err(error::store)? {
            if let Some(prefix) = query.common_prefix(&key).map(str::to_owned) {
                if page.items.len() + page.prefixes.len() == query.limit {
                    page.next = last.as_ref().map(|(key, _)| key.clone());
                    break;
                }
                cursor.skip(prefix.clone());
                last = Some((prefix.clone(), None));
                page.prefixes.push(prefix);
                continue;
            }
            let below = resume.as_ref().filter(|(marker, _)| *marker == key).map(|(_, seq)| *seq);
            let mut versions = Vec::new();
            let older = current.older;
            if below.is_none_or(|seq| current.seq < seq) {
                versions.push((current, true));
            }
            if older {
                let mut range = Range::prefix((query.bucket, key.as_str()));
                if let Some(seq) = below {
                    range = range.after(&(query.bucket, key.as_str(), order(seq)));
                }
                let rows = snapshot.scan(&VERSIONS, range, VERSIONS_BATCH).await.map_err(error::store)?;
                versions.extend(rows.into_iter().map(|(_, record)| (record, false)));
            }
            for (record, is_latest) in versions {
                if page.items.len() + page.prefixes.len() == query.limit {
                    page.next = last.as_ref().map(|(key, _)| key.clone());
                    break 'keys;
                }
                last = Some((key.clone(), Some(record.version_name().to_owned())));
                page.items.push((key.clone(), record, is_latest));
            }
        }
        let version = page.next.as_ref().and(last).and_then(|(_, version)| version);
        Ok((page, version))
    }

    async fn resume_seq(
        &self,
        snapshot: &Snapshot,
        bucket: u64,
        key: &str,
        version: &str,
    ) -> Result<Option<u64>> {
        if version == NULL {
            let found =
                super::versions::find(snapshot, bucket, key, Some(NULL)).await.map_err(error::store)?;
            return Ok(found.map(|record| record.seq));
        }
        match parse_version_id(version) {
            Some(seq) => Ok(Some(seq)),
            None => {
                Err(error::invalid_argument("Invalid version id specified", "version-id-marker", version))
            }
        }
    }

    /// Uploads under way, by key and then by the time they began.
    pub(crate) async fn list_uploads(
        &self,
        query: Query<'_>,
        key_marker: Option<&str>,
        upload_marker: Option<&str>,
    ) -> Result<(Page<(String, String, UploadRecord)>, Option<String>)> {
        let snapshot = self.store.snapshot().await.map_err(error::store)?;
        // The marker of an upload says: this key again, but only later uploads.
        let start = match (key_marker, upload_marker) {
            (Some(key), Some(_)) => Position::At(key.to_owned()),
            (marker, _) => query.after(marker),
        };
        let mut cursor = Cursor::new(&snapshot, &UPLOADS, query, start);
        let mut page = Page { items: Vec::new(), prefixes: Vec::new(), next: None };
        let mut last: Option<(String, Option<String>)> = None;
        while let Some(((_, key, id), record)) = cursor.next().await.map_err(error::store)? {
            let seen = |marker, upload| key == marker && id.as_str() <= upload;
            if key_marker.zip(upload_marker).is_some_and(|(marker, upload)| seen(marker, upload)) {
                continue;
            }
            if page.items.len() + page.prefixes.len() == query.limit {
                page.next = last.as_ref().map(|(key, _)| key.clone());
                break;
            }
            match query.common_prefix(&key).map(str::to_owned) {
                Some(prefix) => {
                    cursor.skip(prefix.clone());
                    last = Some((prefix.clone(), None));
                    page.prefixes.push(prefix);
                }
                None => {
                    last = Some((key.clone(), Some(id.clone())));
                    page.items.push((key, id, record));
                }
            }
        }
        let upload = page.next.as_ref().and(last).and_then(|(_, id)| id);
        Ok((page, upload))
    }
}

/// How much of the current versions is read.
pub(crate) trait Current: Record + 'static {
    fn table() -> &'static Table<(u64, String), Self>;
    fn is_delete_marker(&self) -> bool;
}

impl Current for ObjectRecord {
    fn table() -> &'static Table<(u64, String), Self> {
        &CURRENT
    }

    fn is_delete_marker(&self) -> bool {
        self.body.is_none()
    }
}

impl Current for ListedObject {
    fn table() -> &'static Table<(u64, String), Self> {
        &LISTED
    }

    fn is_delete_marker(&self) -> bool {
        self.body.is_none()
    }
}

/// Keys whose second component is the object's key.
trait Keyed: Key + Clone {
    fn object_key(&self) -> &str;
    fn all(bucket: u64) -> Range<Self>;
    /// Past every row of the object's key.
    fn past_key(bucket: u64, key: &str) -> Range<Self>;
}

impl Keyed for (u64, String) {
    fn object_key(&self) -> &str {
        &self.1
    }

    fn all(bucket: u64) -> Range<Self> {
        Range::prefix((bucket,))
    }

    fn past_key(bucket: u64, key: &str) -> Range<Self> {
        Range::prefix((bucket,)).after(&(bucket, key))
    }
}

impl Keyed for (u64, String, String) {
    fn object_key(&self) -> &str {
        &self.1
    }

    fn all(bucket: u64) -> Range<Self> {
        Range::prefix((bucket,))
    }

    fn past_key(bucket: u64, key: &str) -> Range<Self> {
        // Upload ids are ASCII: this is after all of them.
        Range::prefix((bucket,)).after(&(bucket, key, "\u{10FFFF}"))
    }
}

/// Walks the rows of a table under a prefix, in batches, and can jump past a common prefix.
struct Cursor<'a, K: 'static, V: 'static> {
    snapshot: &'a Snapshot,
    table: &'static Table<K, V>,
    query: Query<'a>,
    rows: std::vec::IntoIter<(K, V)>,
    resume: Resume<K>,
    /// Rows under this prefix are passed over.
    skipping: Option<String>,
    batch: usize,
}

enum Resume<K> {
    From(Position),
    After(K),
    End,
}

impl<'a, K: Keyed, V: Record> Cursor<'a, K, V> {
    fn new(snapshot: &'a Snapshot, table: &'static Table<K, V>, query: Query<'a>, start: Position) -> Self {
        // Without a delimiter every row is shown: one batch does.
        let batch = if query.delimiter.is_empty() { query.limit + 1 } else { BATCH_MIN };
        let rows = Vec::new().into_iter();
        Cursor { snapshot, table, query, rows, resume: Resume::From(start), skipping: None, batch }
    }

    /// Passes over everything else under `prefix`.
    fn skip(&mut self, prefix: String) {
        self.skipping = Some(prefix);
    }

    async fn next(&mut self) -> Result<Option<(K, V)>, StoreError> {
        loop {
            for (key, value) in self.rows.by_ref() {
                let skipped = |prefix: &String| key.object_key().starts_with(prefix.as_str());
                if !self.skipping.as_ref().is_some_and(skipped) {
                    self.skipping = None;
                    return Ok(Some((key, value)));
                }
            }
            if !self.fetch().await? {
                return Ok(None);
            }
        }
    }

    async fn fetch(&mut self) -> Result<bool, StoreError> {
        let bucket = self.query.bucket;
        let range = match (std::mem::replace(&mut self.resume, Resume::End), self.skipping.take()) {
            (Resume::End, _) => return Ok(false),
            // The whole batch was under the prefix, or its last row began it: seek past what is left of it.
            (_, Some(prefix)) | (Resume::From(Position::Past(prefix)), None) => {
                K::all(bucket).past_text(&prefix)
            }
            (Resume::From(Position::Start), None) => K::all(bucket),
            (Resume::From(Position::At(key)), None) => K::all(bucket).from_text(&key),
            (Resume::From(Position::After(key)), None) => K::past_key(bucket, &key),
            (Resume::After(row), None) => K::all(bucket).after(&row),
        };
        let rows = self.snapshot.scan(self.table, range.text(self.query.prefix), self.batch).await?;
        if rows.len() == self.batch
            && let Some((last, _)) = rows.last()
        {
            self.resume = Resume::After(last.clone());
        }
        self.batch = (self.batch * 2).min(PAGE_MAX + 1);
        let found = !rows.is_empty();
        self.rows = rows.into_iter();
        Ok(found)
    }
}
