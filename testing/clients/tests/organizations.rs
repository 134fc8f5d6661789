//! Organizations and Access Analyzer: boto3, Terraform, and kill -9.

use haneul_clients::{Server, available, missing, python, script};

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
fn terraform() {
    let Ok(mirror) = std::env::var("HANEUL_TERRAFORM_MIRROR") else {
        missing(
            "HANEUL_TERRAFORM_MIRROR does not name a filesystem mirror with the aws provider",
            "terraform",
        );
        return;
    };
    if available("terraform", &["version"], "terraform") {
        let server = Server::start(&[]);
        let folder = script("../terraform_organizations");
        server.run("bash", &["-eu", "-o", "pipefail", &script("terraform.sh"), &folder, &mirror]);
    }
}
