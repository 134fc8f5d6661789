use std::collections::BTreeMap;

use super::metrics::{Name, STORAGE};
use crate::model::replication::Replicated;
use crate::model::{Body, ObjectRecord};

/// The metrics of what is stored in one storage class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures([u64; STORAGE]);

impl Default for Figures {
    fn default() -> Figures {
        Figures([0; STORAGE])
    }
}

impl Figures {
    pub(crate) fn get(&self, name: Name) -> u64 {
        self.0.get(name as usize).copied().unwrap_or_default()
    }

    pub(crate) fn merge(&mut self, other: &Figures) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, value)| *sum += value);
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = (Name, u64)> {
        Name::all().zip(self.0)
    }

    /// Adds one thing of so many bytes to a pair of metrics.
    fn one(&mut self, bytes_of: Name, count_of: Name, bytes: u64) {
        for (name, value) in [(bytes_of, bytes), (count_of, 1)] {
            if let Some(sum) = self.0.get_mut(name as usize) {
                *sum += value;
            }
        }
    }

    /// A version of an object.
    pub(crate) fn of_version(record: &ObjectRecord, body: &Body, is_current: bool) -> Figures {
        let mut figures = Figures::default();
        let mut add = |bytes_of, count_of| figures.one(bytes_of, count_of, body.size);
        add(Name::StorageBytes, Name::ObjectCount);
        match is_current {
            true => add(Name::CurrentBytes, Name::CurrentCount),
            false => add(Name::NoncurrentBytes, Name::NoncurrentCount),
        }
        match body.sealed {
            Some(_) => add(Name::EncryptedBytes, Name::EncryptedCount),
            None => add(Name::UnencryptedBytes, Name::UnencryptedCount),
        }
        match record.replication {
            Some(Replicated::Completed) => add(Name::ReplicatedSourceBytes, Name::ReplicatedSourceCount),
            Some(Replicated::Replica { .. }) => add(Name::ReplicatedBytes, Name::ReplicatedCount),
            _ => {}
        }
        if body.lock.retention.is_some() || body.lock.legal_hold == Some(true) {
            add(Name::LockedBytes, Name::LockedCount);
        }
        figures
    }

    /// A delete marker takes as many bytes as its key.
    pub(crate) fn of_marker(key: &str) -> Figures {
        let mut figures = Figures::default();
        let bytes = key.len() as u64;
        figures.one(Name::StorageBytes, Name::ObjectCount, bytes);
        figures.one(Name::MarkerBytes, Name::MarkerCount, bytes);
        figures
    }

    /// An upload that is under way, whose parts have so many bytes.
    pub(crate) fn of_upload(bytes: u64, is_old: bool) -> Figures {
        let mut figures = Figures::default();
        figures.one(Name::StorageBytes, Name::ObjectCount, bytes);
        figures.one(Name::UploadBytes, Name::UploadCount, bytes);
        if is_old {
            figures.one(Name::OldUploadBytes, Name::OldUploadCount, bytes);
        }
        figures
    }
}

/// By storage class.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByClass(pub(crate) BTreeMap<&'static str, Figures>);

impl ByClass {
    pub(crate) fn add(&mut self, class: &'static str, figures: &Figures) {
        self.0.entry(class).or_default().merge(figures);
    }

    pub(crate) fn merge(&mut self, other: &ByClass) {
        other.0.iter().for_each(|(class, figures)| self.add(class, figures));
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.values().map(|figures| figures.get(Name::StorageBytes)).sum()
    }
}

const CLASSES: &[&str] = &[
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
];

/// There are no others.
pub(crate) fn class(name: &str) -> &'static str {
    CLASSES.iter().find(|class| **class == name).copied().unwrap_or("STANDARD")
}
