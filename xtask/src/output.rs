use std::path::Path;

use crate::project::{Result, root};

/// Generated files on their way to the disk, or to a comparison with what is there.
pub(crate) struct Output {
    check: bool,
    stale: Vec<String>,
    written: usize,
}

impl Output {
    pub(crate) fn new(check: bool) -> Output {
        Output { check, stale: Vec::new(), written: 0 }
    }

    /// `path` is relative to the root of the checkout.
    pub(crate) fn file(&mut self, path: &str, content: &str) -> Result<()> {
        let full = root().join(path);
        if std::fs::read_to_string(&full).is_ok_and(|before| before == content) {
            return Ok(());
        }
        if self.check {
            self.stale.push(path.to_owned());
            return Ok(());
        }
        self.written += 1;
        let folder = full.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        std::fs::write(&full, content).map_err(|error| format!("cannot write {path}: {error}"))
    }

    pub(crate) fn finish(self, tool: &str) -> Result<()> {
        if !self.stale.is_empty() {
            let list = self.stale.join("\n  ");
            return Err(format!("these generated files are stale; run `cargo xtask {tool}`:\n  {list}"));
        }
        println!("{tool}: {} file(s) written", self.written);
        Ok(())
    }
}
