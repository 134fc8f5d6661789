use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::filter::{Configuration, ObjectFilter};

/// Whose access patterns are observed, and where they are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnalyticsConfiguration {
    pub(crate) id: String,
    pub(crate) filter: Option<ObjectFilter>,
    pub(crate) export: Option<Export>,
    /// Since when this is observed, in seconds since the epoch.
    pub(crate) since_s: i64,
}

impl Configuration for AnalyticsConfiguration {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Where the daily file goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Export {
    pub(crate) bucket: String,
    pub(crate) account: Option<String>,
    pub(crate) prefix: Option<String>,
}

/// What was observed of a configuration's objects on one day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Day {
    /// Whether the objects were counted at the day's end; until then there are only reads and writes.
    pub(crate) counted: bool,
    /// One for each storage class and age group that there was something of.
    pub(crate) rows: Vec<Row>,
}

impl Record for Day {}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Row {
    #[serde(rename = "c")]
    pub(crate) class: String,
    /// Which of [`crate::analysis::GROUPS`].
    #[serde(rename = "g")]
    pub(crate) group: usize,
    #[serde(rename = "f")]
    pub(crate) figures: Figures,
}

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Figures {
    #[serde(rename = "n")]
    pub(crate) objects: u64,
    #[serde(rename = "s")]
    pub(crate) stored: u64,
    #[serde(rename = "u")]
    pub(crate) uploaded: u64,
    #[serde(rename = "r")]
    pub(crate) retrieved: u64,
    #[serde(rename = "q")]
    pub(crate) gets: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Figures) {
        self.objects += other.objects;
        self.stored += other.stored;
        self.uploaded += other.uploaded;
        self.retrieved += other.retrieved;
        self.gets += other.gets;
    }
}

impl Day {
    pub(crate) fn add(&mut self, class: &str, group: usize, figures: &Figures) {
        match self.rows.iter_mut().find(|row| row.group == group && row.class == class) {
            Some(row) => row.figures.add(figures),
            None => self.rows.push(Row { class: class.to_owned(), group, figures: *figures }),
        }
    }
}
