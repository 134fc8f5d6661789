//! Starting and ending the program under test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The built `haneul`: of `HANEUL_BIN`, or the one beside this test; `None` when it is not built.
pub fn binary() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("HANEUL_BIN") {
        return Some(given.into());
    }
    let test = std::env::current_exe().expect("a test knows its path");
    let beside = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>").join("haneul");
    beside.exists().then_some(beside)
}

/// A running cloud; killed when dropped.
pub struct Program {
    process: Child,
    /// `127.0.0.1:PORT`
    pub address: String,
}

impl Program {
    /// Starts on `dir`, under what `prepare` adds to the command, and waits until it listens.
    ///
    /// # Errors
    /// The exit status and the place of the output, when it ends instead: then it refused to start.
    pub fn start(
        binary: &Path,
        dir: &Path,
        output: &Path,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Program, String> {
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(output).expect("a log file");
        let mut command = Command::new(binary);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data-dir"])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        prepare(&mut command);
        let mut process = command.spawn().expect("the program can be started");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.trim()
                .strip_prefix("endpoint")
                .map(|rest| rest.trim().trim_start_matches("http://").to_owned())
        });
        let Some(address) = address else {
            let status = process.wait().expect("it was started");
            return Err(format!("the program ended with {status}; see {}", output.display()));
        };
        // Keeps reading, so that the program never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Program { process, address })
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.end();
    }

    /// Whether it still runs; it should, until it is killed.
    pub fn is_up(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}
