//! Terraform with the aws provider: apply, a plan without changes, a change in place, destroy.

use haneul_clients::{Server, available, aws_cli, missing, script};

#[test]
fn apply_plan_change_destroy() {
    run("../terraform", &["visibility=77", "status=Suspended", "description=changed"]);
}

#[test]
fn iam() {
    run("../terraform_iam", &["description=changed", "length=20", "status=Inactive", "path=/elsewhere/"]);
}

#[test]
fn cloudwatch() {
    run("../terraform_cloudwatch", &["threshold=90", "description=changed"]);
}

#[test]
fn dynamodb() {
    run("../terraform_dynamodb", &["changed=true"]);
}

#[test]
fn dynamodb_in_many_regions() {
    run("../terraform_dynamodb_global", &["changed=true"]);
}

#[test]
fn state_is_locked_by_dynamodb() {
    let (aws, name) = (aws_cli(), "terraform_lock.sh");
    let Ok(mirror) = std::env::var("HANEUL_TERRAFORM_MIRROR") else {
        missing(
            "HANEUL_TERRAFORM_MIRROR does not name a filesystem mirror with the aws provider",
            "terraform",
        );
        return;
    };
    if available("terraform", &["version"], "terraform") && available(&aws, &["--version"], name) {
        let server = Server::start(&[]);
        server.run("bash", &["-eu", "-o", "pipefail", &script(name), &aws, &mirror]);
    }
}

/// Takes the configuration of a folder through its life; `changes` are the variables of the change in place.
fn run(folder: &str, changes: &[&str]) {
    let Ok(mirror) = std::env::var("HANEUL_TERRAFORM_MIRROR") else {
        missing(
            "HANEUL_TERRAFORM_MIRROR does not name a filesystem mirror with the aws provider",
            "terraform",
        );
        return;
    };
    if available("terraform", &["version"], "terraform") {
        let server = Server::start(&[]);
        let output = server
            .command("bash")
            .args(["-eu", "-o", "pipefail", &script("terraform.sh"), &script(folder), &mirror])
            .args(changes)
            .output()
            .expect("bash starts");
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{text}");
        assert!(output.status.success(), "terraform failed:\n{text}");
    }
}
