//! The analysis of buckets, and other doors to them, by boto3 and Terraform.

use std::process::Command;

use haneul_clients::{Server, available, python, script, terraform};

fn run(name: &str) {
    let python = python();
    if available(&python, &["-c", "import boto3"], name) {
        Server::start(&[]).run(&python, &[&script(name)]);
    }
}

fn run_with_pyarrow(name: &str) {
    if available(&python(), &["-c", "import pyarrow"], name) {
        run(name);
    }
}

#[test]
fn analysis() {
    run("boto3_s3_analysis.py");
}

#[test]
fn annotations() {
    run("boto3_s3_annotations.py");
}

#[test]
fn reports() {
    run_with_pyarrow("boto3_s3_reports.py");
}

#[test]
fn selections_of_columns() {
    run_with_pyarrow("boto3_s3_parquet.py");
}

#[test]
fn object_lambda() {
    let (python, name) = (python(), "boto3_s3_object_lambda.py");
    if !available("python3", &["--version"], name) || !available(&python, &["-c", "import boto3"], name) {
        return;
    }
    // Functions have a boto3, as on AWS: here the one that this test has.
    let asked = ["-c", "import boto3, os; print(os.path.dirname(os.path.dirname(boto3.__file__)))"];
    let folder = Command::new(&python).args(asked).output().expect("it was available");
    let folder = String::from_utf8_lossy(&folder.stdout).trim().to_owned();
    let server = Server::start_with(&[("HANEUL_LAMBDA_PYTHON_PACKAGES", &folder)]);
    server.run(&python, &[&script(name)]);
}

#[test]
fn multi_region() {
    let name = "boto3_s3_multi_region.py";
    if available(&python(), &["-c", "import awscrt"], name) {
        run(name);
    }
}

#[test]
fn metadata_tables() {
    let name = "boto3_s3_metadata.py";
    if available(&python(), &["-c", "import pyiceberg, pyarrow"], name) {
        run(name);
    }
}

#[test]
fn metadata_tables_tell_of_everything_after_a_kill() {
    let name = "crash_s3_metadata.py";
    if !available(&python(), &["-c", "import pyiceberg, pyarrow"], name) {
        return;
    }
    let server = Server::start(&[]);
    let (script, pid) = (script(name), server.pid().to_string());
    let notes = server.data_dir().with_file_name("acknowledged");
    let notes = notes.to_str().expect("a temporary folder's path is UTF-8");
    server.run(&python(), &[&script, "before", notes, &pid]);
    let server = server.restart(&[]);
    server.run(&python(), &[&script, "after", notes]);
}

#[test]
fn by_terraform() {
    terraform("terraform_s3_analysis", &[], &["prefix=pictures/"]);
}
