//! Schema versions and limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use haneul_env::Env;
use haneul_store::{Batch, Range, Reads, Record, RecordError, Store, StoreError, Table};
use serde::{Deserialize, Serialize};

use crate::engines;

#[derive(Serialize, Deserialize)]
struct QueueV1 {
    delay: u32,
}
impl Record for QueueV1 {}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct QueueV2 {
    delay_ms: u32,
}
impl Record for QueueV2 {
    const VERSION: u32 = 200;

    fn migrate(version: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        match version {
            1 => Ok(QueueV2 { delay_ms: QueueV1::decode(bytes)?.delay * 1000 }),
            other => Err(RecordError(format!("no version {other}"))),
        }
    }
}

static V1: Table<String, QueueV1> = Table::new("test.queues");
static V2: Table<String, QueueV2> = Table::new("test.queues");

#[test]
fn older_records_migrate_and_newer_ones_are_refused() {
    for (_name, store, _dir) in engines::all() {
        engines::runtime().block_on(async {
            store.put(&V1, "old", &QueueV1 { delay: 5 }).await.unwrap();
            assert_eq!(store.get(&V2, "old").await.unwrap(), Some(QueueV2 { delay_ms: 5000 }));
            store.put(&V2, "new", &QueueV2 { delay_ms: 7 }).await.unwrap();
            assert_eq!(store.get(&V2, "new").await.unwrap(), Some(QueueV2 { delay_ms: 7 }));
            let refused = store.get(&V1, "new").await.err();
            assert_eq!(
                refused,
                Some(StoreError::NewerRecord { table: "test.queues", version: 200, known: 1 })
            );
        });
    }
}

#[test]
fn limits() {
    let store = Store::memory();
    static BYTES: Table<Vec<u8>, Vec<u8>> = Table::new("test.bytes");
    engines::runtime().block_on(async {
        let refused = store.put(&BYTES, &vec![1; 9000], &vec![]).await;
        assert!(matches!(refused, Err(StoreError::TooLarge { what: "key", .. })), "{refused:?}");
        let refused = store.put(&BYTES, &vec![1], &vec![0; 17 << 20]).await;
        assert!(matches!(refused, Err(StoreError::TooLarge { what: "record", .. })), "{refused:?}");
        let record = &vec![0; 15 << 20];
        let refused = store
            .transact(|tx| async move {
                for n in 0..8u8 {
                    tx.put(&BYTES, &vec![n], record)?;
                }
                Ok::<_, StoreError>(())
            })
            .await;
        assert!(matches!(refused, Err(StoreError::TooLarge { what: "transaction", .. })), "{refused:?}");
    });
}

/// Reads are served from memory and never wait: without help, a walk over a table would be the thread's only task.
#[tokio::test]
async fn a_walk_lets_others_go_on() {
    static ROWS: Table<u64, u64> = Table::new("test.rows");
    for (kind, store, _dir) in engines::all() {
        let mut batch = Batch::default();
        (0..10_000).for_each(|n: u64| batch.put(&ROWS, &n, &n).unwrap());
        store.write(batch).await.unwrap();
        let others = Arc::new((AtomicUsize::new(0), AtomicBool::new(false)));
        let other = others.clone();
        Env::real().spawn("other", async move {
            while !other.1.load(Ordering::Relaxed) {
                other.0.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        let snapshot = store.snapshot().await.unwrap();
        for _ in 0..10 {
            assert_eq!(snapshot.scan(&ROWS, Range::all(), 10_000).await.unwrap().len(), 10_000);
        }
        others.1.store(true, Ordering::Relaxed);
        let turns = others.0.load(Ordering::Relaxed);
        assert!(turns >= 10, "{kind}: {turns} turns in ten walks of ten thousand rows");
    }
}
