//! Tables in groups: what is kept in memory of a group is what the tree has, whatever comes and goes meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use haneul_env::Rng;
use haneul_store::{Batch, Range, Reads, Store, StoreError, Table, Tx};

use crate::engines;

/// Amounts by account and item: those of an account are always [`SUM`] in all.
static AMOUNTS: Table<(u64, u64), u64> = Table::new("test.amounts");
static FILLER: Table<u64, Vec<u8>> = Table::new("test.filler");

const ACCOUNTS: u64 = 8;
const SUM: u64 = 1000;

fn of(account: u64) -> Range<(u64, u64)> {
    Range::prefix((account,))
}

/// Moves an amount to another item, a new one or one that is there, and deletes what is empty then.
async fn step(tx: &Tx, account: u64, amount: u64, to: u64) -> Result<(), StoreError> {
    let items = tx.scan(&AMOUNTS, of(account), 100).await?;
    assert_eq!(items.iter().map(|(_, amount)| amount).sum::<u64>(), SUM);
    let ((_, from), held) = items[amount as usize % items.len()];
    let amount = amount.min(held);
    if from == to {
        return Ok(());
    }
    match held - amount {
        0 => tx.delete(&AMOUNTS, &(account, from))?,
        left => tx.put(&AMOUNTS, &(account, from), &left)?,
    }
    let there = tx.get(&AMOUNTS, &(account, to)).await?.unwrap_or(0);
    assert_eq!(there, items.iter().find(|((_, item), _)| *item == to).map_or(0, |(_, amount)| *amount));
    tx.put(&AMOUNTS, &(account, to), &(there + amount))
}

async fn write(store: &Store, rng: Rng) {
    for _ in 0..200 {
        let (account, amount, to) = (rng.below(ACCOUNTS), 1 + rng.below(SUM), rng.below(24));
        store.transact(|tx| async move { step(&tx, account, amount, to).await }).await.unwrap();
    }
}

/// Every way of reading says the same.
async fn read(store: &Store) {
    let snapshot = store.snapshot().await.unwrap();
    let mut all = Vec::new();
    for account in 0..ACCOUNTS {
        let mut items = snapshot.scan(&AMOUNTS, of(account), 100).await.unwrap();
        assert_eq!(items.iter().map(|(_, amount)| amount).sum::<u64>(), SUM);
        let part = of(account).after(&(account, 5)).before(&(account, 15));
        let part = snapshot.scan(&AMOUNTS, part.rev(), 3).await.unwrap();
        let wanted = items.iter().rev().filter(|((_, item), _)| (6..15).contains(item)).take(3);
        assert!(part.iter().eq(wanted));
        for item in 0..24 {
            let found = snapshot.get(&AMOUNTS, &(account, item)).await.unwrap();
            let wanted = items.iter().find(|(key, _)| *key == (account, item));
            assert_eq!(found, wanted.map(|(_, amount)| *amount));
        }
        all.append(&mut items);
    }
    assert_eq!(snapshot.scan(&AMOUNTS, Range::all(), 1000).await.unwrap(), all);
}

/// Takes the place of what is in memory.
async fn fill(store: &Store, end: &AtomicBool) {
    let mut number = 0;
    while !end.load(Ordering::Relaxed) {
        let mut batch = Batch::default();
        for _ in 0..500 {
            number = (number + 1) % 8000;
            batch.put(&FILLER, &number, &vec![0; 3900]).unwrap();
        }
        store.write(batch).await.unwrap();
    }
}

#[test]
fn a_group_is_read_as_it_is_while_rows_come_and_go() {
    for (name, store, _dir) in engines::all() {
        // The account, as the first eight bytes of the key.
        store.group(&AMOUNTS, 8);
        let end = AtomicBool::new(false);
        engines::runtime().block_on(async {
            for account in 0..ACCOUNTS {
                store.put(&AMOUNTS, &(account, 0), &SUM).await.unwrap();
            }
        });
        std::thread::scope(|scope| {
            let (store, end) = (&store, &end);
            let others = [0, 1].map(|_| {
                scope.spawn(move || {
                    engines::served(|runtime| {
                        while !end.load(Ordering::Relaxed) {
                            runtime.block_on(read(store));
                        }
                    });
                })
            });
            scope.spawn(move || engines::runtime().block_on(fill(store, end)));
            let writers = [1, 2, 3]
                .map(Rng::seeded)
                .map(|rng| scope.spawn(move || engines::runtime().block_on(write(store, rng))));
            let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
            end.store(true, Ordering::Relaxed);
            assert!(
                written.into_iter().chain(others.map(|other| other.join())).all(|done| done.is_ok()),
                "{name}"
            );
        });
        engines::runtime().block_on(read(&store));
    }
}
