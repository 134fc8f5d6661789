//! What is kept, and under which keys.

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, RecordError, Table};
use serde::{Deserialize, Serialize};

use crate::insights::count::Hour;
use crate::insights::decide::Ongoing;
use crate::insights::settings::Insights;
use crate::selectors::{Advanced, Selectors};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trail {
    /// What waits for delivery hangs on it, so that a trail made anew under the same name begins empty.
    pub(crate) id: String,
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    /// Events of services that are in no Region.
    pub(crate) global: bool,
    pub(crate) multi_region: bool,
    pub(crate) validation: bool,
    pub(crate) log_group: Option<String>,
    pub(crate) logs_role: Option<String>,
    /// The key's ARN.
    pub(crate) kms_key: Option<String>,
    /// The organization whose members' events it takes.
    pub(crate) organization: Option<String>,
    pub(crate) selectors: Selectors,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) logging: bool,
    pub(crate) started_ms: Option<i64>,
    pub(crate) stopped_ms: Option<i64>,
    /// Whether it takes what its own deliveries do.
    pub(crate) recursive: bool,
    /// Since when digests are made.
    pub(crate) validating_since_ms: Option<i64>,
    #[serde(default)]
    pub(crate) insights: Option<Insights>,
}

impl Record for Trail {}

/// What deliveries say of a trail; apart from it, because they go on beside its changes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) delivered_ms: Option<i64>,
    pub(crate) attempted_ms: Option<i64>,
    pub(crate) error: Option<String>,
    pub(crate) digest_ms: Option<i64>,
    pub(crate) digest_error: Option<String>,
    pub(crate) logs_ms: Option<i64>,
    pub(crate) logs_error: Option<String>,
}

impl Record for Status {}

/// A log file that was delivered and is in no digest yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LogFile {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// SHA-256 of the plain text, in hexadecimal.
    pub(crate) hash: String,
    pub(crate) oldest_ms: i64,
    pub(crate) newest_ms: i64,
}

impl Record for LogFile {}

/// A delivery that was begun: after a crash it is repeated under the same name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) key: String,
    pub(crate) last_seq: u64,
}

impl Record for Planned {}

/// The last digest of one chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Chain {
    pub(crate) end_ms: i64,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) hash: String,
    pub(crate) signature: String,
}

impl Record for Chain {}

/// A key pair that signs digests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SigningKey {
    /// PKCS #8, sealed.
    pub(crate) sealed: String,
    /// PKCS #1, in base64.
    pub(crate) public: String,
    pub(crate) from_ms: i64,
    pub(crate) until_ms: i64,
}

impl Record for SigningKey {}

/// An event data store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EventStore {
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) selectors: Vec<Advanced>,
    pub(crate) multi_region: bool,
    pub(crate) organization: Option<String>,
    pub(crate) retention_days: i32,
    pub(crate) protected: bool,
    pub(crate) billing: String,
    pub(crate) kms_key: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) ingesting: bool,
    /// When it goes for good, once it was deleted.
    pub(crate) gone_at_ms: Option<i64>,
    #[serde(default)]
    pub(crate) insights: Option<Insights>,
    /// Whom else it lets query it.
    #[serde(default)]
    pub(crate) policy: Option<String>,
}

impl Record for EventStore {}

/// How the events of a store are paid for, by default: for a year, or else for seven.
pub(crate) const EXTENDABLE: &str = "EXTENDABLE_RETENTION_PRICING";

/// A query of an event data store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Query {
    pub(crate) store: String,
    pub(crate) text: String,
    pub(crate) created_ms: i64,
    pub(crate) took_ms: i64,
    pub(crate) status: String,
    pub(crate) error: Option<String>,
    pub(crate) matched: u64,
    pub(crate) scanned: u64,
    pub(crate) bytes: u64,
    /// Other stores that it reads.
    #[serde(default)]
    pub(crate) others: Vec<String>,
    /// Where each page of its rows begins, and how many rows there are; of a query of an older version nothing.
    #[serde(default)]
    pub(crate) pages: Vec<u64>,
    #[serde(default)]
    pub(crate) rows: u64,
    #[serde(default)]
    pub(crate) delivery: Option<Delivery>,
}

