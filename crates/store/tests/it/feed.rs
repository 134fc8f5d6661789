//! The change feed and the counters for caches.

use haneul_store::feed::INBOX_COMMITS_MAX;
use haneul_store::{Event, Range, StoreError, Table};

use crate::engines;

static USERS: Table<String, u64> = Table::new("test.users");
static KEYS: Table<String, u64> = Table::new("test.keys");
static OTHERS: Table<String, u64> = Table::new("test.others");

#[test]
fn subscribers_hear_commits_whole_and_in_order() {
    for (name, store, _dir) in engines::all() {
        engines::runtime().block_on(async {
            let mut heard = store.subscribe(&[USERS.name(), KEYS.name()]);
            store.put(&OTHERS, "x", &1).await.unwrap();
            store
                .transact(|tx| async move {
                    tx.put(&USERS, "ann", &1)?;
                    tx.put(&KEYS, "AKIA", &2)?;
                    tx.put(&OTHERS, "y", &3)
                })
                .await
                .unwrap();
            store.delete(&USERS, "ann").await.unwrap();

            let Event::Commit(first) = heard.next().await else { panic!("{name}: lagged") };
            let users: Result<Vec<_>, StoreError> = first.of(&USERS).collect();
            assert_eq!(users.unwrap(), [("ann".to_owned(), Some(1))]);
            assert!(first.touches(&KEYS));
            let Event::Commit(second) = heard.next().await else { panic!("{name}: lagged") };
            assert!(second.version > first.version && !second.touches(&KEYS));
            let users: Result<Vec<_>, StoreError> = second.of(&USERS).collect();
            assert_eq!(users.unwrap(), [("ann".to_owned(), None)]);
            assert!(heard.try_next().is_none());
        });
    }
}

#[test]
fn a_slow_subscriber_is_told_that_it_lagged() {
    for (name, store, _dir) in engines::all() {
        if name != "memory" {
            continue; // The feed is the same; only the commits would take longer.
        }
        engines::runtime().block_on(async {
            let mut heard = store.subscribe(&[]);
            for n in 0..INBOX_COMMITS_MAX as u64 + 1 {
                store.put(&USERS, "ann", &n).await.unwrap();
            }
            assert!(matches!(heard.next().await, Event::Lagged));
            let Event::Commit(last) = heard.next().await else { panic!("lagged twice") };
            assert_eq!(last.of(&USERS).next().unwrap().unwrap().1, Some(INBOX_COMMITS_MAX as u64));
            assert!(heard.try_next().is_none());
        });
    }
}

#[test]
fn a_counter_that_reads_the_same_means_that_nothing_changed() {
    for (name, store, _dir) in engines::all() {
        engines::runtime().block_on(async {
            let users = store.table_version(&USERS);
            let before = users.get();
            store.put(&KEYS, "AKIA", &1).await.unwrap();
            assert_eq!(users.get(), before, "{name}");
            store.put(&USERS, "ann", &1).await.unwrap();
            assert!(users.get() > before, "{name}");
            assert_eq!(store.version(&USERS), users.get());
            use haneul_store::Reads;
            assert_eq!(store.scan_keys(&USERS, Range::all(), 10).await.unwrap(), ["ann"]);
        });
    }
}
