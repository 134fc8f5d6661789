//! S3 Tables: table buckets, and in them tables of Apache Iceberg whose files are S3's own objects.
//!
//! Reading order: this file (how they are named), [`access`] (what a call must be allowed), [`buckets`], [`namespaces`],
//! [`table`] (tables), [`locations`] (where their metadata is), [`policies`], [`encryption`], [`tags`], [`warehouse`] (their files, as
//! S3's operations see them), [`files`] (those that S3 writes), [`schema`] (of
//! a new table), [`catalog`] (Iceberg's REST catalog).
//!
//! The files of a table are objects of a reserved bucket, its warehouse, which is in no list of buckets and which the operations
//! of S3 do not find but those that [`warehouse`] lets in. That is why one crate answers both APIs: a commit of a table that S3 writes
//! itself is one transaction with the objects it consists of.
//!
//! Source: S3 User Guide, "Working with Amazon S3 Tables and table buckets", and the Amazon S3 Tables API Reference.

pub(crate) mod access;
mod buckets;
pub(crate) mod catalog;
mod encryption;
mod files;
mod locations;
mod namespaces;
mod policies;
mod schema;
mod table;
mod tags;
pub(crate) mod warehouse;

use std::fmt;

use haneul_kit::{AccountId, Arn, Cx, Region, Result};

use crate::S3;
use crate::error::tables as refusals;
use crate::model::table::{TableBucket, TableRecord};
use crate::store::table_buckets::{BucketRow, TableRow};

/// The table bucket of tables that S3 makes by itself, one in each Region of an account.
pub(crate) const MANAGED_BUCKET: &str = "aws-s3";

/// Items on a page.
const PAGE_MAX: usize = 1000;

/// The name of a table bucket with whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BucketName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl BucketName {
    /// Reads the ARN of a table bucket.
    pub(crate) fn parse(arn: &str) -> Result<BucketName> {
        let parsed = Arn::parse(arn).ok().filter(|arn| arn.service() == "s3tables");
        let named = parsed.as_ref().and_then(|arn| {
            let name = arn.resource().strip_prefix("bucket/").filter(|name| !name.contains('/'))?;
            let region = arn.region().parse::<Region>().ok()?;
            let region = Some(region).filter(|region| region.partition().as_str() == arn.partition())?;
            Some(BucketName { account: arn.account_id()?, region, name: name.to_owned() })
        });
        named.ok_or_else(|| refusals::bad_request("The specified table bucket ARN is not valid."))
    }

    /// The one of that name that the caller has in the Region of the call.
    pub(crate) fn own(cx: &Cx, name: &str) -> BucketName {
        BucketName { account: cx.account(), region: cx.region(), name: name.to_owned() }
    }

    pub(crate) fn row(&self) -> BucketRow {
        (self.account, self.region, self.name.clone())
    }

    /// The ARN of a table in it.
    pub(crate) fn table_arn(&self, id: &str) -> String {
        format!("{self}/table/{id}")
    }

    /// Whether its tables are S3's own.
    pub(crate) fn is_managed(&self) -> bool {
        self.name == MANAGED_BUCKET
    }
}

/// As its ARN.
impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BucketName { account, region, name } = self;
        write!(f, "arn:{}:s3tables:{region}:{account}:bucket/{name}", region.partition())
    }
}

/// Reads the ARN of a table: its bucket, and its id.
pub(crate) fn parse_table_arn(arn: &str) -> Result<(BucketName, String)> {
    let parts = arn.split_once("/table/").filter(|(_, id)| !id.is_empty() && !id.contains('/'));
    let (bucket, id) = parts.ok_or_else(|| refusals::bad_request("The specified table ARN is not valid."))?;
    Ok((BucketName::parse(bucket)?, id.to_owned()))
}

impl S3 {
    /// A table bucket of the Region of the call.
    pub(crate) async fn table_bucket(&self, cx: &Cx, name: &BucketName) -> Result<TableBucket> {
        if name.region != cx.region() {
            return Err(refusals::no_bucket());
        }
        self.records.table_bucket(&name.row()).await?.ok_or_else(refusals::no_bucket)
    }

    /// A table of the Region of the call, by the names that lead to it.
    pub(crate) async fn table(
        &self,
        cx: &Cx,
        bucket: &BucketName,
        namespace: &str,
        name: &str,
    ) -> Result<(TableRow, TableRecord)> {
        let row = (self.table_bucket(cx, bucket).await?.id, namespace.to_owned(), name.to_owned());
        match self.records.table(&row).await? {
            Some(table) => Ok((row, table)),
            None if self.records.namespace(&row.0, namespace).await?.is_none() => {
                Err(refusals::no_namespace())
            }
            None => Err(refusals::no_table()),
        }
    }
}

/// Whether a namespace or a table may be called so (S3 User Guide, "Naming rules for tables and namespaces").
pub(crate) fn check_name(name: &str, what: &str) -> Result<()> {
    let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    let good = bytes.len() <= NAME_LENGTH_MAX
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
        && edge(bytes.first())
        && edge(bytes.last());
    if good { Ok(()) } else { Err(refusals::bad_request(format!("The specified {what} name is not valid."))) }
}

const NAME_LENGTH_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns() {
        let arn = "arn:aws:s3tables:us-east-1:000000000000:bucket/lake";
        let name = BucketName::parse(arn).unwrap();
        assert_eq!((name.name.as_str(), name.to_string().as_str()), ("lake", arn));
        assert_eq!(parse_table_arn(&name.table_arn("x")).unwrap(), (name, "x".to_owned()));
        for bad in [
            "lake",
            "arn:aws:s3:us-east-1:000000000000:bucket/lake",
            "arn:aws:s3tables:mars:000000000000:bucket/lake",
            "arn:aws-cn:s3tables:us-east-1:000000000000:bucket/lake",
            "arn:aws:s3tables:us-east-1:000000000000:bucket/lake/table/x",
            "arn:aws:s3tables:us-east-1::bucket/lake",
        ] {
            assert!(BucketName::parse(bad).is_err(), "{bad}");
        }
        assert!(parse_table_arn(arn).is_err() && parse_table_arn(&format!("{arn}/table/")).is_err());
    }

    #[test]
    fn names() {
        for good in ["a", "a_b", "0", &"a".repeat(255)] {
            assert!(check_name(good, "table").is_ok(), "{good}");
        }
        for bad in ["", "_a", "a_", "a-b", "A", "a.b", "é", &"a".repeat(256)] {
            assert!(check_name(bad, "table").is_err(), "{bad}");
        }
    }
}
