//! What metrics, analytics, inventory and tiering configurations have in common: a bucket has many of each, by id.

use haneul_kit::{ApiError, Result};
use haneul_s3_wire::shapes::Tag;

use crate::error;
use crate::model::configuration::FilterForm;
use crate::model::filter::{Configuration, ObjectFilter};

/// Configurations on a page.
pub(super) const PAGE_MAX: usize = 100;
const CONFIGURATIONS_MAX: usize = 1000;
const ID_LENGTH_MAX: usize = 64;

/// The id in the query and the one in the document, which for metrics is refused like one of a wrong form.
pub(super) fn check_id(asked: &str, given: &str) -> Result<()> {
    let named = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = !given.is_empty() && given.len() <= ID_LENGTH_MAX && given.chars().all(named);
    if asked == given && fits {
        return Ok(());
    }
    Err(error::invalid_argument("The provided configuration Id is invalid", "Id", given))
}

pub(super) fn none(bucket: &str) -> ApiError {
    error::not_configured("NoSuchConfiguration", "The specified configuration does not exist.", bucket)
}

/// `<And>` of a filter: prefix, tags, access point.
pub(super) type And = (Option<String>, Option<Vec<Tag>>, Option<String>);

/// A filter has one criterion, or an `And` of two at least.
pub(super) fn filter(
    prefix: Option<String>,
    tag: Option<Tag>,
    access_point: Option<String>,
    and: Option<And>,
) -> Result<ObjectFilter> {
    let single =
        usize::from(prefix.is_some()) + usize::from(tag.is_some()) + usize::from(access_point.is_some());
    let pair = |tag: Tag| (tag.key, tag.value);
    let filter = match and {
        None if single == 1 => {
            let tags = tag.into_iter().map(pair).collect();
            ObjectFilter { prefix, tags, access_point, form: FilterForm::Single }
        }
        Some((prefix, tags, access_point)) if single == 0 => {
            let tags: Vec<_> = tags.into_iter().flatten().map(pair).collect();
            let filter = ObjectFilter { prefix, tags, access_point, form: FilterForm::And };
            let count = usize::from(filter.prefix.is_some())
                + usize::from(filter.access_point.is_some())
                + filter.tags.len();
            if count < 2 {
                return Err(error::malformed_xml());
            }
            filter
        }
        _ => return Err(error::malformed_xml()),
    };
    let mut keys: Vec<&str> = filter.tags.iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(error::invalid_argument("Tag keys must be unique.", "Key", keys[0]));
    }
    Ok(filter)
}

pub(super) fn tags(filter: &ObjectFilter) -> impl Iterator<Item = Tag> {
    filter.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() })
}

/// Puts one in its place, or in that of its id.
pub(super) fn set<C: Configuration>(all: &mut Vec<C>, one: &C) -> Result<()> {
    match all.binary_search_by(|other| other.id().cmp(one.id())) {
        Ok(at) => all[at] = one.clone(),
        Err(_) if all.len() >= CONFIGURATIONS_MAX => return Err(error::too_many_configurations()),
        Err(at) => all.insert(at, one.clone()),
    }
    Ok(())
}

pub(super) fn get<'c, C: Configuration>(all: &'c [C], id: &str, bucket: &str) -> Result<&'c C> {
    all.iter().find(|one| one.id() == id).ok_or_else(|| none(bucket))
}

pub(super) fn remove<C: Configuration>(all: &mut Vec<C>, id: &str, bucket: &str) -> Result<()> {
    let at = all.iter().position(|one| one.id() == id).ok_or_else(|| none(bucket))?;
    all.remove(at);
    Ok(())
}

/// Those after the id that a token names, and the token of the next page.
pub(super) fn page<'c, C: Configuration>(all: &'c [C], after: Option<&str>) -> (&'c [C], Option<String>) {
    let from = after.map_or(0, |after| all.partition_point(|one| one.id() <= after));
    let rest = &all[from..];
    let shown = &rest[..rest.len().min(PAGE_MAX)];
    let next = shown.last().filter(|_| rest.len() > PAGE_MAX);
    (shown, next.map(|last| last.id().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::filter::RequestMetrics;

    #[test]
    fn ids_and_pages() {
        for (asked, given, fits) in [
            ("a", "a", true),
            ("a", "b", false),
            ("", "", false),
            ("a/b", "a/b", false),
            ("A-1_.x", "A-1_.x", true),
        ] {
            assert_eq!(check_id(asked, given).is_ok(), fits, "{asked} {given}");
        }
        let mut all = Vec::new();
        for i in (0..250).rev() {
            set(&mut all, &RequestMetrics { id: format!("{i:03}"), filter: None }).unwrap();
        }
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let (shown, next) = page(&all, after.as_deref());
            seen.extend(shown.iter().map(|one| one.id.clone()));
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, (0..250).map(|i| format!("{i:03}")).collect::<Vec<_>>());
        assert!(remove(&mut all, "007", "b").is_ok() && remove(&mut all, "007", "b").is_err());
        for i in 1000..1751 {
            set(&mut all, &RequestMetrics { id: i.to_string(), filter: None }).unwrap();
        }
        let more = RequestMetrics { id: "x".into(), filter: None };
        assert_eq!(set(&mut all, &more).unwrap_err().code(), "TooManyConfigurations");
        assert!(set(&mut all, &RequestMetrics { id: "1000".into(), filter: None }).is_ok());
    }

    #[test]
    fn filters() {
        let tag = |key: &str| Tag { key: key.into(), value: "v".into() };
        assert!(filter(None, None, None, None).is_err());
        assert!(filter(Some("p".into()), Some(tag("k")), None, None).is_err());
        assert!(filter(None, None, None, Some((Some("p".into()), None, None))).is_err());
        let both = filter(None, None, None, Some((Some("p".into()), Some(vec![tag("k")]), None))).unwrap();
        let tags = [("k".to_owned(), "v".to_owned())].into_iter().collect();
        assert!(
            both.is_about("px", &tags)
                && !both.is_about("x", &tags)
                && !both.is_about("px", &Default::default())
        );
        let twice = filter(None, None, None, Some((None, Some(vec![tag("k"), tag("k")]), None)));
        assert_eq!(twice.unwrap_err().code(), "InvalidArgument");
    }
}
