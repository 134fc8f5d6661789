//! Lambda, with functions in Python that really run: by boto3, the AWS CLI, Terraform, and around a crash.

use std::process::Command;

use haneul_clients::{Server, available, aws_cli, missing, python, script, terraform};

/// The host's Python, which is the runtime: `python3.12`.
fn runtime() -> Option<String> {
    let asked =
        Command::new("python3").args(["-c", "import sys; print(sys.version_info[1])"]).output().ok()?;
    let minor = String::from_utf8(asked.stdout).ok()?;
    Some(format!("python3.{}", minor.trim())).filter(|_| asked.status.success())
}

fn can_run(name: &str) -> bool {
    let there = runtime().is_some();
    if !there {
        missing("there is no python3 for functions to run in", name);
    }
    there
}

#[test]
fn by_boto3() {
    let python = python();
    if can_run("boto3_lambda.py") && available(&python, &["-c", "import boto3"], "boto3_lambda.py") {
        Server::start(&[]).run(&python, &[&script("boto3_lambda.py")]);
    }
}

/// Metrics of several services, and a function that metric math asks.
#[test]
fn metrics_by_boto3() {
    let (python, name) = (python(), "boto3_metrics.py");
    let Some(runtime) = runtime() else {
        return missing("there is no python3 for functions to run in", name);
    };
    let minor = runtime.trim_start_matches("python3.");
    if available(&python, &["-c", "import boto3"], name) {
        Server::start(&[]).run(&python, &[&script(name), minor]);
    }
}

#[test]
fn by_command_line() {
    let aws = aws_cli();
    if can_run("cli_lambda.sh") && available(&aws, &["--version"], "cli_lambda.sh") {
        Server::start(&[]).run("bash", &["-eu", "-o", "pipefail", &script("cli_lambda.sh"), &aws]);
    }
}

#[test]
fn by_terraform() {
    match runtime() {
        Some(runtime) => {
            terraform(
                "terraform_lambda",
                &[("runtime", &runtime)],
                &["memory=256", "stage=second", "batch=7"],
            );
        }
        None => missing("there is no python3 for functions to run in", "terraform"),
    }
}

/// One of the parts of `boto3_packages.py`, where the program that runs the function is there.
fn package(part: &str, interpreter: &[&str], environment: &[(&str, &str)]) {
    let (python, name) = (python(), format!("boto3_packages.py {part}"));
    let boto3 = available(&python, &["-c", "import boto3"], &name);
    if boto3 && interpreter.split_first().is_none_or(|(program, asked)| available(program, asked, &name)) {
        let server = Server::start_with(environment);
        let mut command = server.command(&python);
        command.args([&script("boto3_packages.py"), part]);
        let output = command
            .env("RUST_FUNCTION", env!("CARGO_BIN_EXE_rust_function"))
            .output()
            .expect("the client starts");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn numpy_in_a_layer() {
    let python = python();
    if can_run("boto3_packages.py python")
        && available(&python, &["-c", "import numpy"], "boto3_packages.py python")
    {
        package("python", &[], &[]);
    }
}

#[test]
fn the_javascript_sdk_with_the_role_of_its_function() {
    let Ok(modules) = std::env::var("HANEUL_NODE_MODULES") else {
        missing("HANEUL_NODE_MODULES does not name a node_modules with @aws-sdk/client-s3", "node");
        return;
    };
    package("node", &["node", "--version"], &[("HANEUL_LAMBDA_NODE_MODULES", &modules)]);
}

#[test]
fn java() {
    package("java", &["javac", "-version"], &[]);
}

#[test]
fn rust_with_the_runtime_crate() {
    package("rust", &[], &[]);
}

#[test]
fn a_thousand_calls_at_once() {
    if can_run("boto3_packages.py thousand") {
        package("thousand", &[], &[]);
    }
}

/// Functions on capacity providers: parts of `boto3_managed_instances.py`, with a restart between them.
fn managed(parts: &[&str]) {
    let (python, name) = (python(), format!("boto3_managed_instances.py {}", parts.join(" ")));
    if !available(&python, &["-c", "import boto3"], &name) {
        return;
    }
    // Runtimes that hosts have seldom: CI brings an interpreter along.
    let mut path = std::env::var("HANEUL_NODE_22").map(|folder| folder + ":").unwrap_or_default();
    path.push_str(&std::env::var("PATH").unwrap_or_default());
    let mut server: Option<Server> = None;
    for part in parts {
        let started = match server.take() {
            None => Server::start_with(&[("PATH", &path)]),
            Some(before) => before.restart_with(&[("PATH", &path)]),
        };
        let mut command = started.command(&python);
        command.args([&script("boto3_managed_instances.py"), *part]);
        let output = command
            .env("RUST_FUNCTION", env!("CARGO_BIN_EXE_rust_function"))
            .output()
            .expect("the client starts");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success(), "{said}");
        if let Some(reason) = said.lines().find_map(|line| line.strip_prefix("skipped: ")) {
            return missing(reason, &name);
        }
        server = Some(started);
    }
}

#[test]
fn events_meet_in_one_environment_of_python() {
    managed(&["python"]);
}

#[test]
fn events_meet_in_one_environment_of_node() {
    managed(&["node"]);
}

#[test]
fn events_meet_in_one_environment_of_the_runtime_crate() {
    managed(&["rust"]);
}

#[test]
fn environments_of_a_provider_are_there_again_after_a_crash() {
    managed(&["before", "after"]);
}

#[test]
fn nothing_accepted_is_lost_in_a_crash() {
    let python = python();
    if can_run("crash_lambda.py") && available(&python, &["-c", "import boto3"], "crash_lambda.py") {
        let server = Server::start(&[]);
        server.run(&python, &[&script("crash_lambda.py"), "before"]);
        let server = server.restart(&[]);
        server.run(&python, &[&script("crash_lambda.py"), "after"]);
    }
}

/// AWS's own SDK for durable functions, which the functions get in a layer.
fn has_durable_sdk(python: &str) -> bool {
    can_run("boto3_durable.py")
        && available(python, &["-c", "import boto3, aws_durable_execution_sdk_python"], "boto3_durable.py")
}

#[test]
fn durable_functions_with_the_sdk_of_aws() {
    let python = python();
    if has_durable_sdk(&python) {
        Server::start(&[]).run(&python, &[&script("boto3_durable.py"), "whole"]);
    }
}

#[test]
fn durable_functions_go_on_after_a_crash() {
    let python = python();
    if has_durable_sdk(&python) {
        let server = Server::start(&[]);
        server.run(&python, &[&script("boto3_durable.py"), "before"]);
        let server = server.restart(&[]);
        server.run(&python, &[&script("boto3_durable.py"), "after"]);
    }
}
