use haneul_store::Store;

/// A store of each kind, with what must stay alive as long as it is used.
pub(crate) fn all() -> Vec<(&'static str, Store, Option<tempfile::TempDir>)> {
    vec![("memory", Store::memory(), None)]
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
