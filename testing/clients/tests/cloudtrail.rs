//! CloudTrail, by boto3, the AWS CLI with its validation of log files, a series of kills, and Terraform.

use haneul_clients::{Server, available, aws_cli, python, script, terraform};

fn by_python(name: &str) {
    let python = python();
    if available(&python, &["-c", "import boto3"], name) {
        Server::start(&[]).run(&python, &[&script(name)]);
    }
}

#[test]
fn records_trails_and_files() {
    by_python("boto3_cloudtrail.py");
}

#[test]
fn validation_of_files_finds_tampering() {
    let aws = aws_cli();
    if available(&aws, &["--version"], "cli_cloudtrail.sh") {
        Server::start(&[]).run("bash", &["-eu", "-o", "pipefail", &script("cli_cloudtrail.sh"), &aws]);
    }
}

#[test]
fn no_kill_loses_a_record() {
    by_python("crash_cloudtrail.py");
}

#[test]
fn by_terraform() {
    terraform("terraform_cloudtrail", &[], &["multi_region=true", "retention=120"]);
}

#[test]
fn insights_tell_of_a_burst() {
    by_python("boto3_insights.py");
}

#[test]
fn queries_of_the_lake_are_those_of_another_engine() {
    by_python("boto3_lake.py");
}
