//! The state of the cloud: ordered, typed tables with serialisable transactions and a change feed.
//!
//! A service declares its tables as statics and reads and writes them through a [`Store`]:
//!
//! ```
//! # use haneul_base::{AccountId, Region};
//! # use haneul_store::{Range, Reads, Record, Store, StoreError, Table};
//! # #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
//! # struct Bucket { created_ms: i64 }
//! impl Record for Bucket {}
//! static BUCKETS: Table<(AccountId, Region, String), Bucket> = Table::new("s3.buckets");
//!
//! # async fn example(store: &Store, account: AccountId, region: Region) -> Result<(), StoreError> {
//! let made = store
//!     .transact(|tx| async move {
//!         let key = (account, region, "photos");
//!         if tx.get(&BUCKETS, &key).await?.is_some() {
//!             return Ok(false);
//!         }
//!         tx.put(&BUCKETS, &key, &Bucket { created_ms: 0 })?;
//!         Ok::<_, StoreError>(true)
//!     })
//!     .await?;
//! let page = store.scan(&BUCKETS, Range::prefix((account, region)).after(&(account, region, "a")), 100).await?;
//! # Ok(()) }
//! ```
//!
//! Reading order: [`table`], [`key`], [`range`], [`record`] say what is stored; [`store`], [`tx`], [`reads`] how it is
//! read and written; [`feed`] who hears of it; [`engine`] what an engine must do; [`local`] what the two engines on
//! this machine share, [`memory`] the one that forgets, [`log`](mod@log) the journal, [`disk`] the one that does not forget; `transfer`
//! exports and imports.
//!
//! What must never happen here: an acknowledgement before the data is durable; an engine's type in the public
//! interface; a damaged or newer store opened as if it were empty; knowledge of any service.

pub mod disk;
pub mod engine;
pub mod error;
pub mod feed;
pub mod key;
pub mod local;
pub mod log;
pub mod memory;
pub mod range;
pub mod reads;
pub mod record;
pub mod store;
pub mod table;
mod transfer;
pub mod tx;

pub use disk::DiskOptions;
pub use error::StoreError;
pub use feed::{Changes, Event, Subscription, TableVersion};
pub use key::{Key, KeyOf, Prefix};
pub use range::Range;
pub use reads::Reads;
pub use record::{Record, RecordError};
pub use store::{Batch, Snapshot, Store};
pub use table::Table;
pub use tx::Tx;
