//! `cidrlookup`: rows of a lookup table by the range of addresses that an event's lies in. The narrowest range counts, of equal
//! ones the first row.
//!
//! Source: CloudWatch Logs User Guide, "cidrlookup". It does not say which column has the ranges where the command names none:
//! here the one that is named like the field, else `cidr`, else the first that has nothing but ranges.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::eval::Moment;
use super::lookup::Csv;
use super::record::Record;
use super::value::Value;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Network {
    is_v4: bool,
    bits: u8,
    start: u128,
}

impl Network {
    /// With what is below the network's bits taken away.
    pub(super) fn new(start: IpAddr, bits: u8) -> Network {
        let (is_v4, start) = number(start);
        let bits = bits.min(if is_v4 { 32 } else { 128 });
        Network { is_v4, bits, start: masked(is_v4, start, bits) }
    }

    pub(super) fn parse(text: &str) -> Option<Network> {
        let (start, bits) = text.trim().split_once('/')?;
        let (start, bits) = (start.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
        (bits <= if start.is_ipv4() { 32 } else { 128 }).then(|| Network::new(start, bits))
    }

    pub(super) fn has(self, ip: IpAddr) -> bool {
        Network::new(ip, self.bits) == self && ip.is_ipv4() == self.is_v4
    }
}

fn number(ip: IpAddr) -> (bool, u128) {
    match ip {
        IpAddr::V4(ip) => (true, u128::from(ip.to_bits())),
        IpAddr::V6(ip) => (false, ip.to_bits()),
    }
}

fn masked(is_v4: bool, start: u128, bits: u8) -> u128 {
    let all = if is_v4 { 32 } else { 128 };
    start & u128::MAX.checked_shl(all - u32::from(bits)).unwrap_or(0)
}

/// What a `cidrlookup` command says, and the table once it is there.
pub(crate) struct CidrLookup {
    pub(crate) table: String,
    pub(super) field: String,
    pub(super) column: Option<String>,
    /// Columns, and the fields that they become.
    pub(super) output: Vec<(String, String)>,
    /// Only where the event has none: `OUTPUTNEW`.
    pub(super) only_new: bool,
    /// Rows by how narrow their ranges are, the narrowest first.
    rows: BTreeMap<std::cmp::Reverse<u8>, HashMap<Network, Vec<String>>>,
}

impl CidrLookup {
    pub(super) fn new(
        (table, field, column): (String, String, Option<String>),
        output: Vec<(String, String)>,
        only_new: bool,
    ) -> CidrLookup {
        CidrLookup { table, field, column, output, only_new, rows: BTreeMap::new() }
    }

    /// Whether a table with these columns can be looked up.
    ///
    /// # Errors
    /// When it has no such columns.
    pub(crate) fn check(&self, fields: &[String]) -> Result<(), String> {
        let mut named = self.output.iter().map(|(name, _)| name).chain(&self.column);
        match named.find(|name| !fields.contains(name)) {
            Some(name) => Err(format!("the lookup table {} has no field {name}", self.table)),
            None => Ok(()),
        }
    }

    /// Makes it ready to be applied.
    ///
    /// # Errors
    /// When the table has no such columns, or none with ranges.
    pub(crate) fn load(&mut self, csv: &Csv) -> Result<(), String> {
        self.check(&csv.fields)?;
        let place = |name: &str| csv.fields.iter().position(|field| field == name);
        let is_of_ranges = |at: &usize| {
            !csv.rows.is_empty() && csv.rows.iter().all(|row| Network::parse(&row[*at]).is_some())
        };
        let column = match &self.column {
            Some(name) => place(name),
            None => place(&self.field)
                .or_else(|| place("cidr"))
                .or_else(|| (0..csv.fields.len()).find(is_of_ranges)),
        };
        let column =
            column.ok_or_else(|| format!("the lookup table {} has no field with CIDR ranges", self.table))?;
        let output: Vec<usize> = self.output.iter().filter_map(|(name, _)| place(name)).collect();
        self.rows.clear();
        for row in &csv.rows {
            // A row without a range matches nothing.
            let Some(network) = Network::parse(&row[column]) else { continue };
            let rows = self.rows.entry(std::cmp::Reverse(network.bits)).or_default();
            rows.entry(network).or_insert_with(|| output.iter().map(|at| row[*at].clone()).collect());
        }
        Ok(())
    }

    pub(super) fn apply(&self, record: &mut Record, at: &Moment) {
        let ip = record.get(&self.field).text().filter(|text| at.spend(text.len()));
        let Some(ip) = ip.and_then(|text| text.trim().parse::<IpAddr>().ok()) else { return };
        let found = self.rows.iter().find_map(|(bits, rows)| rows.get(&Network::new(ip, bits.0)));
        let Some(row) = found else { return };
        for ((_, field), cell) in self.output.iter().zip(row) {
            if !self.only_new || record.get(field).text().is_none_or(|text| text.is_empty()) {
                record.set(field, Value::Text(cell.clone()));
            }
        }
    }
}
