//! Metric and subscription filters, and what waits for them.

use std::collections::{BTreeMap, HashMap};

use haneul_kit::contributors::Tallies;
use haneul_kit::{AccountId, ApiError, Region, Result};
use haneul_store::{Range, Reads, Tx};

use super::Records;
use crate::error;
use crate::model::{
    Arrival, DELIVERIES, Delivery, GROUP_POLICIES, GROUPS, Group, GroupPlace, MEASURING, METRIC_FILTERS,
    MINUTES, MetricFilter, Minute, POSTPONED, Postponed, SUBSCRIPTIONS, Subscription,
};
use crate::names::GroupName;
use crate::pattern::regexes;

/// Quotas. Source: CloudWatch Logs User Guide, "CloudWatch Logs quotas", and the API Reference of the two operations.
pub(crate) const METRIC_FILTERS_MAX: usize = 100;
pub(crate) const SUBSCRIPTIONS_MAX: usize = 2;
/// Filters whose pattern has regular expressions.
const WITH_REGEX_MAX: usize = 5;

/// Read at once of a listing that is not in the order of its table.
const LISTING_PAGE: usize = 500;

/// What is taken at once of what waits.
pub(super) const WAITING_PAGE: usize = 64;

/// Who is told of events, beside a group's own filters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routing {
    /// Subscription policies of the account: id and name.
    pub(crate) of_account: Vec<(u64, String)>,
    /// Whether some of them are metrics in the embedded format.
    pub(crate) embedded: bool,
    /// Whether those that are must not become metrics.
    pub(crate) unextracted: bool,
    /// Whether a rule of Contributor Insights watches the group.
    pub(crate) watched: bool,
}

/// Whom events wait for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) for_metrics: bool,
    pub(crate) for_delivery: bool,
}

/// What came of chunks whose events metrics were to be made of.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// They are done with: those that had just arrived, and those that had been postponed.
    pub(crate) arrived: Vec<(u64, u64)>,
    pub(crate) postponed: Vec<(i64, u64, u64)>,
    /// They are tried again.
    pub(crate) later: Vec<((i64, u64, u64), Postponed)>,
    /// Minutes in which filters with a default had matches, or had none.
    pub(crate) minutes: HashMap<(i64, u64, String), Minute>,
    /// What rules of Contributor Insights counted, and a number to keep it under.
    pub(crate) tallies: Tallies,
    pub(crate) nonce: u64,
}

pub(super) struct Arrived<'a> {
    pub(super) now_ms: i64,
    pub(super) name: &'a GroupName,
    pub(super) group: &'a Group,
    pub(super) stream: &'a str,
    /// Of the stream.
    pub(super) id: u64,
}

type FilterKey<'a> = (AccountId, Region, &'a str, &'a str);

/// Notes for whom the chunks wait, with the chunks themselves: a crash loses neither or both.
pub(super) async fn route(
    tx: &Tx,
    arrived: &Arrived<'_>,
    sequences: &[u64],
    routing: &Routing,
) -> Result<Waiting> {
    let Arrived { now_ms, name, group, stream, id } = *arrived;
    let arrival = || Arrival {
        group: GroupPlace::of(name),
        group_id: group.id,
        stream: stream.to_owned(),
        unextracted: routing.unextracted,
    };
    let for_metrics = group.metric_filters > 0 || routing.embedded || routing.watched;
    if for_metrics {
        for sequence in sequences {
            tx.put(&MEASURING, &(*sequence, id), &arrival())?;
        }
    }
    let mut to: Vec<(u64, String, bool)> =
        routing.of_account.iter().map(|(id, name)| (*id, name.clone(), true)).collect();
    if group.subscriptions > 0 {
        let found = tx.scan(&SUBSCRIPTIONS, Range::prefix(name.key()), SUBSCRIPTIONS_MAX).await?;
        to.extend(
            found.into_iter().map(|((_, _, _, filter), subscription)| (subscription.id, filter, false)),
        );
    }
    for (subscription, filter, of_account) in &to {
        for sequence in sequences {
            let delivery = Delivery {
                arrival: arrival(),
                filter: filter.clone(),
                of_account: *of_account,
                since_ms: now_ms,
                attempts: 0,
                next_ms: now_ms,
                unreadable: false,
            };
            tx.put(&DELIVERIES, &(*subscription, *sequence, id), &delivery)?;
        }
    }
    Ok(Waiting { for_metrics, for_delivery: !to.is_empty() })
}

