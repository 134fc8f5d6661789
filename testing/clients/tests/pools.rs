//! Storage pools, as disks that come and go under load.

use haneul_clients::{Server, available, python, script};

#[test]
fn one_of_three_is_lost_under_load() {
    let python = python();
    if !available(&python, &["-c", "import boto3"], "boto3_pools.py") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pools = ["a", "b", "c"].map(|name| folder.path().join(name).display().to_string());
    let flags = ["--pool", &pools[0], "--pool", &pools[1], "--pool", &pools[2]];
    let server = Server::start(&flags);
    server.run(&python, &[&script("boto3_pools.py"), &folder.path().display().to_string()]);
    // Where the objects are is not forgotten.
    let (said, _) = server.refusal(&[]);
    assert!(said.contains("--pool"), "{said}");
}
