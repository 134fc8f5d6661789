use std::collections::BTreeMap;

use crate::model::ObjectRecord;
use crate::model::encryption::Scheme;
use crate::model::metadata::ObjectFacts;

impl ObjectFacts {
    pub(crate) fn of(record: &ObjectRecord) -> ObjectFacts {
        let Some(body) = &record.body else {
            // Of a delete marker there is nothing more to say.
            return ObjectFacts { modified_s: record.modified_s, ..ObjectFacts::default() };
        };
        let scheme = body.sealed.as_ref().map(|sealed| &sealed.scheme);
        let kms = match scheme {
            Some(Scheme::Kms(kms)) => Some(kms),
            _ => None,
        };
        let encryption = match scheme {
            None => None,
            Some(Scheme::S3) => Some("SSE-S3"),
            Some(Scheme::Kms(kms)) if kms.dsse => Some("DSSE-KMS"),
            Some(Scheme::Kms(_)) => Some("SSE-KMS"),
            Some(Scheme::Customer(_)) => Some("SSE-C"),
        };
        let mut metadata: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &body.metadata {
            // A name that was given twice has both values, as HTTP joins them.
            metadata
                .entry(name.clone())
                .and_modify(|kept| {
                    kept.push(',');
                    kept.push_str(value);
                })
                .or_insert_with(|| value.clone());
        }
        ObjectFacts {
            size: body.size,
            modified_s: record.modified_s,
            etag: Some(body.etag.clone()),
            class: Some(body.storage_class().to_owned()),
            is_multipart: Some(body.etag.contains('-')),
            encryption: encryption.map(str::to_owned),
            bucket_key: Some(kms.is_some_and(|kms| kms.bucket_key)),
            kms_key: kms.map(|kms| kms.key_arn.clone()),
            checksum: body.checksum.as_ref().map(|sum| sum.algorithm.as_str().to_owned()),
            tags: Some(body.tags.clone()),
            metadata: Some(metadata),
        }
    }
}
