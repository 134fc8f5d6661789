use std::time::Duration;

use haneul_env::{Env, post, rouse};
use haneul_store::log::LogOptions;
use haneul_store::{DiskOptions, Store};

/// A store of each kind, with what must stay alive as long as it is used.
pub(crate) fn all() -> Vec<(&'static str, Store, Option<tempfile::TempDir>)> {
    let dir = tempfile::tempdir().unwrap();
    let disk = Store::open_with(&Env::real(), dir.path(), tiny()).unwrap();
    vec![("memory", Store::memory(), None), ("disk", disk, Some(dir))]
}

/// So small that memtables, tables and segments come and go all the time.
pub(crate) fn tiny() -> DiskOptions {
    let log = LogOptions { segment_bytes: 8 * 1024, grow_bytes: 4 * 1024, must_exist: false };
    DiskOptions { memtable_bytes: 2 * 1024, cache_bytes: 64 * 1024, rows_bytes: 0, log }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// On a thread like those that serve connections: it puts off what is to be synced, and syncs itself.
pub(crate) fn served<T: Send>(test: impl FnOnce(&tokio::runtime::Runtime) -> T + Send) -> T {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(rouse::idle)
            .on_thread_unpark(rouse::woke)
            .build()
            .unwrap();
        let context = runtime.enter();
        let hour = Duration::from_secs(3600);
        rouse::put_off(rouse::Limits { sync: hour, work: hour });
        drop(context);
        runtime.spawn(post::deliver());
        test(&runtime)
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap())
}
