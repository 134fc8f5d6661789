//! Queries that ask for more than there is.

use super::{compiled, ended, event, moment};
use crate::insights::memory::Memory;
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
fn queries_together_do_not_take_all_memory() {
    let most = 8 * 1024 * 1024;
    let memory = Memory::of(most);
    let texts = [
        "sort n asc",
        "filter @message like /x/ | sort n asc | fields concat(@message, 'y') as a",
        "stats count(*) by concat(@message, @timestamp)",
        "stats count_distinct(concat(@message, @timestamp))",
        "stats max(@message) by @timestamp",
    ];
    for text in texts {
        let plan = compiled(text);
        // Each alone is far from its own limits.
        let shares: Vec<_> = (0..3).map(|_| memory.share()).collect();
        let mut runs: Vec<_> =
            shares.iter().map(|share| Run::new(&plan, 10_000, moment()).within(share)).collect();
        let message = "x".repeat(10_000);
        let mut ended_by = None;
        'all: for i in 0..600 {
            for run in &mut runs {
                if let Err(error) = run.add(event(i, &message), message.len(), false) {
                    ended_by = Some(error);
                    break 'all;
                }
            }
        }
        assert!(ended_by.is_some_and(|error| error.contains("together")), "{text}");
        assert!(memory.used() <= most && memory.used() > most / 2, "{text}: {}", memory.used());
        drop(runs);
        drop(shares);
        assert_eq!(memory.used(), 0, "{text}");
    }
    // What the commands behind the first that needs all records make counts, too.
    let plan =
        compiled("sort n asc | fields concat(@message, 'y') as a, concat(a, a) as b, concat(b, b) as c");
    let share = memory.share();
    let mut run = Run::new(&plan, 10_000, moment()).within(&share);
    (0..400).try_for_each(|i| run.add(event(i, &"x".repeat(10_000)), 1, false)).unwrap();
    assert!(ended(run).is_err_and(|error| error.contains("together")));
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
