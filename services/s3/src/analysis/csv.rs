//! The file of a configuration: the days so far, by age group, then all ages together.

use std::collections::BTreeSet;
use std::fmt::Write;

use haneul_kit::Instant;

use super::{GROUPS, advice};
use crate::lifecycle::DAY_S;
use crate::model::analysis::{AnalyticsConfiguration, Day, Export, Figures};

const HEADER: &str = "Date,ConfigId,Filter,StorageClass,ObjectAge,ObjectCount,DataUploaded_MB,Storage_MB,DataRetrieved_MB,\
                      GetRequestCount,CumulativeAccessRatio,ObjectAgeForSIATransition,\
                      RecommendedObjectAgeForSIATransition\n";

const MEGABYTE: f64 = 1024.0 * 1024.0;

const STANDARD: &str = "STANDARD";

/// Where the file of a bucket's configuration is.
pub(crate) fn key(export: &Export, source: &str, id: &str) -> String {
    let prefix = export.prefix.as_deref().map(|prefix| prefix.trim_end_matches('/'));
    match prefix.filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => format!("{prefix}/{source}/{id}.csv"),
        None => format!("{source}/{id}.csv"),
    }
}

/// `days` in order.
pub(crate) fn file(one: &AnalyticsConfiguration, days: &[(u64, Day)]) -> String {
    let mut text = HEADER.to_owned();
    let begin = format!("{},{}", one.id, cell(&filter(one)));
    let mut classes: BTreeSet<&str> =
        days.iter().flat_map(|(_, day)| day.rows.iter().map(|row| row.class.as_str())).collect();
    classes.insert(STANDARD);
    for (group, (_, age)) in GROUPS.iter().enumerate() {
        for class in &classes {
            for (at, (number, day)) in days.iter().enumerate().filter(|(_, (_, day))| day.counted) {
                if !has(day, class) {
                    continue;
                }
                let rows = day.rows.iter().filter(|row| row.group == group && row.class == **class);
                let ratio = advice::cumulative_ratio(advice::window(&days[..=at]), class, group);
                let _ = write!(text, "{},{begin},{class},{age},", date(*number));
                figures(&mut text, rows.map(|row| &row.figures), ratio);
                text.push_str(",,\n");
            }
        }
    }
    let observed = advice::observed(days);
    for class in &classes {
        for (at, (number, day)) in days.iter().enumerate().filter(|(_, (_, day))| day.counted) {
            if !has(day, class) {
                continue;
            }
            let rows = day.rows.iter().filter(|row| row.class == **class);
            let ratio = advice::cumulative_ratio(advice::window(&days[..=at]), class, 0);
            let _ = write!(text, "{},{begin},{class},ALL,", date(*number));
            figures(&mut text, rows.map(|row| &row.figures), ratio);
            let (transition, recommended) = match *class {
                STANDARD => (observed[at], advice::recommended(&observed[..=at])),
                _ => (None, None),
            };
            let shown = |age: Option<i64>| age.map(|age| age.to_string()).unwrap_or_default();
            let _ = writeln!(text, ",{},{}", shown(transition), shown(recommended));
        }
    }
    text
}

/// STANDARD is told of every day, other classes when there is something of them.
fn has(day: &Day, class: &str) -> bool {
    class == STANDARD || day.rows.iter().any(|row| row.class == class)
}

fn figures<'f>(text: &mut String, rows: impl Iterator<Item = &'f Figures>, ratio: Option<f64>) {
    let mut sum = Figures::default();
    rows.for_each(|figures| sum.add(figures));
    let megabytes = |bytes: u64| number(bytes as f64 / MEGABYTE);
    let _ = write!(
        text,
        "{},{},{},{},{},{}",
        sum.objects,
        megabytes(sum.uploaded),
        megabytes(sum.stored),
        megabytes(sum.retrieved),
        sum.gets,
        ratio.map(number).unwrap_or_default()
    );
}

/// Six decimals at most.
fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `MM-DD-YYYY`
fn date(day: u64) -> String {
    let iso = Instant::from_secs(day as i64 * DAY_S).iso8601();
    let part = |range: std::ops::Range<usize>| iso.get(range).unwrap_or_default();
    format!("{}-{}-{}", part(5..7), part(8..10), part(0..4))
}

fn filter(one: &AnalyticsConfiguration) -> String {
    let Some(filter) = &one.filter else { return String::new() };
    let prefix = filter.prefix.iter().map(|prefix| format!("prefix={prefix}"));
    let tags = filter.tags.iter().map(|(key, value)| format!("tag={key}={value}"));
    prefix.chain(tags).collect::<Vec<_>>().join("&")
}

fn cell(value: &str) -> String {
    if value.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", value.replace('"', "\"\""));
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates() {
        for (value, text) in
            [(0.0, "0"), (1.5, "1.5"), (10.0, "10"), (0.000_000_4, "0"), (0.1234567, "0.123457")]
        {
            assert_eq!(number(value), text);
        }
        assert_eq!(date(0), "01-01-1970");
        assert_eq!(date(19_000), "01-08-2022");
        assert_eq!(cell("a,\"b"), "\"a,\"\"b\"");
    }
}
