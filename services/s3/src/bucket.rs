//! A bucket as the operations see it: its record with the policy compiled, kept in memory until a bucket changes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{Access, AccountId, ApiError, Cx, Instant, Policy, Principal, Region, Result};
use haneul_policy::{Rules, is_public};
use haneul_store::feed::TableVersion;
use parking_lot::RwLock;

use crate::calls::Source;
use crate::model::access_point::AccessPointRecord;
use crate::model::event::Origin;
use crate::model::multi_region::MultiRegionRecord;
use crate::model::{Body, BucketRecord, ObjectRecord, Ownership, PublicAccessBlock};
use crate::object_lambda::ALIAS_ENDING;
use crate::store::Records;
use crate::store::tables::{ACCESS_POINTS, ACCOUNT_BLOCKS, BUCKETS};
use crate::store::uploads::UploadAt;
use crate::store::watch::{By, Watch, Watching};
use crate::tables::warehouse::Door;
use crate::{S3, acceleration, calls, error, lifecycle, multi_region, redirect};

/// S3 User Guide, "Policies and permissions in Amazon S3": 20 KB, white space included.
pub(crate) const POLICY_RULES: Rules = Rules::RESOURCE;

/// Buckets kept in memory; the number bounds what a client with many buckets can make us hold.
const CACHED_MAX: usize = 10_000;

pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) record: BucketRecord,
    pub(crate) owner: AccountId,
    pub(crate) region: Region,
    policy: Option<Arc<Policy>>,
    pub(crate) policy_is_public: bool,
    /// The account's public access block, which counts beside the bucket's own.
    account_block: PublicAccessBlock,
    /// The access point by whose name the bucket was reached.
    pub(crate) via: Option<Via>,
    /// Whether that is of several Regions, so that the request's need not be the bucket's.
    pub(crate) multi_region: bool,
    /// The door of a table's files: the table decides on access.
    table: Option<Door>,
}

/// An access point as a bucket is reached by it.
pub(crate) struct Via {
    arn: String,
    account: AccountId,
    policy: Option<Arc<Policy>>,
    /// `s3:AccessPointNetworkOrigin`.
    origin: &'static str,
}

/// The origin of an access point that anybody may reach.
const INTERNET: &str = "Internet";

impl Via {
    fn compile(point: &AccessPointRecord) -> Result<Via> {
        let region: Region =
            point.region.parse().map_err(|_| ApiError::internal("an access point's Region is unknown"))?;
        let account = AccountId::new(point.account).unwrap_or_default();
        let policy = point.policy.as_deref().map(|text| Policy::parse(text, &POLICY_RULES)).transpose();
        // It was parsed before it was stored.
        let policy = policy.map_err(ApiError::internal)?;
        // As for a bucket: a public policy that is restricted lets in nobody it could be for.
        let restricted = point.vpc.is_none()
            && point.block.restrict_public_buckets
            && policy.as_ref().is_some_and(is_public);
        let arn = format!("arn:{}:s3:{region}:{account}:accesspoint/{}", region.partition(), point.name);
        let policy = policy.filter(|_| !restricted).map(Arc::new);
        Ok(Via { arn, account, policy, origin: point.network_origin() })
    }

    /// One of several Regions.
    pub(crate) fn of_multi_region(
        arn: String,
        account: AccountId,
        point: &MultiRegionRecord,
        account_block: PublicAccessBlock,
    ) -> Result<Via> {
        let policy = point.policy.as_deref().map(|text| Policy::parse(text, &POLICY_RULES)).transpose();
        let policy = policy.map_err(ApiError::internal)?;
        let restricts = point.block.restrict_public_buckets || account_block.restrict_public_buckets;
        let restricted = restricts && policy.as_ref().is_some_and(is_public);
        Ok(Via { arn, account, policy: policy.filter(|_| !restricted).map(Arc::new), origin: INTERNET })
    }

    fn access(&self, action: &'static str, key: Option<&str>) -> Access {
        let mut access = Access::to(action).owned_by(self.account).with_policy(self.policy.clone());
        access.resource = Cow::Owned(match key {
            Some(key) => format!("{}/object/{key}", self.arn),
            None => self.arn.clone(),
        });
        self.keys(access)
    }

    fn keys(&self, access: Access) -> Access {
        access
            .key("s3:DataAccessPointArn", self.arn.clone())
            .key("s3:DataAccessPointAccount", self.account.to_string())
            .key("s3:AccessPointNetworkOrigin", self.origin)
    }
}

