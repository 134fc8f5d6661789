//! What a query may keep and do, in all its parts together.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::Halt;

/// Rows, groups and distinct values that a query may keep at once.
const KEPT_MAX: usize = 200_000;
/// Bytes of them, about.
const BYTES_MAX: usize = 256 * 1024 * 1024;
/// Rows that the parts of a query may make of one another, and what lambda expressions are applied to.
const STEPS_MAX: u64 = if cfg!(test) { 2_000_000 } else { 200_000_000 };

#[derive(Default)]
pub(crate) struct Budget {
    rows: AtomicUsize,
    bytes: AtomicUsize,
    pub(crate) fuel: Fuel,
}

pub(crate) struct Fuel(AtomicU64);

impl Default for Fuel {
    fn default() -> Fuel {
        Fuel(AtomicU64::new(STEPS_MAX))
    }
}

impl Fuel {
    /// Whether there was so much left.
    pub(crate) fn burn(&self, steps: u64) -> bool {
        let burnt = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(steps));
        if burnt.is_err() {
            self.0.store(0, Ordering::Relaxed);
        }
        burnt.is_ok()
    }
}

impl Budget {
    pub(crate) fn step(&self, steps: u64) -> Result<(), Halt> {
        match self.fuel.burn(steps) {
            true => Ok(()),
            false => Err(Halt::Failed(format!("The query takes more than {STEPS_MAX} steps"))),
        }
    }

    pub(crate) fn hold(&self) -> Held<'_> {
        Held { budget: self, rows: 0, bytes: 0 }
    }
}

/// What one part of a query keeps, until it is dropped.
pub(crate) struct Held<'b> {
    budget: &'b Budget,
    rows: usize,
    bytes: usize,
}

impl Held<'_> {
    pub(crate) fn add(&mut self, rows: usize, bytes: usize) -> Result<(), Halt> {
        (self.rows, self.bytes) = (self.rows + rows, self.bytes + bytes);
        let rows = self.budget.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        let bytes = self.budget.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if rows > KEPT_MAX {
            return Err(Halt::Failed(format!(
                "The query keeps more than {KEPT_MAX} rows, groups and distinct values"
            )));
        }
        match bytes > BYTES_MAX {
            true => Err(Halt::Failed(format!("The query keeps more than {BYTES_MAX} bytes"))),
            false => Ok(()),
        }
    }

    /// Some of it is kept no longer.
    pub(crate) fn release(&mut self, rows: usize, bytes: usize) {
        let (rows, bytes) = (rows.min(self.rows), bytes.min(self.bytes));
        (self.rows, self.bytes) = (self.rows - rows, self.bytes - bytes);
        self.budget.rows.fetch_sub(rows, Ordering::Relaxed);
        self.budget.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.release(self.rows, self.bytes);
    }
}
