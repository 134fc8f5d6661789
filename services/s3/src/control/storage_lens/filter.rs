//! What a Storage Lens group may ask of objects. Source: S3 API Reference, the errors of S3 Storage Lens groups.

use std::collections::HashSet;
use std::hash::Hash;

use haneul_kit::{ApiError, Result};
use haneul_s3control_wire::shapes as s;

use crate::error;
use crate::model::storage_lens::{Between, Criteria, GroupFilter};

/// Prefixes, suffixes, or tags.
const ELEMENTS_MAX: usize = 10;
const TEXT_LENGTH_MAX: usize = 1024;
const KEY_LENGTH_MAX: usize = 128;
const VALUE_LENGTH_MAX: usize = 256;
const SIZE_MAX: i64 = 50 << 40;

fn refused(code: &'static str, message: &str) -> ApiError {
    error::new(code, 400, message)
}

pub(super) fn from_wire(given: s::StorageLensGroupFilter) -> Result<GroupFilter> {
    let alone = Given {
        prefixes: given.match_any_prefix,
        suffixes: given.match_any_suffix,
        tags: given.match_any_tag,
        age: given.match_object_age,
        size: given.match_object_size,
    };
    match (alone.count(), given.and, given.or) {
        (1, None, None) => Ok(GroupFilter::One(alone.read(false)?)),
        (0, Some(and), None) => {
            let given = Given {
                prefixes: and.match_any_prefix,
                suffixes: and.match_any_suffix,
                tags: and.match_any_tag,
                age: and.match_object_age,
                size: and.match_object_size,
            };
            Ok(GroupFilter::And(given.several()?.read(true)?))
        }
        (0, None, Some(or)) => {
            let given = Given {
                prefixes: or.match_any_prefix,
                suffixes: or.match_any_suffix,
                tags: or.match_any_tag,
                age: or.match_object_age,
                size: or.match_object_size,
            };
            Ok(GroupFilter::Or(given.several()?.read(false)?))
        }
        _ => {
            let message = "A filter must include one of the following elements: And, Or, MatchAnyTag, MatchAnyPrefix, \
                           MatchAnySuffix, MatchObjectAge, MatchObjectSize.";
            Err(refused("InvalidFilter", message))
        }
    }
}

struct Given {
    prefixes: Option<Vec<String>>,
    suffixes: Option<Vec<String>>,
    tags: Option<Vec<s::S3Tag>>,
    age: Option<s::MatchObjectAge>,
    size: Option<s::MatchObjectSize>,
}

impl Given {
    fn count(&self) -> usize {
        let there = [
            self.prefixes.is_some(),
            self.suffixes.is_some(),
            self.tags.is_some(),
            self.age.is_some(),
            self.size.is_some(),
        ];
        there.into_iter().filter(|there| *there).count()
    }

    fn several(self) -> Result<Given> {
        if self.count() < 2 {
            let message = "At least two sub elements must be present in the logical operators And or Or.";
            return Err(refused("InvalidLogicalOperator", message));
        }
        Ok(self)
    }

    /// In an `And`, the keys of tags are all different.
    fn read(self, is_and: bool) -> Result<Criteria> {
        let prefixes = self
            .prefixes
            .map(|list| texts(list, ("InvalidMatchAnyPrefix", "MatchAnyPrefix"), ("InvalidPrefix", "prefix")))
            .transpose()?;
        let suffixes = self
            .suffixes
            .map(|list| texts(list, ("InvalidMatchAnySuffix", "MatchAnySuffix"), ("InvalidSuffix", "suffix")))
            .transpose()?;
        Ok(Criteria {
            prefixes,
            suffixes,
            tags: self.tags.map(|list| tags(list, is_and)).transpose()?,
            age: self.age.map(age).transpose()?,
            size: self.size.map(size).transpose()?,
        })
    }
}

