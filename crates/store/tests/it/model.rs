//! Random transactions against a `BTreeMap`.

use std::collections::BTreeMap;

use haneul_store::{Range, Reads, Snapshot, Store, StoreError, Table, Tx};
use proptest::prelude::*;

use crate::engines;

type Key = (String, u64);
type Model = BTreeMap<Key, String>;

static TABLE: Table<Key, String> = Table::new("test.model");
/// A neighbour whose name the other's begins with: its records must never show up.
static NEIGHBOUR: Table<Key, String> = Table::new("test.mode");

#[derive(Debug, Clone)]
enum Step {
    Put(Key, String),
    Delete(Key),
    Get(Key),
    Scan { group: Option<String>, after: Option<Key>, before: Option<Key>, reverse: bool, limit: usize },
}

fn key() -> impl Strategy<Value = Key> {
    ("[a-c\0]{0,2}", 0..4u64)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (key(), "[a-z]{0,3}").prop_map(|(k, v)| Step::Put(k, v)),
        2 => key().prop_map(Step::Delete),
        2 => key().prop_map(Step::Get),
        2 => (
            prop::option::of("[a-c\0]{0,2}"),
            prop::option::of(key()),
            prop::option::of(key()),
            any::<bool>(),
            0..6usize,
        )
            .prop_map(|(group, after, before, reverse, limit)| Step::Scan { group, after, before, reverse, limit }),
    ]
}

/// Transactions, each with whether it is to commit.
fn history() -> impl Strategy<Value = Vec<(Vec<Step>, bool)>> {
    prop::collection::vec((prop::collection::vec(step(), 0..8), prop::bool::weighted(0.8)), 0..12)
}

async fn check_reads(reads: &impl Reads, model: &Model, step: &Step) {
    match step {
        Step::Get(key) => assert_eq!(reads.get(&TABLE, key).await.unwrap(), model.get(key).cloned()),
        Step::Scan { group, after, before, reverse, limit } => {
            let mut range = match group {
                Some(group) => Range::prefix((group.as_str(),)),
                None => Range::all(),
            };
            if let Some(after) = after {
                range = range.after(after);
            }
            if let Some(before) = before {
                range = range.before(before);
            }
            let inside = model.iter().filter(|(key, _)| {
                group.as_ref().is_none_or(|group| key.0 == *group)
                    && after.as_ref().is_none_or(|after| *key > after)
                    && before.as_ref().is_none_or(|before| *key < before)
            });
            let mut expected: Vec<(Key, String)> = inside.map(|(k, v)| (k.clone(), v.clone())).collect();
            if *reverse {
                expected.reverse();
                range = range.rev();
            }
            expected.truncate(*limit);
            assert_eq!(reads.scan(&TABLE, range, *limit).await.unwrap(), expected);
        }
        Step::Put(..) | Step::Delete(..) => {}
    }
}

async fn run(tx: &Tx, model: &mut Model, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Put(key, value) => {
                tx.put(&TABLE, key, value).unwrap();
                model.insert(key.clone(), value.clone());
            }
            Step::Delete(key) => {
                tx.delete(&TABLE, key).unwrap();
                model.remove(key);
            }
            read => check_reads(tx, model, read).await,
        }
    }
}

async fn check(store: &Store, history: &[(Vec<Step>, bool)]) {
    store.put(&NEIGHBOUR, &("a".to_owned(), 1), &"neighbour".to_owned()).await.unwrap();
    let mut model = Model::new();
    let mut seen: Vec<(Snapshot, Model)> = Vec::new();
    for (steps, commit) in history {
        seen.push((store.snapshot().await.unwrap(), model.clone()));
        let before = model.clone();
        let old = &before;
        let after = store
            .transact(|tx| async move {
                let mut model = old.clone();
                run(&tx, &mut model, steps).await;
                if *commit { Ok(model) } else { Err(StoreError::Conflict) }
            })
            .await;
        model = after.unwrap_or(before);
        for step in steps {
            check_reads(store, &model, step).await;
        }
        // Half of the snapshots live on, so that versions pile up and are dropped in all orders.
        if seen.len().is_multiple_of(2) {
            seen.remove(seen.len() / 2);
        }
        for (snapshot, model) in &seen {
            let all = snapshot.scan(&TABLE, Range::all(), 1000).await.unwrap();
            assert_eq!(all, model.clone().into_iter().collect::<Vec<_>>());
            for step in steps {
                check_reads(snapshot, model, step).await;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_an_ordered_map_with_snapshots(history in history(), group in prop::option::of(0..4usize)) {
        let runtime = engines::runtime();
        let all = || {
            let all = engines::all();
            let in_groups = |bytes| all.iter().for_each(|(_, store, _)| store.group(&TABLE, bytes));
            group.into_iter().for_each(in_groups);
            all
        };
        for (_name, store, _dir) in all() {
            runtime.block_on(check(&store, &history));
        }
        for (_name, store, _dir) in all() {
            engines::served(|runtime| runtime.block_on(check(&store, &history)));
        }
    }
}
