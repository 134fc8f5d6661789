use haneul_store::{Record, RecordError};
use serde::{Deserialize, Serialize, Serializer};

use super::object::{ObjectRecord, Restore};
use super::tiering::{AccessTier, Tiered};
use crate::checksum::{Algorithm, Kind};

/// What a listing shows of an [`ObjectRecord`]: the same rows, of which the rest is passed over. It is never written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct ListedObject {
    #[serde(rename = "m")]
    pub(crate) modified_s: i64,
    #[serde(rename = "w", default)]
    pub(crate) owner: Option<u64>,
    #[serde(rename = "b", default)]
    pub(crate) body: Option<ListedBody>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct ListedBody {
    #[serde(rename = "s")]
    pub(crate) size: u64,
    #[serde(rename = "e")]
    pub(crate) etag: String,
    #[serde(rename = "c", default)]
    pub(crate) checksum: Option<ListedChecksum>,
    #[serde(rename = "k", default)]
    storage_class: Option<String>,
    #[serde(rename = "r", default)]
    pub(crate) restore: Option<Restore>,
    #[serde(rename = "g", default)]
    tiered: Option<Tiered>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct ListedChecksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: Kind,
}

impl ListedBody {
    pub(crate) fn storage_class(&self) -> &str {
        self.storage_class.as_deref().unwrap_or("STANDARD")
    }

    pub(crate) fn archive_tier(&self) -> Option<AccessTier> {
        self.tiered.map(|tiered| tiered.tier).filter(|tier| tier.is_archive())
    }
}

impl Record for ListedObject {
    const VERSION: u32 = ObjectRecord::VERSION;

    fn encode(&self, _out: &mut Vec<u8>) -> Result<(), RecordError> {
        Err(RecordError::of("a part of a record is not written"))
    }
}

impl Serialize for ListedObject {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("a part of a record is not written"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::Checksum;
    use crate::model::Body;

    #[test]
    fn shows_what_the_record_says() {
        let mut record = ObjectRecord {
            seq: 7,
            version_id: Some("v".to_owned()),
            older: true,
            modified_s: 1_795_487_748,
            noncurrent_since_s: None,
            owner: Some(42),
            body: Some(Body {
                size: 11,
                etag: "e".to_owned(),
                checksum: Some(Checksum {
                    algorithm: Algorithm::Crc32,
                    kind: Kind::FullObject,
                    value: "x".to_owned(),
                }),
                metadata: vec![("a".to_owned(), "\"{\\\u{1}".to_owned())],
                storage_class: Some("GLACIER".to_owned()),
                restore: Some(Restore { ready_ms: 1, expires_ms: 2, told: true }),
                tiered: Some(Tiered { accessed_s: 5, tier: AccessTier::DeepArchive }),
                ..Body::default()
            }),
            replication: None,
            annotations: 3,
        };
        let read = |record: &ObjectRecord| {
            let mut bytes = Vec::new();
            record.encode(&mut bytes).unwrap();
            ListedObject::decode(&bytes).unwrap()
        };
        let (listed, body) = (read(&record), record.body.clone().unwrap());
        assert_eq!((listed.modified_s, listed.owner), (record.modified_s, record.owner));
        let shown = listed.body.clone().unwrap();
        assert_eq!((shown.size, &shown.etag, shown.restore), (body.size, &body.etag, body.restore));
        assert_eq!(
            (shown.storage_class(), shown.archive_tier()),
            (body.storage_class(), body.archive_tier())
        );
        let checksum = shown.checksum.map(|sum| (sum.algorithm, sum.kind));
        assert_eq!(checksum, body.checksum.map(|sum| (sum.algorithm, sum.kind)));
        record.body = None;
        assert_eq!(read(&record).body, None, "a delete marker");
        assert!(listed.encode(&mut Vec::new()).is_err(), "it would lose the rest of the record");
    }
}
