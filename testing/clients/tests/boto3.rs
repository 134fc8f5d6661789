//! boto3: the client and the resource API, its retries and both of its checksum modes.

use haneul_clients::{Server, available, python, script};

fn run(name: &str, more: &[&str]) {
    let python = python();
    if available(&python, &["-c", "import boto3"], name) {
        let server = Server::start(more);
        server.run(&python, &[&script(name)]);
    }
}

#[test]
fn s3() {
    run("boto3_s3.py", &[]);
}

#[test]
fn s3_encryption() {
    run("boto3_s3_encryption.py", &[]);
}

#[test]
fn s3_features() {
    run("boto3_s3_features.py", &[]);
}

#[test]
fn s3_of_what_is_locked() {
    run("boto3_locked.py", &[]);
}

#[test]
fn s3_tiers() {
    run("boto3_s3_tiers.py", &[]);
}

#[test]
fn sqs() {
    run("boto3_sqs.py", &[]);
}

#[test]
fn logs() {
    run("boto3_logs.py", &[]);
}

#[test]
fn cloudwatch() {
    let python = python();
    if available(&python, &["-c", "import numpy"], "boto3_cloudwatch.py") {
        run("boto3_cloudwatch.py", &[]);
    }
}

#[test]
fn alarms_are_muted() {
    run("boto3_mutes.py", &[]);
}

#[test]
fn dynamodb() {
    run("boto3_dynamodb.py", &[]);
}

#[test]
fn dynamodb_encrypted_exported_and_imported() {
    run("boto3_dynamodb_transfers.py", &[]);
}

#[test]
fn dynamodb_of_what_is_nested_too_deep() {
    run("boto3_dynamodb_hostile.py", &[]);
}

#[test]
fn dynamodb_to_kinesis() {
    run("boto3_dynamodb_kinesis.py", &[]);
}

#[test]
fn dynamodb_in_many_regions() {
    run("boto3_dynamodb_global.py", &[]);
}

#[test]
fn dynamodb_strongly_consistent_in_three_regions() {
    run("boto3_dynamodb_strong.py", &[]);
}

#[test]
fn dynamodb_by_pynamodb() {
    if available(&python(), &["-c", "import pynamodb"], "pynamodb.py") {
        run("pynamodb_models.py", &[]);
    }
}

#[test]
fn identity() {
    run("boto3_identity.py", &[]);
}

#[test]
fn federation() {
    let (python, name) = (python(), script("boto3_federation.py"));
    if available(&python, &["-c", "import boto3, cryptography, requests"], "boto3_federation.py") {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_str().expect("UTF-8");
        let made = std::process::Command::new(&python).args([&name, "authority", path]).status();
        assert!(made.expect("Python starts").success());
        let authority = format!("{path}/authority.pem");
        let server = Server::start_with(&[("SSL_CERT_FILE", &authority)]);
        server.run(&python, &[&name, path]);
    }
}

#[test]
fn root_tasks() {
    run("boto3_root_tasks.py", &[]);
}

#[test]
fn iam() {
    let python = python();
    if available(&python, &["-c", "import pyotp"], "boto3_iam.py") {
        run("boto3_iam.py", &[]);
    }
}

#[test]
fn the_clock_moves_every_timer() {
    run("boto3_clock.py", &["--ephemeral"]);
}

#[test]
fn delegated_access() {
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/../harness/iam_catalog");
    run("boto3_delegation.py", &["--iam-catalog", catalog]);
}

#[test]
fn what_is_used_is_metered() {
    run("boto3_usage.py", &[]);
}

#[test]
fn bills_are_handed_over() {
    run("boto3_transfers.py", &[]);
}