impl Bucket {
    fn compile(
        name: &str,
        record: BucketRecord,
        account_block: PublicAccessBlock,
        point: Option<&AccessPointRecord>,
    ) -> Result<Bucket> {
        let policy = match &record.policy {
            None => None,
            Some(text) => {
                let policy = Policy::parse(text, &POLICY_RULES);
                // It was parsed before it was stored: only damage can make it fail, and then nobody gets in.
                Some(Arc::new(policy.map_err(ApiError::internal)?))
            }
        };
        let policy_is_public = policy.as_deref().is_some_and(is_public);
        let owner = AccountId::new(record.owner)
            .ok_or_else(|| ApiError::internal("a bucket's owner is no account"))?;
        let region = record.region.parse().map_err(|_| ApiError::internal("a bucket's Region is unknown"))?;
        let via = point.map(Via::compile).transpose()?;
        Ok(Bucket {
            name: name.to_owned(),
            owner,
            region,
            policy,
            policy_is_public,
            account_block,
            via,
            multi_region: false,
            table: None,
            record,
        })
    }

    /// The reserved bucket of a table's files.
    pub(crate) fn of_table(name: &str, record: BucketRecord, door: Door) -> Result<Bucket> {
        let bucket = Bucket::compile(name, record, PublicAccessBlock::ALL, None)?;
        Ok(Bucket { table: Some(door), ..bucket })
    }

    /// The same bucket as it is reached by an access point of several Regions.
    pub(crate) fn behind(&self, via: Via) -> Bucket {
        Bucket {
            name: self.name.clone(),
            record: self.record.clone(),
            owner: self.owner,
            region: self.region,
            policy: self.policy.clone(),
            policy_is_public: self.policy_is_public,
            account_block: self.account_block,
            via: Some(via),
            multi_region: true,
            table: None,
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.record.id
    }

    /// An upload in parts to a key of it.
    pub(crate) fn upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> UploadAt<'a> {
        UploadAt { bucket: self.id(), bucket_name: &self.name, key, upload_id }
    }

    pub(crate) fn ownership(&self) -> Ownership {
        self.record.ownership.unwrap_or(Ownership::ObjectWriter)
    }

    pub(crate) fn public_access_block(&self) -> PublicAccessBlock {
        let (own, account) = (self.record.public_access_block.unwrap_or_default(), self.account_block);
        PublicAccessBlock {
            block_public_acls: own.block_public_acls || account.block_public_acls,
            ignore_public_acls: own.ignore_public_acls || account.ignore_public_acls,
            block_public_policy: own.block_public_policy || account.block_public_policy,
            restrict_public_buckets: own.restrict_public_buckets || account.restrict_public_buckets,
        }
    }

    pub(crate) fn access_point_arn(&self) -> Option<&str> {
        self.via.as_ref().map(|via| via.arn.as_str())
    }

    pub(crate) fn has_policy(&self) -> bool {
        self.policy.is_some()
    }

    pub(crate) fn arn(&self) -> String {
        arn_of(self.region, &self.name)
    }

    /// `x-amz-expiration`: when lifecycle rules will take an object away.
    pub(crate) fn expiration(&self, key: &str, record: &ObjectRecord, body: &Body) -> Option<String> {
        lifecycle::expiration_header(self.record.lifecycle.as_ref()?, key, record, body)
    }

    /// When lifecycle rules will give an upload up, and which.
    pub(crate) fn upload_abort(&self, key: &str, began_ms: i64) -> Option<(Instant, String)> {
        let lifecycle = self.record.lifecycle.as_ref()?;
        let (due_s, rule) = lifecycle::abort(lifecycle, key, began_ms.div_euclid(1000))?;
        Some((Instant::from_secs(due_s), rule))
    }

    /// As whom other services are called for this bucket.
    pub(crate) fn source(&self) -> Source {
        Source { owner: self.owner, region: self.region, arn: self.arn() }
    }

    /// A permission on the bucket.
    pub(crate) fn access(&self, cx: &Cx, action: &'static str) -> Access {
        self.access_on(cx, action, None)
    }

    /// A permission on an object.
    pub(crate) fn object_access(&self, cx: &Cx, action: &'static str, key: &str) -> Access {
        self.access_on(cx, action, Some(key))
    }

    fn access_on(&self, cx: &Cx, action: &'static str, key: Option<&str>) -> Access {
        if let Some(door) = &self.table {
            return door.access(action);
        }
        let mut arn = self.arn();
        if let Some(key) = key {
            arn.push('/');
            arn.push_str(key);
        }
        let mut access = Access::to(action).owned_by(self.owner).with_policy(self.policy_for(cx));
        access.resource = Cow::Owned(arn);
        let access = access.key("s3:ResourceAccount", self.owner.to_string());
        let access = self.granted_by_bucket_acl(cx, self.tag_keys(access));
        match &self.via {
            Some(via) => via.keys(access).through(via.access(action, key)),
            None => access,
        }
    }

