//! Kinesis by boto3, by Terraform, and around a kill while records are put and shards change.

use haneul_clients::{Server, available, python, script, terraform};

fn can_run(name: &str) -> bool {
    available(&python(), &["-c", "import boto3"], name)
}

#[test]
fn by_boto3() {
    if can_run("boto3_kinesis.py") {
        Server::start(&[]).run(&python(), &[&script("boto3_kinesis.py")]);
    }
}

#[test]
fn nothing_acknowledged_is_lost_in_a_kill() {
    if can_run("crash_kinesis.py") {
        let server = Server::start(&[]);
        let (script, pid) = (script("crash_kinesis.py"), server.pid().to_string());
        let notes = server.data_dir().with_file_name("acknowledged");
        let notes = notes.to_str().expect("a temporary folder's path is UTF-8");
        server.run(&python(), &[&script, "before", notes, &pid]);
        let server = server.restart(&[]);
        server.run(&python(), &[&script, "after", notes]);
    }
}

#[test]
fn by_terraform() {
    terraform("terraform_kinesis", &[], &["shards=3", "team=sea"]);
}
