//! Data Firehose and metric streams, by boto3, the messages of OpenTelemetry, and Terraform.

use haneul_clients::{Server, available, python, script, terraform};

#[test]
fn records_and_metrics_arrive_in_s3() {
    let python = python();
    if available(&python, &["-c", "import boto3"], "boto3_firehose.py") {
        Server::start(&[]).run(&python, &[&script("boto3_firehose.py")]);
    }
}

#[test]
fn metrics_as_open_telemetry() {
    let python = python();
    if available(&python, &["-c", "import boto3, opentelemetry.proto"], "otel_metric_streams.py") {
        Server::start(&[]).run(&python, &[&script("otel_metric_streams.py")]);
    }
}

#[test]
fn by_terraform() {
    terraform("terraform_firehose", &[], &["interval=120"]);
}
