//! The analysis of buckets, and other doors to them, by boto3 and Terraform.

use haneul_clients::{Server, available, python, script, terraform};

#[test]
fn by_boto3() {
    let python = python();
    if available(&python, &["-c", "import boto3"], "boto3_s3_analysis.py") {
        Server::start(&[]).run(&python, &[&script("boto3_s3_analysis.py")]);
    }
}

#[test]
fn by_terraform() {
    terraform("terraform_s3_control", &[], &["prefix=pictures/"]);
}
