//! Lambda, with functions in Python that really run: by boto3, the AWS CLI, Terraform, and around a crash.

use std::process::Command;

use haneul_clients::{Server, available, aws_cli, missing, python, script};

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

#[test]
fn by_command_line() {
    let aws = aws_cli();
    if can_run("cli_lambda.sh") && available(&aws, &["--version"], "cli_lambda.sh") {
        Server::start(&[]).run("bash", &["-eu", "-o", "pipefail", &script("cli_lambda.sh"), &aws]);
    }
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
    let Some(runtime) = runtime() else {
        missing("there is no python3 for functions to run in", "terraform");
        return;
    };
    if available("terraform", &["version"], "terraform") {
        let server = Server::start(&[]);
        let mut command = server.command("bash");
        command.args([
            "-eu",
            "-o",
            "pipefail",
            &script("terraform.sh"),
            &script("../terraform_lambda"),
            &mirror,
        ]);
        command.args(["memory=256", "stage=second", "batch=7"]).env("TF_VAR_runtime", runtime);
        let output = command.output().expect("terraform starts");
        let (said, wrong) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}{wrong}");
    }
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
