//! Anomalies that serialisable transactions must not show.

use haneul_store::{Range, Reads, Store, StoreError, Table};
use tokio::sync::Barrier;

use crate::engines;

static COUNTERS: Table<String, u64> = Table::new("test.counters");

/// On call or not.
impl haneul_store::Record for OnCall {}
#[derive(serde::Serialize, serde::Deserialize)]
struct OnCall(bool);

static CALLS: Table<(String, String), OnCall> = Table::new("test.calls");

async fn spawn_all<F: Future<Output = ()> + Send + 'static>(tasks: impl Iterator<Item = F>) {
    #[allow(clippy::disallowed_methods)] // There is no Env here, and nothing to drain.
    let tasks: Vec<_> = tasks.map(tokio::spawn).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Sixteen tasks count to 25 each.
async fn count_up(store: &Store) {
    spawn_all((0..16).map(|_| {
        let store = store.clone();
        async move {
            for _ in 0..25 {
                store
                    .transact(|tx| async move {
                        let count = tx.get(&COUNTERS, "hot").await?.unwrap_or(0);
                        tokio::task::yield_now().await;
                        tx.put(&COUNTERS, "hot", &(count + 1))
                    })
                    .await
                    .unwrap();
            }
        }
    }))
    .await;
}

#[test]
fn no_increment_is_lost() {
    for (name, store, _dir) in engines::all() {
        engines::runtime().block_on(async {
            count_up(&store).await;
            assert_eq!(store.get(&COUNTERS, "hot").await.unwrap(), Some(400), "{name}");
        });
    }
}

#[test]
fn no_increment_is_lost_where_several_threads_commit() {
    for (name, store, _dir) in engines::all() {
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let store = &store;
                // Now all at once, and now one after the other.
                scope.spawn(move || {
                    engines::served(|runtime| {
                        runtime.block_on(count_up(store));
                        for number in 0..50 {
                            let key = format!("{:?} {number}", std::thread::current().id());
                            runtime.block_on(store.put(&COUNTERS, key.as_str(), &number)).unwrap();
                            let found = runtime.block_on(store.get(&COUNTERS, key.as_str())).unwrap();
                            assert_eq!(found, Some(number));
                        }
                    });
                });
            }
            scope.spawn(|| engines::runtime().block_on(count_up(&store)));
        });
        let hot = engines::runtime().block_on(store.get(&COUNTERS, "hot")).unwrap();
        assert_eq!(hot, Some(1200), "{name}");
    }
}

/// Two doctors go off call at once, each having seen that the other is on: the first attempts of both read before
/// either commits, so one of them must be made to look again.
async fn write_skew(store: &Store, by_scan: bool) -> usize {
    for doctor in ["kim", "lee"] {
        store.put(&CALLS, &("ward", doctor), &OnCall(true)).await.unwrap();
    }
    let both_read = std::sync::Arc::new(Barrier::new(2));
    spawn_all(["kim", "lee"].into_iter().map(|doctor| {
        let (store, both_read) = (store.clone(), both_read.clone());
        async move {
            let first = &std::sync::atomic::AtomicBool::new(true);
            let both_read = &both_read;
            store
                .transact(|tx| async move {
                    let on_call = if by_scan {
                        let all = tx.scan(&CALLS, Range::prefix(("ward",)), 10).await?;
                        all.iter().filter(|(_, on)| on.0).count()
                    } else {
                        let mut count = 0;
                        for doctor in ["kim", "lee"] {
                            count +=
                                usize::from(tx.get(&CALLS, &("ward", doctor)).await?.is_some_and(|on| on.0));
                        }
                        count
                    };
                    if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
                        both_read.wait().await;
                    }
                    if on_call > 1 {
                        tx.put(&CALLS, &("ward", doctor), &OnCall(false))?;
                    }
                    Ok::<_, StoreError>(())
                })
                .await
                .unwrap();
        }
    }))
    .await;
    let all = store.scan(&CALLS, Range::all(), 10).await.unwrap();
    all.iter().filter(|(_, on)| on.0).count()
}

#[test]
fn write_skew_is_refused() {
    for (name, store, _dir) in engines::all() {
        for by_scan in [false, true] {
            assert_eq!(engines::runtime().block_on(write_skew(&store, by_scan)), 1, "{name} scan: {by_scan}");
        }
    }
}

#[test]
fn a_phantom_is_noticed_and_a_write_outside_the_scanned_part_is_not() {
    for (name, store, _dir) in engines::all() {
        engines::runtime().block_on(async {
            for n in 0..10 {
                store.put(&COUNTERS, &format!("k{n}"), &n).await.unwrap();
            }
            // Reads k0..=k4 by limit; what is written meanwhile at `beside` conflicts or does not.
            for (beside, attempts_expected) in [("k22", 2), ("k4", 2), ("k45", 1), ("k9", 1), ("a", 1)] {
                let attempts = &std::sync::atomic::AtomicU32::new(0);
                let store = &store;
                store
                    .transact(|tx| async move {
                        let attempt = attempts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let range = Range::all().from("k");
                        assert_eq!(tx.scan(&COUNTERS, range, 5).await?.len(), 5);
                        if attempt == 0 {
                            store.put(&COUNTERS, beside, &1).await?;
                        }
                        tx.put(&COUNTERS, "sum", &1)
                    })
                    .await
                    .unwrap();
                let attempts = attempts.load(std::sync::atomic::Ordering::Relaxed);
                assert_eq!(attempts, attempts_expected, "{name}: {beside}");
                store.delete(&COUNTERS, "k22").await.unwrap();
            }
        });
    }
}

#[test]
fn an_error_in_the_closure_writes_nothing_and_comes_back_as_it_is() {
    #[derive(Debug, PartialEq)]
    enum Refused {
        Full,
        Store(StoreError),
    }
    impl From<StoreError> for Refused {
        fn from(error: StoreError) -> Refused {
            Refused::Store(error)
        }
    }
    for (_name, store, _dir) in engines::all() {
        engines::runtime().block_on(async {
            let refused = store
                .transact(|tx| async move {
                    tx.put(&COUNTERS, "never", &1)?;
                    Err::<(), _>(Refused::Full)
                })
                .await;
            assert_eq!(refused, Err(Refused::Full));
            assert_eq!(store.get(&COUNTERS, "never").await.unwrap(), None);
        });
    }
}