impl Record for Query {}

/// Where the rows of a query are to be delivered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// As it was given.
    pub(crate) uri: String,
    pub(crate) bucket: String,
    /// Empty, or with a slash at its end.
    pub(crate) prefix: String,
    pub(crate) status: String,
    /// When the query was finished: the names of its files tell it, and a delivery that is repeated writes the same.
    pub(crate) finished_ms: i64,
}

/// A page of the answer of a query: rows of column and value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rows(pub(crate) Vec<Vec<(String, Option<String>)>>);

impl Record for Rows {}

/// Records in the form of [`crate::chunk`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Chunk(pub(crate) Vec<u8>);

impl Record for Chunk {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.extend_from_slice(&self.0);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Chunk, RecordError> {
        Ok(Chunk(bytes.to_vec()))
    }
}

/// How far the journal has been taken into the tables.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ingested {
    pub(crate) seq: u64,
    /// Where a replay begins.
    pub(crate) position: u64,
}

impl Record for Ingested {}

impl Record for Hour {}

/// A series of calls that Insights looks at.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// The last minute with a call.
    pub(crate) last: u64,
    pub(crate) ongoing: Option<Ongoing>,
}

impl Record for Counted {}

/// How far Insights has looked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// The last minute that was looked at.
    pub(crate) minute: u64,
    /// The first minute that was counted.
    pub(crate) since: u64,
}

impl Record for Watched {}

/// The key of a chunk in an outbox or a history.
pub(crate) type ChunkKey = (String, AccountId, Region, u64);

pub(crate) static TRAILS: Table<(AccountId, Region, String), Trail> = Table::new("cloudtrail.trails");
/// By the trail's id.
pub(crate) static STATUS: Table<String, Status> = Table::new("cloudtrail.status");
/// Management events of the last 90 days: the first component is empty. And Insights events, by [`crate::store::told`].
pub(crate) static HISTORY: Table<ChunkKey, Chunk> = Table::new("cloudtrail.history");
/// What trails have still to deliver, by the trail's id with `/s3` or `/logs` behind it.
pub(crate) static OUTBOX: Table<ChunkKey, Chunk> = Table::new("cloudtrail.outbox");
/// By outbox, account and Region.
pub(crate) static PLANNED: Table<(String, AccountId, Region), Planned> = Table::new("cloudtrail.planned");
/// By trail, account, Region, time of delivery and name.
pub(crate) static FILES: Table<(String, AccountId, Region, i64, String), LogFile> =
    Table::new("cloudtrail.files");
pub(crate) static CHAINS: Table<(String, AccountId, Region), Chain> = Table::new("cloudtrail.chains");
/// By fingerprint.
pub(crate) static KEYS: Table<String, SigningKey> = Table::new("cloudtrail.keys");
pub(crate) static STORES: Table<(AccountId, Region, String), EventStore> = Table::new("cloudtrail.stores");
/// Events of event data stores, by the store's id.
pub(crate) static LAKE: Table<ChunkKey, Chunk> = Table::new("cloudtrail.lake");
pub(crate) static QUERIES: Table<(AccountId, Region, String), Query> = Table::new("cloudtrail.queries");
/// By the query's id, and for the pages behind the first a slash and the number.
pub(crate) static RESULTS: Table<String, Rows> = Table::new("cloudtrail.results");
pub(crate) static INGESTED: Table<String, Ingested> = Table::new("cloudtrail.ingested");
/// Scopes of Insights: a trail's id for its data events, empty for management events.
pub(crate) type Scope = (String, AccountId, Region);
pub(crate) static WATCHED: Table<Scope, Watched> = Table::new("cloudtrail.watched");
/// By scope and series.
pub(crate) static COUNTED: Table<(String, AccountId, Region, String), Counted> =
    Table::new("cloudtrail.counted");
/// By scope, series and hour since the epoch.
pub(crate) static HOURS: Table<(String, AccountId, Region, String, u64), Hour> =
    Table::new("cloudtrail.hours");
