//! Parts to object: what CompleteMultipartUpload checks and computes. Pure, and copies no bytes.

use haneul_kit::Result;

use crate::checksum::combine::combine;
use crate::checksum::{self, Algorithm, Checksum, Claim, Digest, Kind};
use crate::error;
use crate::model::{Body, Data, DataId, Manifest, ManifestPart, PartRecord, UploadRecord};

/// Every part but the last is at least so long (S3 User Guide, "Amazon S3 multipart upload limits"), in bytes.
pub(crate) const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;

/// Largest part, and largest object that is put at once, in bytes.
pub(crate) const PART_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// Largest object: 50 TB since December 2025, counted as S3 counts.
pub(crate) const OBJECT_BYTES_MAX: u64 = 50 * 1024 * 1024 * 1024 * 1024;

pub(crate) const PART_NUMBER_MAX: i32 = 10_000;

/// A part as CompleteMultipartUpload lists it.
#[derive(Clone, Debug)]
pub(crate) struct ListedPart {
    pub(crate) number: i32,
    pub(crate) etag: String,
    pub(crate) claim: Option<Claim>,
}

/// What the client says of the whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whole {
    pub(crate) claim: Option<Claim>,
    pub(crate) kind: Option<Kind>,
    pub(crate) size: Option<u64>,
}

/// The object, its manifest, and the parts that it does not use.
pub(crate) struct Assembled {
    pub(crate) body: Body,
    pub(crate) manifest: Manifest,
    pub(crate) unused: Vec<Data>,
}

/// Makes an object of the parts that `listed` names. `parts` are all that were uploaded, in order.
pub(crate) fn assemble(
    upload_id: &str,
    upload: &UploadRecord,
    parts: Vec<(u32, PartRecord)>,
    listed: &[ListedPart],
    whole: &Whole,
    manifest_id: DataId,
) -> Result<Assembled> {
    if listed.is_empty() {
        return Err(error::malformed_xml());
    }
    if listed.windows(2).any(|pair| pair[0].number >= pair[1].number) {
        return Err(error::invalid_part_order(upload_id));
    }
    check_claims(upload, listed)?;
    let (chosen, unused) = choose(upload_id, upload, parts, listed)?;
    let size: u64 = chosen.iter().map(|(_, part)| part.size).sum();
    if size > OBJECT_BYTES_MAX {
        return Err(error::entity_too_large(size, OBJECT_BYTES_MAX));
    }
    if let Some(claimed) = whole.size.filter(|claimed| *claimed != size) {
        return Err(error::invalid_request(format!(
            "The provided 'x-amz-mp-object-size' header value {claimed} does not match what was computed: {size}"
        )));
    }
    let etag = etag(&chosen);
    let checksum = check_whole(upload, &chosen, whole)?;
    let keep = upload.checksum.is_some();
    let count = chosen.len() as u32;
    let parts = chosen.into_iter().map(|(number, part)| ManifestPart {
        number,
        size: part.size,
        data: part.data,
        checksum: keep.then_some(part.checksum),
        salt: part.salt,
    });
    let body = Body {
        size,
        etag,
        checksum: Some(checksum),
        data: Data::Parts(manifest_id),
        parts: count,
        headers: upload.headers.clone(),
        metadata: upload.metadata.clone(),
        storage_class: upload.storage_class.clone(),
        tags: upload.tags.clone(),
        acl: upload.acl.clone(),
        lock: upload.lock,
        sealed: upload.sealed.clone(),
        restore: None,
        tiered: None,
        class_since_s: None,
    };
    Ok(Assembled { body, manifest: Manifest { parts: parts.collect() }, unused })
}

/// Of a composite checksum that the client chose, every part's must be told again.
fn check_claims(upload: &UploadRecord, listed: &[ListedPart]) -> Result<()> {
    let Some((algorithm, Kind::Composite)) = upload.checksum else { return Ok(()) };
    let other = |part: &&ListedPart| part.claim.as_ref().is_some_and(|claim| claim.algorithm != algorithm);
    if let Some(part) = listed.iter().find(other) {
        let given = part.claim.as_ref().map_or("", |claim| claim.algorithm.as_str()).to_ascii_lowercase();
        let message =
            format!("The {given} you specified for part {} did not match what we received.", part.number);
        return Err(error::new("BadDigest", 400, message));
    }
    match listed.iter().find(|part| part.claim.is_none()) {
        None => Ok(()),
        Some(part) => Err(error::invalid_request(format!(
            "The upload was created using a {} checksum. The complete request must include the checksum for each part. \
             It was missing for part {} in the request.",
            algorithm.as_str().to_ascii_lowercase(),
            part.number
        ))),
    }
}

type Chosen = Vec<(u32, PartRecord)>;