fn texts(
    list: Vec<String>,
    (empty, parameter): (&'static str, &str),
    (invalid, what): (&'static str, &str),
) -> Result<Vec<String>> {
    check_list(&list, empty, parameter)?;
    if list.iter().any(|text| text.is_empty() || text.chars().count() > TEXT_LENGTH_MAX) {
        let message =
            format!("The maximum length of a {what} is 1,024 characters. The {what} string can't be empty.");
        return Err(refused(invalid, &message));
    }
    Ok(list)
}

fn check_list<T: Eq + Hash>(list: &[T], empty: &'static str, parameter: &str) -> Result<()> {
    if list.is_empty() {
        return Err(refused(empty, &format!("The {parameter} parameter can't be empty.")));
    }
    if list.len() > ELEMENTS_MAX {
        let message = format!(
            "The {parameter} exceeds the maximum number of elements allowed. Only 10 prefixes, suffixes, or tags are allowed."
        );
        return Err(refused("TooManyElements", &message));
    }
    if list.iter().collect::<HashSet<_>>().len() < list.len() {
        return Err(duplicate());
    }
    Ok(())
}

fn duplicate() -> ApiError {
    refused("DuplicateElement", "The filter includes duplicate prefixes, suffixes or tags.")
}

fn tags(list: Vec<s::S3Tag>, is_and: bool) -> Result<Vec<(String, String)>> {
    let list: Vec<(String, String)> = list.into_iter().map(|tag| (tag.key, tag.value)).collect();
    check_list(&list, "InvalidMatchAnyTag", "MatchAnyTag")?;
    let is_valid = |(key, value): &(String, String)| {
        let of_tags = |text: &str| text.chars().all(|one| one.is_alphanumeric() || " _.:/=+-@".contains(one));
        (1..=KEY_LENGTH_MAX).contains(&key.chars().count())
            && value.chars().count() <= VALUE_LENGTH_MAX
            && of_tags(key)
            && of_tags(value)
    };
    if !list.iter().all(is_valid) {
        let message = "The object tag key can't exceed 128 characters. The object tag key string can't be null or empty. \
                       The maximum length of a tag value is 256 characters. The object tag key contains characters that \
                       aren't valid.";
        return Err(refused("InvalidTag", message));
    }
    let keys: HashSet<&String> = list.iter().map(|(key, _)| key).collect();
    if is_and && keys.len() < list.len() {
        return Err(duplicate());
    }
    Ok(list)
}

fn age(given: s::MatchObjectAge) -> Result<Between> {
    let between = Between {
        greater_than: given.days_greater_than.map(i64::from),
        less_than: given.days_less_than.map(i64::from),
    };
    let ends = [between.greater_than, between.less_than];
    if ends == [None, None] {
        return Err(refused("InvalidMatchObjectAge", "The MatchObjectAge parameter can't be empty."));
    }
    if ends.into_iter().flatten().any(|days| days <= 0) {
        return Err(refused("InvalidAge", "DaysLessThan and DaysGreaterThan must be positive numbers."));
    }
    check_ends(between)
}

fn size(given: s::MatchObjectSize) -> Result<Between> {
    let between = Between { greater_than: given.bytes_greater_than, less_than: given.bytes_less_than };
    let ends = [between.greater_than, between.less_than];
    if ends == [None, None] {
        return Err(refused("InvalidMatchObjectSize", "The MatchObjectSize parameter can't be empty."));
    }
    let is_wrong = ends.into_iter().flatten().any(|bytes| bytes <= 0 || bytes > SIZE_MAX);
    if is_wrong || between.greater_than == Some(SIZE_MAX) {
        let message = "BytesLessThan and BytesGreaterThan must be positive numbers. The maximum object size can't exceed \
                       50 TB. The minimum object size can't be greater than or equal to 50 TB.";
        return Err(refused("InvalidSize", message));
    }
    check_ends(between)
}

fn check_ends(between: Between) -> Result<Between> {
    if between.greater_than.zip(between.less_than).is_some_and(|(least, most)| least >= most) {
        let message = "This object age or object size combination isn't valid.";
        return Err(refused("InvalidNumericCombination", message));
    }
    Ok(between)
}

pub(super) fn to_wire(filter: GroupFilter) -> s::StorageLensGroupFilter {
    macro_rules! shown {
        ($shape:ident, $criteria:expr) => {{
            let criteria = $criteria;
            let tags = criteria
                .tags
                .map(|tags| tags.into_iter().map(|(key, value)| s::S3Tag { key, value }).collect());
            let age = criteria.age.map(|between| s::MatchObjectAge {
                days_greater_than: between.greater_than.map(|days| days as i32),
                days_less_than: between.less_than.map(|days| days as i32),
            });
            let size = criteria.size.map(|between| s::MatchObjectSize {
                bytes_greater_than: between.greater_than,
                bytes_less_than: between.less_than,
            });
            let mut shown = s::$shape::default();
            shown.match_any_prefix = criteria.prefixes;
            shown.match_any_suffix = criteria.suffixes;
            shown.match_any_tag = tags;
            shown.match_object_age = age;
            shown.match_object_size = size;
            shown
        }};
    }
    match filter {
        GroupFilter::One(criteria) => shown!(StorageLensGroupFilter, criteria),
        GroupFilter::And(criteria) => s::StorageLensGroupFilter {
            and: Some(shown!(StorageLensGroupAndOperator, criteria)),
            ..Default::default()
        },
        GroupFilter::Or(criteria) => s::StorageLensGroupFilter {
            or: Some(shown!(StorageLensGroupOrOperator, criteria)),
            ..Default::default()
        },
    }
}
