//! Schema versions and limits.

use haneul_store::{Reads, Record, RecordError, Store, StoreError, Table};
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
