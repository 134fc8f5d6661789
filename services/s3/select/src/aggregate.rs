//! Aggregates over all records.

use std::cmp::Ordering;

use crate::ast::{Aggregate, Binary};
use crate::error::{Result, invalid_type, overflow};
use crate::eval::{arithmetic, order};
use crate::value::Value;

/// One of them, as far as the records have come.
#[derive(Clone, Debug)]
pub struct Running {
    kind: Aggregate,
    count: i64,
    value: Value,
}

impl Running {
    pub fn new(kind: Aggregate) -> Running {
        Running { kind, count: 0, value: Value::Null }
    }

    /// Takes the argument's value of one more record; for COUNT(*) anything that is there.
    pub fn add(&mut self, value: &Value) -> Result<()> {
        if value.is_absent() {
            return Ok(());
        }
        self.count += 1;
        match self.kind {
            Aggregate::Count => {}
            Aggregate::Sum | Aggregate::Avg => {
                let number =
                    value.as_number().ok_or_else(|| invalid_type("an aggregate function wants numbers"))?;
                self.value = match std::mem::take(&mut self.value) {
                    Value::Null | Value::Missing => number,
                    sum => arithmetic(Binary::Add, &sum, &number)?,
                };
            }
            Aggregate::Min => self.keep(value, Ordering::Less),
            Aggregate::Max => self.keep(value, Ordering::Greater),
        }
        Ok(())
    }

    /// So many more records, of a COUNT(*).
    pub fn count(&mut self, records: u64) -> Result<()> {
        let count = i64::try_from(records).ok().and_then(|records| self.count.checked_add(records));
        self.count = count.ok_or_else(overflow)?;
        Ok(())
    }

    fn keep(&mut self, value: &Value, wanted: Ordering) {
        let better = match &self.value {
            Value::Null | Value::Missing => true,
            kept => order(value, kept) == Some(wanted),
        };
        if better {
            self.value = value.clone();
        }
    }

    pub fn finish(&self) -> Result<Value> {
        match self.kind {
            Aggregate::Count => Ok(Value::Int(self.count)),
            Aggregate::Avg if self.count == 0 => Ok(Value::Null),
            Aggregate::Avg => match &self.value {
                Value::Int(sum) if sum % self.count == 0 => Ok(Value::Int(sum / self.count)),
                Value::Int(sum) => {
                    arithmetic(Binary::Divide, &Value::Decimal(i128::from(*sum), 0), &Value::Int(self.count))
                }
                sum => arithmetic(Binary::Divide, sum, &Value::Int(self.count)),
            },
            Aggregate::Sum | Aggregate::Min | Aggregate::Max => Ok(self.value.clone()),
        }
    }
}