/// A deleted group takes its filters along.
pub(super) async fn drop_all(tx: &Tx, name: &GroupName) -> Result<()> {
    for (account, region, group, filter) in
        tx.scan_keys(&METRIC_FILTERS, Range::prefix(name.key()), METRIC_FILTERS_MAX).await?
    {
        tx.delete(&METRIC_FILTERS, &(account, region, group.as_str(), filter.as_str()))?;
    }
    for (account, region, group, filter) in
        tx.scan_keys(&SUBSCRIPTIONS, Range::prefix(name.key()), SUBSCRIPTIONS_MAX).await?
    {
        tx.delete(&SUBSCRIPTIONS, &(account, region, group.as_str(), filter.as_str()))?;
    }
    Ok(tx.delete(&GROUP_POLICIES, &name.key())?)
}

/// A group's filters that have regular expressions, but the one of that kind and name.
async fn with_regex(tx: &Tx, name: &GroupName, but_metric: &str, but_subscription: &str) -> Result<usize> {
    let metrics = tx.scan(&METRIC_FILTERS, Range::prefix(name.key()), METRIC_FILTERS_MAX).await?;
    let subscriptions = tx.scan(&SUBSCRIPTIONS, Range::prefix(name.key()), SUBSCRIPTIONS_MAX).await?;
    let metrics =
        metrics.iter().filter(|((.., one), _)| one != but_metric).map(|(_, filter)| &filter.pattern);
    let others = subscriptions.iter().filter(|((.., one), _)| one != but_subscription);
    let patterns = metrics.chain(others.map(|(_, subscription)| &subscription.pattern));
    Ok(patterns.filter(|pattern| !regexes(pattern).is_empty()).count())
}