fn choose(
    upload_id: &str,
    upload: &UploadRecord,
    parts: Vec<(u32, PartRecord)>,
    listed: &[ListedPart],
) -> Result<(Chosen, Vec<Data>)> {
    let mut parts = parts.into_iter().peekable();
    let mut chosen = Vec::with_capacity(listed.len());
    let mut unused = Vec::new();
    for (i, wanted) in listed.iter().enumerate() {
        let invalid = || error::invalid_part(upload_id, wanted.number, &wanted.etag);
        while let Some((_, part)) = parts.next_if(|(number, _)| (*number as i32) < wanted.number) {
            unused.push(part.data);
        }
        let (number, part) =
            parts.next_if(|(number, _)| *number as i32 == wanted.number).ok_or_else(invalid)?;
        if wanted.etag.trim_matches('"') != part.etag {
            return Err(invalid());
        }
        check_part(upload, wanted, &part).map_err(|()| invalid())?;
        let is_last = i + 1 == listed.len();
        if !is_last && part.size < PART_BYTES_MIN {
            return Err(error::entity_too_small(part.size, PART_BYTES_MIN, wanted.number, &wanted.etag));
        }
        chosen.push((number, part));
    }
    unused.extend(parts.map(|(_, part)| part.data));
    Ok((chosen, unused))
}

fn check_part(upload: &UploadRecord, wanted: &ListedPart, part: &PartRecord) -> Result<(), ()> {
    match (&wanted.claim, upload.checksum) {
        // An upload that was begun without a checksum has no parts with one.
        (Some(_), None) => Err(()),
        (Some(claim), Some(_)) if claim.algorithm == part.algorithm && claim.value != part.checksum => {
            Err(())
        }
        // Of the whole alone the checksum counts, and not those of parts by another algorithm.
        _ => Ok(()),
    }
}

/// The MD5 of the parts' MD5s, and how many there are.
fn etag(chosen: &Chosen) -> String {
    let mut digest = Digest::new(Algorithm::Md5);
    for (_, part) in chosen {
        digest.update(&hex::decode(&part.etag).unwrap_or_default());
    }
    format!("{}-{}", hex::encode(digest.finish()), chosen.len())
}

fn check_whole(upload: &UploadRecord, chosen: &Chosen, whole: &Whole) -> Result<Checksum> {
    let (algorithm, kind) = upload.checksum.unwrap_or((Algorithm::Crc64Nvme, Kind::FullObject));
    if let Some(wanted) = whole.kind
        && wanted != kind
    {
        return Err(error::invalid_request(format!(
            "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
            kind.as_str()
        )));
    }
    let value = match kind {
        Kind::FullObject => full_object(algorithm, chosen)?,
        Kind::Composite => composite(algorithm, chosen),
    };
    match &whole.claim {
        Some(claim) if claim.algorithm != algorithm => Err(error::invalid_request(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            algorithm.as_str().to_ascii_lowercase(),
            claim.algorithm.as_str().to_ascii_lowercase()
        ))),
        // A composite one may be given with or without the number of parts.
        Some(claim) if claim.value != value && value.split('-').next() != Some(claim.value.as_str()) => {
            Err(error::bad_checksum(algorithm.as_str()))
        }
        _ => Ok(Checksum { algorithm, kind, value }),
    }
}

fn full_object(algorithm: Algorithm, chosen: &Chosen) -> Result<String> {
    let mut parts = chosen.iter().map(|(_, part)| (checksum::decode(&part.checksum), part.size));
    let (first, _) = parts.next().unwrap_or_default();
    let combined = parts.try_fold(first, |sum, (next, size)| combine(algorithm, &sum, &next, size));
    let combined =
        combined.ok_or_else(|| haneul_kit::ApiError::internal("a part's checksum is of another kind"))?;
    Ok(checksum::encode(&combined))
}

