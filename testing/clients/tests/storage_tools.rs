//! Programs that keep files in S3, as Debian has them, and what else uses it without an SDK: a browser, Arrow, DuckDB.

use haneul_clients::{Server, available, python, script};

fn run(program: &str, name: &str) {
    let version = if program == "s3fs" { "--version" } else { "version" };
    if available(program, &[version], name) {
        Server::start(&[]).run("bash", &["-eu", "-o", "pipefail", &script(name)]);
    }
}

#[test]
fn rclone() {
    run("rclone", "rclone.sh");
}

#[test]
fn restic() {
    run("restic", "restic.sh");
}

#[test]
fn a_mounted_bucket() {
    run("s3fs", "s3fs.sh");
}

#[test]
fn a_bucket_mounted_by_rclone() {
    run("rclone", "rclone_mount.sh");
}

#[test]
fn transfers_on_the_common_runtime() {
    let (python, name) = (python(), "boto3_crt.py");
    if available(&python, &["-c", "import boto3, awscrt, s3transfer.crt"], name) {
        Server::start(&[]).run(&python, &[&script(name)]);
    }
}

#[test]
fn arrow_and_duckdb() {
    let (python, name) = (python(), "arrow_s3.py");
    if available(&python, &["-c", "import boto3, duckdb, pyarrow.fs"], name) {
        Server::start(&[]).run(&python, &[&script(name)]);
    }
}

#[test]
fn a_page_in_a_browser() {
    let (python, name) = (python(), "browser_s3.py");
    let browser = std::env::var("HANEUL_BROWSER").unwrap_or_else(|_| "chromium-headless-shell".into());
    if available(&python, &["-c", "import boto3"], name) && available(&browser, &["--version"], name) {
        Server::start(&[]).run(&python, &[&script(name)]);
    }
}
