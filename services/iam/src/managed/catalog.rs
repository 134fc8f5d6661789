//! Reads `managed-policies/policies.bin`, which `managed-policies/generate.py` writes.
//!
//! The file: two little-endian u32, the length of the index and the number of blocks; the length of each block; the
//! index; the blocks. Index and blocks are zlib streams. The index is JSON: path, name, number of the default version,
//! times of creation and update in seconds, block, offset and length of the document within it. Only the index is
//! kept in memory, and only once somebody asks; a document is inflated with its block (96 KiB) each time.

use std::collections::HashMap;
use std::io::Read;
use std::sync::LazyLock;

use flate2::read::ZlibDecoder;
use haneul_kit::Instant;

static FILE: &[u8] = include_bytes!("../../managed-policies/policies.bin");

/// A policy of AWS's. AWS's older versions are not in the catalog.
#[derive(Debug)]
pub(crate) struct AwsPolicy {
    pub path: String,
    pub name: String,
    /// Made up from the name: the real ones are published nowhere.
    pub id: String,
    pub version: u32,
    pub created: Instant,
    pub updated: Instant,
    block: usize,
    offset: usize,
    length: usize,
}

impl AwsPolicy {
    pub(crate) fn arn(&self) -> String {
        format!("{ARN_START}{}", self.short())
    }

    /// Path and name without the first slash: `service-role/AWSLambdaBasicExecutionRole`.
    fn short(&self) -> String {
        format!("{}{}", &self.path[1..], self.name)
    }

    /// Whether only service-linked roles may have it.
    pub(crate) fn is_for_service_linked_roles(&self) -> bool {
        self.path == "/aws-service-role/"
    }
}

const ARN_START: &str = "arn:aws:iam::aws:policy/";

struct Catalog {
    policies: Vec<AwsPolicy>,
    by_short: HashMap<String, usize>,
    /// Compressed, each.
    blocks: Vec<&'static [u8]>,
}

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| read(FILE).expect("the built-in file is as generate.py writes it"));

/// All, by path and name.
pub(crate) fn all() -> &'static [AwsPolicy] {
    &CATALOG.policies
}

pub(crate) fn is_aws_arn(arn: &str) -> bool {
    arn.starts_with(ARN_START)
}

pub(crate) fn by_arn(arn: &str) -> Option<&'static AwsPolicy> {
    let catalog = &*CATALOG;
    catalog.by_short.get(arn.strip_prefix(ARN_START)?).map(|at| &catalog.policies[*at])
}

pub(crate) fn document(policy: &AwsPolicy) -> String {
    let block = inflate(CATALOG.blocks[policy.block]).expect("the built-in file is sound");
    String::from_utf8(block[policy.offset..policy.offset + policy.length].to_vec()).expect("JSON is UTF-8")
}

fn read(file: &'static [u8]) -> Option<Catalog> {
    let number = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?) as usize);
    let (index_length, count) = (number(0)?, number(4)?);
    let mut at = 8 + 4 * count;
    let index = inflate(file.get(at..at + index_length)?)?;
    at += index_length;
    let mut blocks = Vec::with_capacity(count);
    for block in 0..count {
        let length = number(8 + 4 * block)?;
        blocks.push(file.get(at..at + length)?);
        at += length;
    }
    type Entry = (String, String, u32, i64, i64, usize, usize, usize);
    let entries: Vec<Entry> = serde_json::from_slice(&index).ok()?;
    let policies: Vec<AwsPolicy> = entries
        .into_iter()
        .map(|(path, name, version, created, updated, block, offset, length)| AwsPolicy {
            id: id(&name),
            created: Instant::from_secs(created),
            updated: Instant::from_secs(updated),
            path,
            name,
            version,
            block,
            offset,
            length,
        })
        .collect();
    let by_short = policies.iter().enumerate().map(|(at, policy)| (policy.short(), at)).collect();
    Some(Catalog { policies, by_short, blocks })
}

fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    ZlibDecoder::new(bytes).read_to_end(&mut out).ok()?;
    Some(out)
}

/// `ANPA`, `AWS`'s mark in old ids, and 16 characters from the name (FNV-1a, twice), the same in every cloud.
fn id(name: &str) -> String {
    let hash =
        |seed: u64| name.bytes().fold(seed, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
    let bits = u128::from(hash(0xcbf2_9ce4_8422_2325)) << 64 | u128::from(hash(0x9e37_79b9_7f4a_7c15));
    let mut id = String::from("ANPAI");
    for at in 0..16 {
        id.push(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(bits >> (5 * at)) as usize & 31] as char);
    }
    id
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn well_known_policies_are_there() {
        for (arn, action) in [
            ("arn:aws:iam::aws:policy/AdministratorAccess", "\"*\""),
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", "s3:Get*"),
            ("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "s3:List*"),
            ("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", "logs:PutLogEvents"),
            ("arn:aws:iam::aws:policy/job-function/ViewOnlyAccess", "ec2:Describe"),
        ] {
            let policy = by_arn(arn).unwrap_or_else(|| panic!("{arn}"));
            assert_eq!(policy.arn(), arn);
            assert!(document(policy).contains(action), "{arn}");
        }
        assert!(by_arn("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole").is_none());
        assert!(by_arn("AdministratorAccess").is_none());
    }

    #[test]
    fn every_document_compiles_and_every_id_is_its_own() {
        let mut ids = HashSet::new();
        // One block at a time: inflating it for each of its policies would take seconds.
        let mut block = (usize::MAX, Vec::new());
        for policy in all() {
            if block.0 != policy.block {
                block = (policy.block, inflate(CATALOG.blocks[policy.block]).unwrap());
            }
            let text = std::str::from_utf8(&block.1[policy.offset..policy.offset + policy.length]).unwrap();
            if let Err(error) = crate::document::compile(text) {
                panic!("{}: {error}", policy.arn());
            }
            assert!(ids.insert(&policy.id) && policy.id.len() == 21, "{}", policy.arn());
        }
        assert!(all().len() > 1500);
    }
}
