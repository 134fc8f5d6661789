use super::figures::{ByClass, Figures, class};
use super::groups;
use super::prefixes::{Asked, Prefixes};
use crate::lifecycle::DAY_S;
use crate::model::storage_lens::GroupFilter;
use crate::model::{ObjectRecord, UploadRecord};
use crate::tasks::walking::Visitor;

/// Uploads are told of apart when they are older than so many days.
const OLD_UPLOAD_DAYS: i64 = 7;

/// A walk over one bucket, for all configurations that are about it.
pub(crate) struct Counting {
    now_s: i64,
    pub(crate) all: ByClass,
    prefixes: Vec<Prefixes>,
    pub(crate) groups: Vec<Group>,
}

pub(crate) struct Group {
    pub(crate) arn: String,
    pub(crate) filter: GroupFilter,
    pub(crate) held: ByClass,
}

impl Counting {
    pub(crate) fn new(
        now_s: i64,
        asked: impl IntoIterator<Item = Asked>,
        groups: Vec<(String, GroupFilter)>,
    ) -> Counting {
        let mut prefixes: Vec<Prefixes> = Vec::new();
        for asked in asked {
            if !prefixes.iter().any(|one| one.asked == asked) {
                prefixes.push(Prefixes::new(asked));
            }
        }
        let groups = groups.into_iter().map(|(arn, filter)| Group { arn, filter, held: ByClass::default() });
        Counting { now_s, all: ByClass::default(), prefixes, groups: groups.collect() }
    }

    /// The prefixes that were found, by what was asked.
    pub(crate) fn take_prefixes(&mut self) -> Vec<(Asked, Vec<(String, ByClass)>)> {
        let bytes = self.all.bytes();
        let prefixes = std::mem::take(&mut self.prefixes).into_iter();
        prefixes.map(|one| (one.asked.clone(), one.finish(bytes))).collect()
    }

    fn add(&mut self, key: &str, class: &'static str, figures: &Figures) {
        self.all.add(class, figures);
        self.prefixes.iter_mut().for_each(|prefixes| prefixes.add(key, class, figures));
    }
}

impl Visitor for Counting {
    fn version(&mut self, key: &str, record: &ObjectRecord, is_current: bool) {
        let (class, figures) = match &record.body {
            Some(body) => (class(body.storage_class()), Figures::of_version(record, body, is_current)),
            None => (class("STANDARD"), Figures::of_marker(key)),
        };
        self.add(key, class, &figures);
        for group in &mut self.groups {
            if groups::is_about(&group.filter, key, record, self.now_s) {
                group.held.add(class, &figures);
            }
        }
    }

    /// Groups are of objects, which an upload is not yet.
    fn upload(&mut self, key: &str, upload: &UploadRecord, _parts: u64, bytes: u64) {
        let days = (self.now_s - upload.initiated_ms.div_euclid(1000)).div_euclid(DAY_S);
        let class = class(upload.storage_class.as_deref().unwrap_or_default());
        self.add(key, class, &Figures::of_upload(bytes, days >= OLD_UPLOAD_DAYS));
    }
}
