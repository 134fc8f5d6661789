//! How log events come by OpenTelemetry's SDK, and what becomes of them beside being kept: metrics,
//! deliveries to functions that really run, exports, masks, encryption; by boto3, Terraform, and around a crash.

use haneul_clients::{Server, available, python, script, terraform};

fn can_run(name: &str) -> bool {
    let python = python();
    if !available("python3", &["--version"], name) {
        return false;
    }
    available(&python, &["-c", "import boto3"], name)
}

#[test]
fn by_boto3() {
    if can_run("boto3_logs_filters.py") {
        Server::start(&[]).run(&python(), &[&script("boto3_logs_filters.py")]);
    }
}

#[test]
fn nothing_accepted_is_lost_in_a_crash() {
    if can_run("crash_logs.py") {
        let server = Server::start(&[]);
        server.run(&python(), &[&script("crash_logs.py"), "before"]);
        let server = server.restart(&[]);
        server.run(&python(), &[&script("crash_logs.py"), "after"]);
    }
}

#[test]
fn by_terraform() {
    terraform("terraform_logs", &[], &["pattern=WARN", "days=30"]);
}

#[test]
fn anomalies_are_found() {
    if can_run("boto3_anomalies.py") {
        Server::start(&[]).run(&python(), &[&script("boto3_anomalies.py")]);
    }
}

#[test]
fn by_open_telemetry() {
    let python = python();
    if available(&python, &["-c", "import boto3, opentelemetry.exporter.otlp.proto.http"], "otel_logs.py") {
        Server::start(&[]).run(&python, &[&script("otel_logs.py")]);
    }
}
