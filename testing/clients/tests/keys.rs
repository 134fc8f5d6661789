//! KMS, Secrets Manager and Parameter Store, by boto3, the AWS CLI, the AWS Encryption SDK and Terraform.

use haneul_clients::{Server, available, aws_cli, python, script, terraform};

fn by_python(name: &str, needs: &str) {
    let python = python();
    if available(&python, &["-c", &format!("import {needs}")], name) {
        Server::start(&[]).run(&python, &[&script(name)]);
    }
}

#[test]
fn kms() {
    by_python("boto3_kms.py", "boto3");
}

#[test]
fn secrets_and_parameters() {
    by_python("boto3_secrets.py", "boto3");
}

#[test]
fn encryption_sdk() {
    by_python("encryption_sdk.py", "aws_encryption_sdk");
}

#[test]
fn by_command_line() {
    let aws = aws_cli();
    if available(&aws, &["--version"], "cli_keys.sh") {
        Server::start(&[]).run("bash", &["-eu", "-o", "pipefail", &script("cli_keys.sh"), &aws]);
    }
}

#[test]
fn by_terraform() {
    terraform("terraform_keys", &[], &[]);
}

/// What must not be found on the disk; the script writes it into a secret, a parameter and a plaintext.
const SECRET: &str = "a plaintext to look for";

#[test]
fn nothing_secret_lies_on_the_disk_and_a_master_key_is_needed() {
    let python = python();
    if !available(&python, &["-c", "import boto3"], "boto3_at_rest.py") {
        return;
    }
    let keys = tempfile::tempdir().expect("a temporary folder");
    let key = |name: &str, byte: u8| {
        let path = keys.path().join(name);
        std::fs::write(&path, [byte; 32]).expect("a key is written");
        path.to_str().expect("the path is UTF-8").to_owned()
    };
    let (ours, other) = (key("ours", 1), key("other", 2));
    let (ours, other) = (["--master-key-file", &ours], ["--master-key-file", &other]);

    let server = Server::start(&ours);
    server.run(&python, &[&script("boto3_at_rest.py"), "write", SECRET]);
    let server = server.restart(&ours);
    server.run(&python, &[&script("boto3_at_rest.py"), "read", SECRET]);
    let mut seen = Vec::new();
    read_all(&server.data_dir(), &mut seen);
    let found = |needle: &[u8]| seen.windows(needle.len()).any(|window| window == needle);
    assert!(found(b"at-rest/secret"), "the names are there");
    assert!(!found(SECRET.as_bytes()), "a secret lies on the disk");
    // In base64, whatever stands before it.
    for encoded in
        ["YSBwbGFpbnRleHQgdG8gbG9vayBm", "EgcGxhaW50ZXh0IHRvIGxvb2sgZm", "IHBsYWludGV4dCB0byBsb29rIGZv"]
    {
        assert!(!found(encoded.as_bytes()), "a secret lies on the disk in base64");
    }
    let (said, server) = server.refusal(&[]);
    assert!(said.contains("--master-key-file"), "{said}");
    let (said, _server) = server.refusal(&other);
    assert!(said.contains("not the one"), "{said}");
}

fn read_all(folder: &std::path::Path, into: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).expect("the data directory is there").flatten() {
        if entry.path().is_dir() {
            read_all(&entry.path(), into);
        } else {
            into.extend(std::fs::read(entry.path()).unwrap_or_default());
        }
    }
}

/// As anybody would look who got hold of the log, the trail or the disk, while the program runs and after it was killed.
#[test]
fn nothing_secret_is_told_by_log_trail_or_data() {
    let python = python();
    if !available(&python, &["-c", "import boto3, cryptography"], "boto3_leaks.py") {
        return;
    }
    let search = |server: &Server, phase: &str| {
        let (log, data) = (server.log(), server.data_dir());
        let [log, data] = [&log, &data].map(|path| path.to_str().expect("the path is UTF-8"));
        server.run(&python, &[&script("boto3_leaks.py"), phase, log, data]);
    };
    let server = Server::start_saying("debug");
    search(&server, "write");
    search(&server, "search");
    search(&server.restart_saying("debug"), "search");
}

#[test]
fn no_kill_loses_what_was_answered() {
    by_python("crash_sealed.py", "boto3");
}
