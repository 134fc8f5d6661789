//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::{DESTINATIONS, DETECTORS, GROUPS, LOOKUP_TABLES, SCHEDULED_QUERIES};

const GROUP: Kind = Kind::new("logs", "AWS::Logs::LogGroup");
const DETECTOR: Kind = Kind::new("logs:anomaly-detector", "AWS::Logs::LogAnomalyDetector");
const LOOKUP: Kind = Kind::new("logs:lookup-table", "AWS::Logs::LookupTable");
const DESTINATION: Kind = Kind::new("logs:destination", "AWS::Logs::Destination");
const SCHEDULED: Kind = Kind::new("logs:scheduled-query", "AWS::Logs::ScheduledQuery");
pub(crate) const KINDS: &[Kind] = &[GROUP, DETECTOR, LOOKUP, DESTINATION, SCHEDULED];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        let mut all = rows(store, &GROUPS, (account, region), |(account, region, name), group| {
            GROUP.resource(Arn::new("logs", region, account, format_args!("log-group:{name}")), group.tags)
        })
        .await?;
        let detectors = rows(store, &DETECTORS, (account, region), |(account, region, id), detector| {
            DETECTOR.resource(
                Arn::new("logs", region, account, format_args!("anomaly-detector:{id}")),
                detector.tags,
            )
        });
        all.extend(detectors.await?);
        let tables = rows(store, &LOOKUP_TABLES, (account, region), |(account, region, name), table| {
            LOOKUP
                .resource(Arn::new("logs", region, account, format_args!("lookup-table:{name}")), table.tags)
        });
        all.extend(tables.await?);
        let destinations =
            rows(store, &DESTINATIONS, (account, region), |(account, region, name), destination| {
                DESTINATION.resource(
                    Arn::new("logs", region, account, format_args!("destination:{name}")),
                    destination.tags,
                )
            });
        all.extend(destinations.await?);
        let scheduled = rows(store, &SCHEDULED_QUERIES, (account, region), |(account, region, id), query| {
            SCHEDULED
                .resource(Arn::new("logs", region, account, format_args!("scheduled-query:{id}")), query.tags)
        });
        all.extend(scheduled.await?);
        Ok(all)
    })
}
