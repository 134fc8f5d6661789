//! Queries that ask for more than there is.

use super::{compiled, ended, event, moment};
use crate::insights::run::Run;

/// How a query ends over so many events of this message.
fn end_of(query: &str, message: &str, events: i64) -> Result<usize, String> {
    let plan = compiled(query);
    let mut run = Run::new(&plan, 10_000, moment());
    (0..events).try_for_each(|i| run.add(event(i % 600, message), message.len(), false))?;
    ended(run).map(|outcome| outcome.rows.len())
}

#[test]
fn texts_do_not_grow_without_end() {
    let replacing = (0..40).fold("'a'".to_owned(), |inner, _| format!("replace({inner}, 'a', 'aa')"));
    let regex = (0..40).fold("'a'".to_owned(), |inner, _| format!("regexReplace({inner}, 'a', 'aa')"));
    let encoding = (0..30).fold("@message".to_owned(), |inner, _| format!("urlencode({inner})"));
    let name = |i: usize| if i == 0 { "@message".to_owned() } else { format!("f{i}") };
    let chain: String =
        (0..40).map(|i| format!("| fields concat({0}, {0}) as {1} ", name(i), name(i + 1))).collect();
    for query in [
        format!("fields {replacing} as x | display x"),
        format!("fields {regex} as x | display x"),
        format!("fields {encoding} as x | display x"),
        format!("fields 1 as a {chain} | display f40"),
    ] {
        assert_eq!(end_of(&query, &"%".repeat(1000), 2), Ok(2), "{}", &query[..40]);
    }
}

#[test]
fn records_do_not_take_all_memory() {
    let large = "x".repeat(1_000_000);
    for (query, why) in [
        ("fields concat(@message, '') as a | sort a asc | limit 100000", "more than 536870912 bytes"),
        ("stats count(*) by concat(@message, @timestamp)", "more than 268435456 bytes"),
    ] {
        let ended = end_of(query, &large, 600);
        assert!(ended.as_ref().is_err_and(|error| error.contains(why)), "{query}: {ended:?}");
    }
    let lines = "x".repeat(100_000);
    for query in [
        "sort @timestamp asc | fields concat(@message, @message) as a, concat(a, a) as b, concat(b, b) as c",
        "sort @timestamp asc | autoregress @message p=1-20",
        "stats count(*) by bin(2ms) as b, @message | fillmissing",
    ] {
        let ended = end_of(query, &lines, 2000);
        assert!(
            ended.as_ref().is_err_and(|error| error.contains("more than 536870912 bytes")),
            "{query}: {ended:?}"
        );
    }
    // A sort with a limit keeps little, however much comes.
    assert_eq!(end_of("sort @timestamp desc | limit 20", &"y".repeat(200_000), 4000), Ok(20));
    assert_eq!(end_of("fields @message | sort n asc, @timestamp asc | limit 3", r#"{"n":1}"#, 30_000), Ok(3));
}

#[test]
fn lists_and_matches_do_not_multiply_without_end() {
    let list = format!("[{}]", vec!["1"; 20_000].join(","));
    for query in [
        "unnest jsonParse(@message) into x",
        "fields @message as l | expand l",
        "parse @message /(\\d)/ as d multi",
    ] {
        let ended = end_of(query, &list, 1);
        assert_eq!(ended, Err("unnest makes more than 10000 records of one event".to_owned()), "{query}");
    }
    let missing = "stats count(*) by bin(1ms) as b, @message, @ptr | fillmissing";
    assert!(end_of(missing, "x", 600).is_err_and(|error| error.contains("fillmissing makes more than")));
}

#[test]
fn histograms_have_room() {
    let plan = compiled("stats histogram(n, 1000) as h by g");
    let mut run = Run::new(&plan, 10_000, moment());
    let added = (0..100_000).try_for_each(|i| run.add(event(0, &format!(r#"{{"n":1,"g":{i}}}"#)), 1, false));
    assert!(added.is_err_and(|error| error.contains("more than 268435456 bytes")));
}

#[test]
fn frequent_values_are_found_among_many() {
    let plan = compiled("countFrequent k | limit 2");
    let mut run = Run::new(&plan, 10, moment());
    for i in 0..120_000 {
        let message =
            if i % 3 == 0 { r#"{"k":"often"}"#.to_owned() } else { format!(r#"{{"k":"rare {i}"}}"#) };
        run.add(event(0, &message), 1, false).unwrap();
    }
    let rows = ended(run).unwrap().rows;
    assert_eq!(
        rows[0],
        [("k".to_owned(), "often".to_owned()), ("_approxcount".to_owned(), "40000".to_owned())]
    );
}