    /// The bucket's tags, where they decide on access.
    fn tag_keys(&self, mut access: Access) -> Access {
        if !self.record.features.abac {
            return access;
        }
        for (key, value) in &self.record.tags {
            access = access
                .key(format!("aws:ResourceTag/{key}"), value.clone())
                .key(format!("s3:BucketTag/{key}"), value.clone());
        }
        access
    }

    /// RestrictPublicBuckets: a public policy then counts only for the owner's account and for services.
    fn policy_for(&self, cx: &Cx) -> Option<Arc<Policy>> {
        let caller = cx.caller();
        let inside = match caller.principal {
            Principal::Service { .. } => true,
            Principal::Anonymous => false,
            _ => caller.account == self.owner,
        };
        let restricted = self.policy_is_public && self.public_access_block().restrict_public_buckets;
        if restricted && !inside { None } else { self.policy.clone() }
    }

    /// Nothing can keep the owner's root user out of a bucket without a policy or ACLs, so nothing need be looked up
    /// for it. Policies of a session can.
    pub(crate) fn trusts(&self, cx: &Cx) -> bool {
        let caller = cx.caller();
        let is_owner = caller.principal == Principal::Root && caller.account == self.owner;
        is_owner
            && caller.session.is_none()
            && self.policy.is_none()
            && self.via.is_none()
            && self.table.is_none()
            && !self.has_acls()
    }
}

async fn account_block(records: &Records, owner: u64) -> Result<PublicAccessBlock> {
    Ok(records.account_block(AccountId::new(owner).unwrap_or_default()).await?.unwrap_or_default())
}

pub(crate) fn arn_of(region: Region, name: &str) -> String {
    format!("arn:{}:s3:::{name}", region.partition())
}

pub(crate) struct BucketCache {
    /// Of the tables that entries are made of.
    versions: [TableVersion; 3],
    entries: RwLock<Entries>,
}

#[derive(Default)]
struct Entries {
    /// The versions of the tables that they are of.
    version: [u64; 3],
    buckets: HashMap<String, Arc<Bucket>>,
}

impl BucketCache {
    pub(crate) fn new(records: &Records) -> BucketCache {
        let store = &records.store;
        let versions = [
            store.table_version(&BUCKETS),
            store.table_version(&ACCOUNT_BLOCKS),
            store.table_version(&ACCESS_POINTS),
        ];
        BucketCache { versions, entries: RwLock::default() }
    }

    pub(crate) async fn get(&self, records: &Records, name: &str) -> Result<Option<Arc<Bucket>>> {
        let version = [0, 1, 2].map(|i: usize| self.versions[i].get());
        {
            let entries = self.entries.read();
            if entries.version == version
                && let Some(bucket) = entries.buckets.get(name)
            {
                return Ok(Some(bucket.clone()));
            }
        }
        let bucket = match records.bucket(name).await? {
            Some(record) => {
                let block = account_block(records, record.owner).await?;
                Bucket::compile(name, record, block, None)?
            }
            None => match records.access_point_by_alias(name).await? {
                None => return Ok(None),
                Some(point) => match records.bucket(&point.bucket).await? {
                    Some(record) if record.id == point.bucket_id => {
                        let block = account_block(records, record.owner).await?;
                        Bucket::compile(&point.bucket, record, block, Some(&point))?
                    }
                    _ => return Ok(None),
                },
            },
        };
        let bucket = Arc::new(bucket);
        let mut entries = self.entries.write();
        if entries.version != version || entries.buckets.len() >= CACHED_MAX {
            *entries = Entries { version, buckets: HashMap::new() };
        }
        entries.buckets.insert(name.to_owned(), bucket.clone());
        Ok(Some(bucket))
    }
}

impl S3 {
    /// Follows the changes that a request makes in a bucket.
    pub(crate) fn watch<'a>(&'a self, cx: &Cx, bucket: &'a Bucket, by: By) -> Watch<'a> {
        let caller = cx.caller();
        let origin = Origin {
            principal: match &caller.principal {
                Principal::Service { name } => name.clone(),
                Principal::Anonymous => "Anonymous".to_owned(),
                _ => format!("AWS:{}", caller.user_id()),
            },
            account: caller.account.number(),
            source_ip: cx
                .source_ip()
                .map(|ip| ip.to_canonical().to_string())
                .unwrap_or_else(|| calls::PRINCIPAL.to_owned()),
            request_id: cx.request_id().to_owned(),
        };
        self.watching(bucket, by, origin, cx.now())
    }

    /// Follows what we do in a bucket by ourselves.
    pub(crate) fn watch_own<'a>(&'a self, bucket: &'a Bucket, by: By, now: Instant) -> Watch<'a> {
        self.watching(bucket, by, self.own_origin(bucket), now)
    }

