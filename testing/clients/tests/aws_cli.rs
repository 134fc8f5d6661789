//! The AWS CLI, as people type it.

use haneul_clients::{Server, available, aws_cli, aws_cli_2, python, script};

fn run(name: &str) {
    let aws = aws_cli();
    if available(&aws, &["--version"], name) {
        let server = Server::start(&[]);
        server.run("bash", &["-eu", "-o", "pipefail", &script(name), &aws]);
    }
}

#[test]
fn s3_sync_there_and_back() {
    run("cli_s3.sh");
}

#[test]
fn sqs_send_receive_delete() {
    run("cli_sqs.sh");
}

#[test]
fn cloudwatch_points_and_alarms() {
    run("cli_cloudwatch.sh");
}

#[test]
fn dynamodb_items_and_waiters() {
    run("cli_dynamodb.sh");
}

#[test]
fn a_narrow_user_and_a_narrower_session() {
    run("cli_identity.sh");
}

#[test]
fn profiles_and_a_second_account() {
    let (aws, python) = (aws_cli(), python());
    if available(&aws, &["--version"], "cli_profiles.sh")
        && available(&python, &["--version"], "cli_profiles.sh")
    {
        let server = Server::start(&[]);
        server.run("bash", &["-eu", "-o", "pipefail", &script("cli_profiles.sh"), &aws, &python]);
    }
}

/// The same by version 2 of the CLI, which signs and waits by code of its own.
#[test]
fn version_2() {
    let scripts = [
        "cli_s3.sh",
        "cli_sqs.sh",
        "cli_keys.sh",
        "cli_cloudwatch.sh",
        "cli_dynamodb.sh",
        "cli_logs_tail.sh",
    ];
    let Some(aws) = aws_cli_2(&scripts.join(", ")) else { return };
    for name in scripts {
        let server = Server::start(&[]);
        server.run("bash", &["-eu", "-o", "pipefail", &script(name), &aws]);
    }
}
