//! How log events come (by an agent that tails files, by OpenTelemetry's SDK) and what becomes of them beside being kept: metrics,
//! deliveries to functions that really run, exports, masks, encryption, queries, also scheduled ones; by boto3, Terraform, and around a crash.

use haneul_clients::{Server, available, logs_agent, python, script, terraform};

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
fn policies_of_the_account_hold_around_a_crash() {
    if can_run("boto3_logs_policies.py") {
        let server = Server::start(&[]);
        server.run(&python(), &[&script("boto3_logs_policies.py"), "before"]);
        let server = server.restart(&[]);
        server.run(&python(), &[&script("boto3_logs_policies.py"), "after"]);
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

#[test]
fn an_agent_ships_each_line_once_around_a_crash() {
    let (python, agent) = (python(), logs_agent());
    if can_run("logs_agent.py") && available(&agent, &["-c", "import cwlogs.push"], "logs_agent.py") {
        // The script kills a server of its own.
        Server::start(&[]).run(&python, &[&script("logs_agent.py"), &agent]);
    }
}

#[test]
fn much_is_searched_and_all_found() {
    if can_run("logs_volume.py") {
        let server = Server::start(&[]);
        let pid = server.pid().to_string();
        server.run(&python(), &[&script("logs_volume.py"), &pid, "0.01"]);
    }
}

#[test]
fn queries_join_and_run_by_the_clock() {
    if can_run("boto3_logs_queries.py") {
        Server::start(&[]).run(&python(), &[&script("boto3_logs_queries.py")]);
    }
}