    fn own_origin(&self, bucket: &Bucket) -> Origin {
        Origin {
            principal: calls::PRINCIPAL.to_owned(),
            account: bucket.owner.number(),
            source_ip: calls::PRINCIPAL.to_owned(),
            request_id: self.platform.env.rng.text(b"0123456789ABCDEF", 16),
        }
    }

    /// Follows the making of a replica of the source's version `of`.
    pub(crate) fn watch_replica<'a>(&'a self, bucket: &'a Bucket, now: Instant, of: String) -> Watch<'a> {
        let mut watching = self.parts(bucket, By::Replication, self.own_origin(bucket), now);
        watching.replica_of = Some(of);
        Watch::new(watching)
    }

    fn watching<'a>(&'a self, bucket: &'a Bucket, by: By, origin: Origin, now: Instant) -> Watch<'a> {
        Watch::new(self.parts(bucket, by, origin, now))
    }

    fn parts<'a>(&'a self, bucket: &'a Bucket, by: By, origin: Origin, now: Instant) -> Watching<'a> {
        Watching {
            bucket,
            by,
            origin,
            now,
            rng: &self.platform.env.rng,
            tasks: &self.tasks,
            replica_of: None,
            noted: Default::default(),
            copies: Default::default(),
        }
    }

    /// The bucket of a request, which must be in the request's Region and, when `expected_owner` is given, its owner's.
    pub(crate) async fn bucket(
        &self,
        cx: &Cx,
        name: &str,
        expected_owner: &Option<String>,
    ) -> Result<Arc<Bucket>> {
        let bucket = match name.ends_with(multi_region::ALIAS_ENDING) {
            true => {
                multi_region::check_signature(cx)?;
                let bucket = self.routed_bucket(name, Some(cx.region())).await?;
                check_owner(&bucket, expected_owner)?;
                bucket
            }
            false => self.bucket_anywhere(name, expected_owner).await?,
        };
        redirect::check_region(cx, &bucket)?;
        check_payer(cx, &bucket)?;
        acceleration::check(cx, &bucket)?;
        Ok(bucket)
    }

    /// The bucket, whatever its Region.
    pub(crate) async fn bucket_anywhere(
        &self,
        name: &str,
        expected_owner: &Option<String>,
    ) -> Result<Arc<Bucket>> {
        let bucket = match name.ends_with(multi_region::ALIAS_ENDING) {
            true => self.routed_bucket(name, None).await?,
            false => self.bucket_by_name(name).await?,
        };
        check_owner(&bucket, expected_owner)?;
        Ok(bucket)
    }

    pub(crate) async fn bucket_by_name(&self, name: &str) -> Result<Arc<Bucket>> {
        if name.ends_with(ALIAS_ENDING) {
            return Err(error::not_implemented("This operation by an Object Lambda access point"));
        }
        let found = self.buckets.get(&self.records, name).await?;
        let bucket = found.ok_or_else(|| error::no_such_bucket(name))?;
        // There is no VPC here that a request could come from.
        if bucket.via.as_ref().is_some_and(|via| via.origin != INTERNET) {
            return Err(error::access_denied("Access Denied"));
        }
        Ok(bucket)
    }
}

pub(crate) fn check_owner(bucket: &Bucket, expected: &Option<String>) -> Result<()> {
    let Some(expected) = expected else { return Ok(()) };
    if expected.len() != 12 || !expected.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error::invalid_account_id());
    }
    if *expected == bucket.owner.to_string() { Ok(()) } else { Err(error::access_denied("Access Denied")) }
}

/// Whoever does not own a requester-pays bucket has to say that they pay (S3 User Guide, "Using Requester Pays general
/// purpose buckets").
fn check_payer(cx: &Cx, bucket: &Bucket) -> Result<()> {
    if !bucket.record.requester_pays {
        return Ok(());
    }
    let caller = cx.caller();
    match caller.principal {
        Principal::Service { .. } => return Ok(()),
        Principal::Anonymous => {}
        _ if caller.account == bucket.owner => return Ok(()),
        _ if says_that_it_pays(cx) => return Ok(()),
        _ => {}
    }
    Err(error::access_denied("Access Denied"))
}

/// `x-amz-request-payer: requester`, as a header or, in a presigned URL, in the query.
pub(crate) fn says_that_it_pays(cx: &Cx) -> bool {
    let Some(http) = cx.http() else { return true };
    let pays = |value: &str| value.eq_ignore_ascii_case("requester");
    http.header("x-amz-request-payer").is_some_and(pays)
        || http.uri.query().is_some_and(|query| {
            query.split('&').any(|pair| {
                pair.split_once('=').is_some_and(|(name, value)| {
                    name.eq_ignore_ascii_case("x-amz-request-payer") && pays(value)
                })
            })
        })
}
