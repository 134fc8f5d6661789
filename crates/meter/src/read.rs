use haneul_base::{AccountId, Region};
use haneul_store::{Range, Reads, Record, Store, StoreError, Table};

use crate::compact::{DAYS, MONTHS, Sum};
use crate::rows::{ROWS, Row, RowKey};

/// Which rows are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of their beginnings. Inclusive.
    pub from_ms: i64,
    /// Exclusive.
    pub until_ms: Option<i64>,
    pub account: Option<AccountId>,
    pub service: Option<String>,
}

/// What was used in a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub key: RowKey,
    pub row: Row,
    pub span: Span,
}

/// How long the time of a row is, from its beginning on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    Month,
    Day,
    Hour,
}

impl Span {
    /// As Cost Explorer calls it.
    pub fn granularity(self) -> &'static str {
        match self {
            Span::Month => "MONTHLY",
            Span::Day => "DAILY",
            Span::Hour => "HOURLY",
        }
    }
}

/// Rows that are read at once.
const PAGE: usize = 1000;

/// What was used, by its beginning, up to `limit` rows.
///
/// # Errors
/// When the store cannot be read.
pub async fn read(store: &Store, filter: &Filter, limit: usize) -> Result<Vec<Usage>, StoreError> {
    // Of one state: rows move from one table to another.
    let state = store.snapshot().await?;
    let mut found = Vec::new();
    let spread = |span| {
        move |(key, sum): (RowKey, Sum)| sum.rows().map(move |row| Usage { key: key.clone(), row, span })
    };
    for (table, span) in [(&MONTHS, Span::Month), (&DAYS, Span::Day)] {
        found.extend(wanted(&state, table, filter, limit).await?.into_iter().flat_map(spread(span)));
    }
    let hours = wanted(&state, &ROWS, filter, limit).await?;
    found.extend(hours.into_iter().map(|(key, row)| Usage { key, row, span: Span::Hour }));
    found.sort_by(|a, b| place(a).cmp(&place(b)));
    found.truncate(limit);
    Ok(found)
}

async fn wanted<V: Record>(
    state: &impl Reads,
    table: &Table<RowKey, V>,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<(RowKey, V)>, StoreError> {
    let (mut found, mut range) = (Vec::new(), within(filter));
    loop {
        let page = state.scan(table, range, PAGE).await?;
        let full = page.len() == PAGE;
        range = match page.last() {
            Some((last, _)) => within(filter).after(last),
            None => return Ok(found),
        };
        found.extend(page.into_iter().filter(|(key, _)| {
            filter.account.is_none_or(|account| account == key.1)
                && filter.service.as_ref().is_none_or(|service| *service == key.3)
        }));
        if !full || found.len() >= limit {
            return Ok(found);
        }
    }
}

/// Where a row stands: as the rows of each table do.
fn place(used: &Usage) -> (i64, AccountId, &str, &str, &str, &str, Span) {
    let (ms, account, region, service, what, resource) = &used.key;
    (*ms, *account, region.as_str(), service, what, resource, used.span)
}

fn within(filter: &Filter) -> Range<RowKey> {
    let range = match filter.from_ms {
        0 => Range::all(),
        from_ms => Range::all().from(&first(from_ms)),
    };
    match filter.until_ms {
        Some(until_ms) => range.before(&first(until_ms)),
        None => range,
    }
}

/// What comes before every row that begins at that time.
pub(crate) fn first(ms: i64) -> RowKey {
    // Keys hold the names of Regions.
    let region = Region::all().min_by_key(|region| region.as_str()).unwrap_or(Region::US_EAST_1);
    (ms, AccountId::DEFAULT, region, String::new(), String::new(), String::new())
}