fn composite(algorithm: Algorithm, chosen: &Chosen) -> String {
    let mut digest = Digest::new(algorithm);
    for (_, part) in chosen {
        digest.update(&checksum::decode(&part.checksum));
    }
    format!("{}-{}", digest.finish_base64(), chosen.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SystemMetadata;

    fn upload(checksum: Option<(Algorithm, Kind)>) -> UploadRecord {
        UploadRecord {
            initiated_ms: 0,
            initiator: 0,
            initiator_arn: String::new(),
            initiator_id: None,
            owner: None,
            headers: SystemMetadata::default(),
            metadata: Vec::new(),
            storage_class: None,
            tags: Default::default(),
            checksum,
            acl: None,
            lock: Default::default(),
            sealed: None,
            began_over: None,
        }
    }

    const LONG: u64 = PART_BYTES_MIN;

    fn part(number: u32, size: u64, algorithm: Algorithm) -> (u32, PartRecord) {
        let content = number.to_be_bytes();
        let record = PartRecord {
            size,
            etag: hex::encode(Digest::of(Algorithm::Md5, &content)),
            algorithm,
            checksum: checksum::encode(&Digest::of(algorithm, &content)),
            modified_s: 0,
            data: Data::Inline((0, u64::from(number))),
            salt: None,
        };
        (number, record)
    }

    fn listed(part: &(u32, PartRecord)) -> ListedPart {
        let claim = Claim { algorithm: part.1.algorithm, value: part.1.checksum.clone() };
        ListedPart { number: part.0 as i32, etag: format!("\"{}\"", part.1.etag), claim: Some(claim) }
    }

    fn run(
        checksum: Option<(Algorithm, Kind)>,
        parts: &[(u32, PartRecord)],
        listed: &[ListedPart],
        whole: &Whole,
    ) -> Result<Assembled> {
        assemble("u", &upload(checksum), parts.to_vec(), listed, whole, (0, 0))
    }

    #[test]
    fn chooses_the_parts_that_are_listed() {
        let crc = Algorithm::Crc64Nvme;
        let parts = [part(1, LONG, crc), part(2, LONG, crc), part(5, LONG, crc), part(9, 1, crc)];
        let plain = |part| ListedPart { claim: None, ..listed(part) };
        let wanted = [plain(&parts[1]), plain(&parts[2])];
        let with_sum = [listed(&parts[1])];
        let refused = run(None, &parts, &with_sum, &Whole::default()).err().unwrap();
        assert_eq!(refused.code(), "InvalidPart", "the upload has no checksums");
        let done = run(None, &parts, &wanted, &Whole::default()).unwrap();
        assert_eq!(done.body.size, 2 * LONG);
        assert_eq!(done.manifest.parts.iter().map(|p| p.number).collect::<Vec<_>>(), [2, 5]);
        assert_eq!(done.unused, [Data::Inline((0, 1)), Data::Inline((0, 9))]);
        assert!(done.body.etag.ends_with("-2"));
        assert_eq!(done.body.checksum.unwrap().kind, Kind::FullObject);
    }

    #[test]
    fn refusals() {
        let crc = Algorithm::Crc32;
        let parts = [part(1, LONG, crc), part(2, 10, crc), part(3, LONG, crc)];
        let [a, b, c] = [listed(&parts[0]), listed(&parts[1]), listed(&parts[2])];
        let wrong_etag = ListedPart { etag: "x".into(), ..a.clone() };
        let missing = ListedPart { number: 4, ..a.clone() };
        let wrong_sum =
            ListedPart { claim: Some(Claim { algorithm: crc, value: "AAAAAA==".into() }), ..a.clone() };
        let other_sum = ListedPart {
            claim: Some(Claim { algorithm: Algorithm::Sha1, value: "AAAA".into() }),
            ..a.clone()
        };
        let no_sum = ListedPart { claim: None, ..c.clone() };
        let none = Whole::default();
        let bad_whole =
            Whole { claim: Some(Claim { algorithm: crc, value: "AAAAAA==".into() }), ..none.clone() };
        let bad_kind = Whole { kind: Some(Kind::FullObject), ..none.clone() };
        let bad_size = Whole { size: Some(7), ..none.clone() };
        let composite = Some((crc, Kind::Composite));
        for (listed, whole, expected) in [
            (vec![], &none, "MalformedXML"),
            (vec![c.clone(), a.clone()], &none, "InvalidPartOrder"),
            (vec![a.clone(), a.clone()], &none, "InvalidPartOrder"),
            (vec![wrong_etag], &none, "InvalidPart"),
            (vec![missing], &none, "InvalidPart"),
            (vec![a.clone(), no_sum.clone()], &none, "InvalidRequest"),
            (vec![wrong_sum], &none, "InvalidPart"),
            (vec![other_sum], &none, "BadDigest"),
            (vec![a.clone(), b.clone(), c.clone()], &none, "EntityTooSmall"),
            (vec![a.clone(), c.clone()], &bad_whole, "BadDigest"),
            (vec![a.clone(), c.clone()], &bad_kind, "InvalidRequest"),
            (vec![a.clone(), c.clone()], &bad_size, "InvalidRequest"),
        ] {
            let error = run(composite, &parts, &listed, whole).err().expect(expected);
            assert_eq!(error.code(), expected);
        }
        let whole = Some((crc, Kind::FullObject));
        assert!(run(whole, &parts, &[a.clone(), no_sum.clone()], &none).is_ok(), "no need to tell it");
        assert!(run(composite, &parts, &[a, b], &none).is_ok(), "the last part may be short");
    }

    #[test]
    fn composite_and_full_checksums() {
        let parts = [part(1, LONG, Algorithm::Sha256), part(2, 4, Algorithm::Sha256)];
        let wanted = [listed(&parts[0]), listed(&parts[1])];
        let sums = [1u32, 2].map(|n| Digest::of(Algorithm::Sha256, &n.to_be_bytes())).concat();
        let expected = format!("{}-2", checksum::encode(&Digest::of(Algorithm::Sha256, &sums)));
        let kind = Some((Algorithm::Sha256, Kind::Composite));
        for given in [expected.clone(), expected.trim_end_matches("-2").to_owned()] {
            let claim = Some(Claim { algorithm: Algorithm::Sha256, value: given });
            let done = run(kind, &parts, &wanted, &Whole { claim, ..Whole::default() }).unwrap();
            assert_eq!(done.body.checksum.unwrap().value, expected);
            assert!(done.manifest.parts.iter().all(|part| part.checksum.is_some()));
        }
    }
}
