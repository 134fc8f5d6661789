use std::sync::Arc;

use haneul_base::{AccountId, Region};
use haneul_store::key::{Key, Prefix};
use haneul_store::{Range, Reads, Record, Store, Table};
use parking_lot::Mutex;

use crate::{BoxFuture, Platform, Result};

/// A resource and its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    pub arn: String,
    pub kind: Kind,
    pub tags: Vec<(String, String)>,
}

/// A type of resource that can have tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// As filters of the tagging API name it: `sqs`, `iam:role`.
    pub name: &'static str,
    /// As resource groups and CloudFormation name it: `AWS::SQS::Queue`.
    pub cloudformation: &'static str,
}

/// Every resource of an account in a Region that a service has, tagged or not. What is in no Region is told for
/// `us-east-1`.
pub type List = for<'a> fn(&'a Store, AccountId, Region) -> BoxFuture<'a, Result<Vec<Tagged>>>;

/// The services that tell of their resources, for the tagging API, resource groups and the meter. Cheap to clone; clones
/// share everything.
#[derive(Clone, Default)]
pub struct Registry(Arc<Mutex<Vec<Teller>>>);

/// What one service said.
#[derive(Clone, Copy)]
pub struct Teller {
    /// The service's name in ARNs.
    pub service: &'static str,
    pub kinds: &'static [Kind],
    pub list: List,
}

impl Kind {
    pub const fn new(name: &'static str, cloudformation: &'static str) -> Kind {
        Kind { name, cloudformation }
    }

    pub fn resource<K: Into<String>, V: Into<String>>(
        self,
        arn: impl ToString,
        tags: impl IntoIterator<Item = (K, V)>,
    ) -> Tagged {
        let tags = tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Tagged { arn: arn.to_string(), kind: self, tags }
    }
}

impl Registry {
    /// Said once by each service when it is made.
    pub fn add(&self, service: &'static str, kinds: &'static [Kind], list: List) {
        self.0.lock().push(Teller { service, kinds, list });
    }

    pub fn all(&self) -> Vec<Teller> {
        self.0.lock().clone()
    }

    pub fn kinds(&self) -> Vec<Kind> {
        self.all().iter().flat_map(|teller| teller.kinds).copied().collect()
    }
}

impl Platform {
    /// The resources of an account in a Region: of all services, or of the one of that name in ARNs.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn resources(
        &self,
        service: Option<&str>,
        account: AccountId,
        region: Region,
    ) -> Result<Vec<Tagged>> {
        let mut all = Vec::new();
        for teller in self.tagged.all() {
            if service.is_none_or(|service| service == teller.service) {
                all.extend((teller.list)(&self.store, account, region).await?);
            }
        }
        Ok(all)
    }
}

/// Rows of a table that are read at once.
const PAGE: usize = 1000;

/// The resources that the rows of a table with this prefix are.
///
/// # Errors
/// When the store cannot be read.
pub async fn rows<K: Key, V: Record>(
    store: &Store,
    table: &Table<K, V>,
    prefix: impl Prefix<K> + Copy,
    each: impl Fn(K, V) -> Tagged,
) -> Result<Vec<Tagged>> {
    let mut all = Vec::new();
    let mut range = Range::prefix(prefix);
    loop {
        let page = store.scan(table, range, PAGE).await?;
        let full = page.len() == PAGE;
        range = match page.last() {
            Some((last, _)) if full => Range::prefix(prefix).after(last),
            _ => Range::prefix(prefix),
        };
        all.extend(page.into_iter().map(|(key, record)| each(key, record)));
        if !full {
            return Ok(all);
        }
    }
}