impl Records {
    /// Makes a metric filter, or changes it and leaves when it was made.
    pub(crate) async fn put_metric_filter(
        &self,
        name: &GroupName,
        filter_name: &str,
        filter: &MetricFilter,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                let key = filter_key(name, filter_name);
                let before = tx.get(&METRIC_FILTERS, &key).await?;
                let has_regex = !regexes(&filter.pattern).is_empty();
                if has_regex && with_regex(&tx, name, filter_name, "").await? >= WITH_REGEX_MAX {
                    return Err(error::limit());
                }
                if before.is_none() {
                    if group.metric_filters as usize >= METRIC_FILTERS_MAX {
                        return Err(error::limit());
                    }
                    group.metric_filters += 1;
                    tx.put(&GROUPS, &name.key(), &group)?;
                }
                let created_ms = before.map_or(filter.created_ms, |before| before.created_ms);
                Ok(tx.put(&METRIC_FILTERS, &key, &MetricFilter { created_ms, ..filter.clone() })?)
            })
            .await
    }

    pub(crate) async fn delete_metric_filter(&self, name: &GroupName, filter_name: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                let key = filter_key(name, filter_name);
                if tx.get(&METRIC_FILTERS, &key).await?.is_none() {
                    return Err(error::metric_filter_not_found());
                }
                group.metric_filters = group.metric_filters.saturating_sub(1);
                tx.put(&GROUPS, &name.key(), &group)?;
                Ok(tx.delete(&METRIC_FILTERS, &key)?)
            })
            .await
    }

    pub(crate) async fn metric_filters(&self, name: &GroupName) -> Result<Vec<(String, MetricFilter)>> {
        let found = self.store.scan(&METRIC_FILTERS, Range::prefix(name.key()), METRIC_FILTERS_MAX).await?;
        Ok(found.into_iter().map(|((.., filter), record)| (filter, record)).collect())
    }

    /// A group's metric filters whose names begin so.
    pub(crate) async fn metric_filters_named(
        &self,
        name: &GroupName,
        prefix: &str,
    ) -> Result<Vec<(String, MetricFilter)>> {
        let range = Range::prefix(name.key()).text(prefix);
        let found = self.store.scan(&METRIC_FILTERS, range, METRIC_FILTERS_MAX).await?;
        Ok(found.into_iter().map(|((.., filter), record)| (filter, record)).collect())
    }

    /// The first `limit` metric filters of an account in a Region by name and group, of those that are wanted. Looks at all, and
    /// holds no more than it gives and a page.
    pub(crate) async fn first_metric_filters(
        &self,
        (account, region): (AccountId, Region),
        limit: usize,
        wanted: impl Fn(&str, &str, &MetricFilter) -> bool,
    ) -> Result<Vec<(String, String, MetricFilter)>> {
        let mut first: BTreeMap<(String, String), MetricFilter> = BTreeMap::new();
        let mut range = Range::prefix((account, region));
        loop {
            let page = self.store.scan(&METRIC_FILTERS, range, LISTING_PAGE).await?;
            let last = page.last().map(|(key, _)| key.clone());
            let Some(last) = last else { break };
            for ((_, _, group, filter), record) in page {
                if wanted(&filter, &group, &record) {
                    first.insert((filter, group), record);
                    if first.len() > limit {
                        first.pop_last();
                    }
                }
            }
            range = Range::prefix((account, region)).after(&last);
        }
        Ok(first.into_iter().map(|((filter, group), record)| (filter, group, record)).collect())
    }

    /// Makes a subscription, or changes it and leaves its id, so that what waits goes to where it points now.
    pub(crate) async fn put_subscription(
        &self,
        name: &GroupName,
        filter_name: &str,
        made: &Subscription,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                let key = filter_key(name, filter_name);
                let before = tx.get(&SUBSCRIPTIONS, &key).await?;
                let has_regex = !regexes(&made.pattern).is_empty();
                if has_regex && with_regex(&tx, name, "", filter_name).await? >= WITH_REGEX_MAX {
                    return Err(error::limit());
                }
                if before.is_none() {
                    if group.subscriptions as usize >= SUBSCRIPTIONS_MAX {
                        return Err(error::limit());
                    }
                    group.subscriptions += 1;
                    tx.put(&GROUPS, &name.key(), &group)?;
                }
                let (id, created_ms) =
                    before.map_or((made.id, made.created_ms), |before| (before.id, before.created_ms));
                Ok(tx.put(&SUBSCRIPTIONS, &key, &Subscription { id, created_ms, ..made.clone() })?)
            })
            .await
    }

    pub(crate) async fn delete_subscription(&self, name: &GroupName, filter_name: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                let key = filter_key(name, filter_name);
                if tx.get(&SUBSCRIPTIONS, &key).await?.is_none() {
                    return Err(error::subscription_not_found());
                }
                group.subscriptions = group.subscriptions.saturating_sub(1);
                tx.put(&GROUPS, &name.key(), &group)?;
                Ok(tx.delete(&SUBSCRIPTIONS, &key)?)
            })
            .await
    }

    pub(crate) async fn subscriptions(&self, name: &GroupName) -> Result<Vec<(String, Subscription)>> {
        let found = self.store.scan(&SUBSCRIPTIONS, Range::prefix(name.key()), SUBSCRIPTIONS_MAX).await?;
        Ok(found.into_iter().map(|((.., filter), record)| (filter, record)).collect())
    }

    pub(crate) async fn subscription(
        &self,
        name: &GroupName,
        filter_name: &str,
    ) -> Result<Option<Subscription>> {
        Ok(self.store.get(&SUBSCRIPTIONS, &filter_key(name, filter_name)).await?)
    }

    /// Chunks that metrics are still to be made of, oldest first.
    pub(crate) async fn measuring(&self) -> Result<Vec<((u64, u64), Arrival)>> {
        Ok(self.store.scan(&MEASURING, Range::all(), WAITING_PAGE).await?)
    }

    /// The chunks that were postponed until now or before, earliest first.
    pub(crate) async fn postponed(&self, now_ms: i64) -> Result<Vec<((i64, u64, u64), Postponed)>> {
        let due = Range::all().before(&(now_ms.saturating_add(1), 0u64, 0u64));
        Ok(self.store.scan(&POSTPONED, due, WAITING_PAGE).await?)
    }

    /// When the next of them is due.
    pub(crate) async fn next_postponed(&self) -> Result<Option<i64>> {
        Ok(self.store.scan_keys(&POSTPONED, Range::all(), 1).await?.first().map(|(at, ..)| *at))
    }

    /// Writes what came of some chunks.
    pub(crate) async fn measured(&self, done: &Measured) -> Result<()> {
        self.store
            .transact(|tx| async move {
                done.tallies.write(&tx, done.nonce)?;
                for chunk in &done.arrived {
                    tx.delete(&MEASURING, chunk)?;
                }
                for before in &done.postponed {
                    tx.delete(&POSTPONED, before)?;
                }
                for (key, later) in &done.later {
                    tx.put(&POSTPONED, key, later)?;
                }
                for ((at, group, filter), minute) in &done.minutes {
                    let key = (*at, *group, filter.as_str());
                    let before = tx.get(&MINUTES, &key).await?.is_some_and(|before| before.matched);
                    tx.put(&MINUTES, &key, &Minute { matched: minute.matched || before, ..minute.clone() })?;
                }
                Ok::<_, ApiError>(())
            })
            .await
    }

    /// Writes what rules counted, before all of it is known.
    pub(crate) async fn counted(&self, tallies: &Tallies, nonce: u64) -> Result<()> {
        Ok(tallies.save(&self.store, nonce).await?)
    }

    /// Minutes in which events came to groups with a filter that has a default, oldest first.
    pub(crate) async fn minutes(&self) -> Result<Vec<((i64, u64, String), Minute)>> {
        Ok(self.store.scan(&MINUTES, Range::all(), WAITING_PAGE).await?)
    }

    pub(crate) async fn minute_done(&self, (at, group, filter): &(i64, u64, String)) -> Result<()> {
        Ok(self.store.delete(&MINUTES, &(*at, *group, filter.as_str())).await?)
    }
}

fn filter_key<'a>(name: &'a GroupName, filter_name: &'a str) -> FilterKey<'a> {
    (name.account, name.region, &name.name, filter_name)
}
