//! S3 Storage Lens: what a configuration's buckets hold and how they are used, told of once a day.
//!
//! At midnight one walk over the objects of each bucket ([`crate::tasks`]) counts for all configurations at once; requests are
//! counted as they are answered and written down a minute later (a crash loses those of that minute). The rows of a
//! report are durable before the day counts as counted, and only then CloudWatch is told and the export delivered; rows stay
//! until both was done. A bucket that cannot be read is left out of a day, and a report that fails is made an hour later.
//!
//! Reading order: this file (which buckets, the default dashboard), [`metrics`] (their names), [`figures`] (what an object adds to them),
//! [`prefixes`], [`groups`], [`counting`] (a bucket's walk), [`properties`] (of buckets), [`activity`] (requests), [`report`] (rows), [`file`] (what is delivered).
//! Source: S3 User Guide, "Assessing your storage activity and usage with S3 Storage Lens" and the pages under it.

pub(crate) mod activity;
pub(crate) mod counting;
pub(crate) mod figures;
pub(crate) mod file;
pub(crate) mod groups;
pub(crate) mod metrics;
pub(crate) mod prefixes;
pub(crate) mod properties;
pub(crate) mod report;

use haneul_kit::{AccountId, Region};

use crate::bucket::Bucket;
use crate::model::storage_lens::{LensConfiguration, Places, Scope, Switches};

/// The configuration that every account has without making it, in [`default_region`].
pub(crate) const DEFAULT_ID: &str = "default-account-dashboard";

/// The service that delivers exports.
pub(crate) const PRINCIPAL: &str = "storage-lens.s3.amazonaws.com";

/// Where the default dashboard of every account of a partition is at home.
pub(crate) fn default_region(region: Region) -> &'static str {
    match region.partition().as_str() {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// What the default dashboard is before anybody changes it: free metrics of all buckets, exported nowhere.
pub(crate) fn default_configuration() -> LensConfiguration {
    let off = Switches { activity: Some(false), ..Switches::default() };
    LensConfiguration { enabled: true, account: off, bucket: off, ..LensConfiguration::default() }
}

pub(crate) fn arn(region: Region, account: AccountId, id: &str) -> String {
    format!("arn:{}:s3:{region}:{account}:storage-lens/{id}", region.partition())
}

pub(crate) fn group_arn(region: Region, account: AccountId, name: &str) -> String {
    format!("arn:{}:s3:{region}:{account}:storage-lens-group/{name}", region.partition())
}

/// Whether a configuration of the bucket's owner is about the bucket. What includes names buckets and Regions wants both;
/// either excludes.
pub(crate) fn is_about(scope: &Scope, bucket: &Bucket) -> bool {
    let (arn, region) = (bucket.arn(), bucket.region.as_str());
    let names = |list: &Option<Vec<String>>, one: &str| {
        list.as_ref().map(|list| list.iter().any(|listed| listed == one))
    };
    let of = |places: &Places| (names(&places.buckets, &arn), names(&places.regions, region));
    match scope {
        Scope::All => true,
        Scope::Include(places) => {
            let (by_bucket, by_region) = of(places);
            by_bucket.unwrap_or(true) && by_region.unwrap_or(true)
        }
        Scope::Exclude(places) => {
            let (by_bucket, by_region) = of(places);
            !(by_bucket.unwrap_or(false) || by_region.unwrap_or(false))
        }
    }
}
