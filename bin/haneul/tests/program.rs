//! The program as a person runs it: starts, says where it is, refuses a second one, keeps its state, stops when told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

struct Program {
    process: Child,
    address: String,
}

fn haneul() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haneul"));
    command.env_remove("AWS_ENDPOINT_URL").env_remove("HANEUL_DATA_DIR");
    command
}

impl Program {
    fn start(arguments: &[&str]) -> Program {
        let mut process = haneul()
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let endpoint = lines.find_map(|line| line.trim().strip_prefix("endpoint").map(str::to_owned));
        let address = endpoint.expect("it says where it is").trim().trim_start_matches("http://").to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Program { process, address }
    }

    fn on(dir: &Path) -> Program {
        Program::start(&["--data-dir", dir.to_str().expect("UTF-8")])
    }

    /// One plain request, and all that came back.
    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let host = &self.address;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    fn stop(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        let status = self.process.wait().expect("it ends");
        assert!(status.success(), "it ends well when told to: {status}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn it_starts_answers_and_stops() {
    let program = Program::start(&["--ephemeral"]);
    let health = program.ask("GET", "/_haneul/health", "");
    assert!(health.starts_with("HTTP/1.1 200") && health.contains("\"running\""), "{health}");
    let refused = program.ask("GET", "/", "");
    assert!(
        refused.starts_with("HTTP/1.1 403") && refused.contains("<Code>AccessDenied</Code>"),
        "{refused}"
    );
    program.stop();
}

#[test]
fn the_clock_keeps_its_lead_over_a_kill() {
    let dir = tempfile::tempdir().expect("a folder");
    let program = Program::on(dir.path());
    let moved = program.ask("POST", "/_haneul/clock", "{\"advance_seconds\": 86400}");
    assert!(moved.starts_with("HTTP/1.1 200"), "{moved}");
    drop(program);
    let again = Program::on(dir.path()).ask("GET", "/_haneul/clock", "");
    let ahead = again.split("\"ahead_of_host_ms\":").nth(1).expect("it says so");
    let ahead: i64 = ahead.split([',', '}']).next().expect("a number").parse().expect("a number");
    assert!((86_300_000..86_500_000).contains(&ahead), "{again}");
}

#[test]
fn a_reset_begins_anew_on_the_same_port() {
    let dir = tempfile::tempdir().expect("a folder");
    let program = Program::start(&["--auth", "relaxed", "--data-dir", dir.path().to_str().expect("UTF-8")]);
    let authorized = |method: &str, path: &str| {
        let mut stream = TcpStream::connect(&program.address).expect("it listens");
        let authorization = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=0000000000000000000000000000000000000000000000000000000000000000";
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: {authorization}\r\nx-amz-date: 20260101T000000Z\r\n\
             x-amz-content-sha256: UNSIGNED-PAYLOAD\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            program.address
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    };
    let made = authorized("PUT", "/bucket-of-before");
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
    let reset = program.ask("POST", "/_haneul/reset", "");
    assert!(reset.starts_with("HTTP/1.1 200"), "{reset}");
    let gone = authorized("HEAD", "/bucket-of-before");
    assert!(gone.starts_with("HTTP/1.1 404"), "{gone}");
}

#[test]
fn a_second_one_on_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let _first = Program::on(dir.path());
    let second = haneul()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path())
        .output()
        .expect("it runs");
    assert!(!second.status.success());
    assert!(error_of(&second).contains("in use by another haneul"), "{}", error_of(&second));
}

#[test]
fn state_goes_out_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to, file) =
        (folder.path().join("from"), folder.path().join("to"), folder.path().join("all.haneul"));
    Program::on(&from).stop();
    let state = |arguments: &[&str], dir: &Path| {
        haneul().arg("state").args(arguments).arg("--data-dir").arg(dir).output().expect("it runs")
    };
    let file_name = file.to_str().expect("UTF-8");
    let exported = state(&["export", file_name], &from);
    assert!(exported.status.success(), "{}", error_of(&exported));
    let imported = state(&["import", file_name], &to);
    assert!(imported.status.success(), "{}", error_of(&imported));
    Program::on(&to).stop();
    let again = state(&["import", file_name], &to);
    assert!(error_of(&again).contains("is not empty"), "{}", error_of(&again));

    // A damaged file leaves nothing behind.
    let mut bytes = std::fs::read(&file).expect("it was written");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).expect("it can be changed");
    let third = folder.path().join("third");
    let damaged = state(&["import", file_name], &third);
    assert!(error_of(&damaged).contains("nothing was imported"), "{}", error_of(&damaged));
    Program::on(&third).stop();

    assert!(error_of(&state(&["reset"], &to)).contains("--yes"));
    assert!(state(&["reset", "--yes"], &to).status.success());
}

#[test]
fn the_small_commands() {
    let dir = tempfile::tempdir().expect("a folder");
    let doctor = haneul().arg("doctor").arg("--data-dir").arg(dir.path()).output().expect("it runs");
    assert!(
        doctor.status.success()
            && String::from_utf8_lossy(&doctor.stdout).contains("can be written and synced")
    );
    let coverage = haneul().args(["coverage", "sqs", "--json"]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&coverage.stdout).contains("\"SendMessage\""));
    let program = Program::start(&["--ephemeral"]);
    let endpoint = format!("http://{}", program.address);
    let advanced =
        haneul().args(["clock", "advance", "1h", "--endpoint", &endpoint]).output().expect("it runs");
    assert!(advanced.status.success(), "{}", error_of(&advanced));
    let nobody =
        haneul().args(["clock", "now", "--endpoint", "http://127.0.0.1:1"]).output().expect("it runs");
    assert!(error_of(&nobody).contains("is `haneul` running?"), "{}", error_of(&nobody));
}
