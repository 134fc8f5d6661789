//! What becomes of log events beside being kept: metrics, deliveries to functions that really run, exports, masks, encryption; by
//! boto3, Terraform, and around a crash.

use haneul_clients::{Server, available, missing, python, script};

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
        let mut command = server.command("bash");
        command.args([
            "-eu",
            "-o",
            "pipefail",
            &script("terraform.sh"),
            &script("../terraform_logs"),
            &mirror,
        ]);
        command.args(["pattern=WARN", "days=30"]);
        let output = command.output().expect("terraform starts");
        let (said, wrong) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}{wrong}");
    }
}
