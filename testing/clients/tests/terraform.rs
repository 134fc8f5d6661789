//! Terraform with the aws provider: apply, a plan without changes, a change in place, destroy.

use haneul_clients::{Server, available, aws_cli, script, terraform, terraform_mirror};

#[test]
fn apply_plan_change_destroy() {
    terraform("terraform", &[], &["visibility=77", "status=Suspended", "description=changed"]);
}

/// What the first configuration does not have of S3's.
#[test]
fn s3() {
    terraform("terraform_s3", &[], &["changed=true"]);
}

#[test]
fn iam() {
    let changes = ["description=changed", "length=20", "status=Inactive", "path=/elsewhere/"];
    terraform("terraform_iam", &[], &changes);
}

#[test]
fn cloudwatch() {
    terraform("terraform_cloudwatch", &[], &["threshold=90", "description=changed"]);
}

#[test]
fn dynamodb() {
    terraform("terraform_dynamodb", &[], &["changed=true"]);
}

#[test]
fn dynamodb_to_kinesis() {
    terraform("terraform_dynamodb_kinesis", &[], &[]);
}

#[test]
fn dynamodb_in_many_regions() {
    terraform("terraform_dynamodb_global", &[], &["changed=true"]);
}

#[test]
fn state_is_locked_by_dynamodb() {
    let (aws, name) = (aws_cli(), "terraform_lock.sh");
    let Some(mirror) = terraform_mirror(name) else { return };
    if available(&aws, &["--version"], name) {
        let server = Server::start(&[]);
        server.run("bash", &["-eu", "-o", "pipefail", &script(name), &aws, &mirror]);
    }
}
