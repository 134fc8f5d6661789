//! Organizations and Access Analyzer: boto3, Terraform, and kill -9.

use haneul_clients::{Server, available, python, script, terraform};

fn run(name: &str) {
    let python = python();
    if available(&python, &["-c", "import boto3"], name) {
        let server = Server::start(&[]);
        server.run(&python, &[&script(name)]);
    }
}

#[test]
fn boto3() {
    run("boto3_organizations.py");
}

#[test]
fn no_half_account_after_kill_9() {
    run("crash_organizations.py");
}

#[test]
fn by_terraform() {
    terraform("terraform_organizations", &[], &[]);
}
