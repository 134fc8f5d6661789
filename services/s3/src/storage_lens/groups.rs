//! Which objects a Storage Lens group is about.

use crate::lifecycle::DAY_S;
use crate::model::ObjectRecord;
use crate::model::storage_lens::{Between, Criteria, GroupFilter};

pub(crate) fn is_about(filter: &GroupFilter, key: &str, record: &ObjectRecord, now_s: i64) -> bool {
    let body = record.body.as_ref();
    let met = |criteria: &Criteria| {
        let age = (now_s - record.modified_s).div_euclid(DAY_S);
        let tags = |asked: &Vec<(String, String)>| {
            body.is_some_and(|body| asked.iter().any(|(key, value)| body.tags.get(key) == Some(value)))
        };
        [
            criteria.prefixes.as_ref().map(|list| list.iter().any(|prefix| key.starts_with(prefix.as_str()))),
            criteria.suffixes.as_ref().map(|list| list.iter().any(|suffix| key.ends_with(suffix.as_str()))),
            criteria.tags.as_ref().map(tags),
            criteria.age.map(|between| is_between(between, age)),
            criteria.size.map(|between| body.is_some_and(|body| is_between(between, body.size as i64))),
        ]
    };
    match filter {
        GroupFilter::One(criteria) | GroupFilter::And(criteria) => {
            met(criteria).into_iter().flatten().all(|met| met)
        }
        GroupFilter::Or(criteria) => met(criteria).into_iter().flatten().any(|met| met),
    }
}

fn is_between(between: Between, value: i64) -> bool {
    between.greater_than.is_none_or(|least| value > least)
        && between.less_than.is_none_or(|most| value < most)
}
