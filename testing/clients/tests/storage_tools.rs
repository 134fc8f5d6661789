//! Programs that keep files in S3: rclone and restic, as Debian has them.

use haneul_clients::{Server, available, script};

fn run(program: &str, name: &str) {
    if available(program, &["version"], name) {
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
