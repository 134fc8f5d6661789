use proptest::prelude::*;

use super::need::marks;
use super::record::Record;
use super::run::{Outcome, Run};
use super::subquery::Gathering;
use super::value::Value;
use super::{Moment, Plan, compile, lexer};

mod commands;
mod functions;
mod hostile;
mod nested;

/// One event a minute from this time on, newest first as the reader gives them.
const START_MS: i64 = 1_700_000_000_000;

const MESSAGES: &[&str] = &[
    r#"{"level":"INFO","user":{"id":1,"name":"ann"},"latency":10,"tags":["a","b"],"ip":"10.0.0.1"}"#,
    r#"{"level":"ERROR","user":{"id":2,"name":"bob"},"latency":250.5,"code":"E42","ip":"10.0.1.9"}"#,
    r#"{"level":"INFO","user":{"id":1,"name":"ann"},"latency":30,"ip":"192.168.0.1"}"#,
    "user=carl, method:PUT, took 12ms",
    "REPORT RequestId: 7f-1\tDuration: 102.25 ms\tBilled Duration: 103 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t",
    r#"{"level":"WARN","user":{"id":3,"name":"dora"},"latency":"70","ok":true}"#,
];

fn moment() -> Moment {
    Moment::new(START_MS + 600_000, START_MS, START_MS + 599_999)
}

fn compiled(query: &str) -> Plan {
    compile(query).unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// Takes all steps.
fn ended(mut run: Run<'_>) -> Result<Outcome, String> {
    while run.step()? {}
    run.finish()
}

/// An event so many seconds after the start.
fn event(seconds: i64, message: &str) -> Record {
    let time = START_MS + seconds * 1000;
    Record::event(message, time, time + 5, "stream", "1:group", Some(|| format!("p{seconds}")))
}

/// Runs the queries within a plan over these messages, a minute after the other.
fn nest(plan: &Plan, messages: &[&str]) -> Result<(), String> {
    for one in plan.subqueries() {
        let events = messages.iter().enumerate().rev().map(|(i, message)| event(i as i64 * 60, message));
        if let Some(secondary) = one.secondary() {
            let mut gathering = Gathering::default();
            events.into_iter().try_for_each(|event| secondary.add(&mut gathering, event))?;
            secondary.set(gathering);
        } else {
            let mut run = Run::new(&one.plan, 10_000, moment());
            events.into_iter().try_for_each(|event| run.add(event, 1, false))?;
            one.found(ended(run)?.rows);
        }
    }
    Ok(())
}

/// What a query finds in these messages, one a minute, as `name=value name=value` a row, without pointers.
fn found(query: &str, messages: &[&str], nested: &[&str]) -> Vec<String> {
    let plan = compiled(query);
    nest(&plan, nested).unwrap_or_else(|error| panic!("{query}: {error}"));
    let mut run = Run::new(&plan, 10_000, moment());
    for (i, message) in messages.iter().enumerate().rev() {
        run.add(event(i as i64 * 60, message), message.len(), false).unwrap();
    }
    let field = |(name, value): (String, String)| (name != "@ptr").then(|| format!("{name}={value}"));
    let row = |row: Vec<(String, String)>| row.into_iter().filter_map(field).collect::<Vec<_>>().join(" ");
    ended(run).unwrap_or_else(|error| panic!("{query}: {error}")).rows.into_iter().map(row).collect()
}

fn ask(query: &str) -> Vec<Vec<(String, String)>> {
    let plan = compile(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let mut run = Run::new(&plan, 10_000, moment());
    for (i, message) in MESSAGES.iter().enumerate().rev() {
        let time = START_MS + i as i64 * 60_000;
        let record = Record::event(message, time, time + 5, "stream", "1:group", Some(|| format!("p{i}")));
        let before = run.outcome.matched;
        run.add(record, message.len(), false).unwrap();
        let found = run.outcome.matched > before;
        assert!(!(found && plan.passes_over(message)), "{query}: {message}");
    }
    ended(run).unwrap().rows
}

/// Rows as `a|b;c|d`, without the pointers.
fn shown(query: &str) -> String {
    let row = |row: Vec<(String, String)>| {
        let values: Vec<String> =
            row.into_iter().filter(|(name, _)| name != "@ptr").map(|(_, value)| value).collect();
        values.join("|")
    };
    ask(query).into_iter().map(row).collect::<Vec<_>>().join(";")
}

#[test]
fn what_the_message_alone_rules_out_is_passed_over() {
    for (query, over) in [
        ("filter @message like /abc/", true),
        ("fields @timestamp, @message | filter @message like 'abc' | stats count(*)", true),
        ("filter level = 'x' | filter @message like /abc/ and level = 'x'", true),
        ("filter @message like /abc/ or @message like /def/", true),
        ("filter @message like /abc/ or level = 'x'", false),
        ("filter @message not like /abc/", false),
        ("filter @message like /b/", false),
        ("fields 'abc' as @message | filter @message like /abc/", false),
        ("parse @message '* *' as @message, b | filter @message like /abc/", false),
        ("stats count(*) as n | filter @message like /abc/", false),
    ] {
        let plan = compile(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(plan.passes_over("ab b"), over, "{query}");
    }
}

#[test]
fn lists_patterns_and_sources() {
    let shown = |query: &str, messages: &[&str], before: &[&str]| {
        let plan = compile(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut run = Run::new(&plan, 100, moment());
        let event =
            |message: &str| Record::event(message, START_MS, START_MS, "s", "1:g", None::<fn() -> String>);
        messages.iter().for_each(|message| run.add(event(message), 1, false).unwrap());
        before.iter().for_each(|message| run.add(event(message), 1, true).unwrap());
        let row = |row: Vec<(String, String)>| {
            row.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join("|")
        };
        ended(run).unwrap().rows.into_iter().map(row).collect::<Vec<_>>().join(";")
    };
    let events = r#"{"events":[{"name":"exception","n":1},{"name":"user action","n":2}],"who":"ann"}"#;
    for (query, expected) in [
        (
            "fields jsonParse(@message) as json_message | unnest json_message.events into event | display event.name, who",
            "exception|ann;user action|ann",
        ),
        (
            "fields jsonParse(@message) as js | unnest js.events into e | filter e.name = 'exception' | display e.n",
            "1",
        ),
        (
            "fields jsonParse(@message) as js | unnest js.events into e | stats sum(e.n) as n by e.name | sort n desc | limit 1",
            "user action|2",
        ),
        ("fields jsonParse(@message) as js | display js.events.1.name", "user action"),
        ("unnest who into w | display w", "ann"),
        ("unnest nothing into w | display w", ""),
        (
            "stats count(*) as n by who | fields jsonParse('[1,2]') as l | unnest l into x | display who, x",
            "ann|1;ann|2",
        ),
        ("fields jsonStringify(jsonParse('{\"a\":[1]}')) as t | display t", r#"{"a":[1]}"#),
    ] {
        assert_eq!(shown(query, &[events], &[]), expected, "{query}");
    }
    let lines = ["[INFO] took 12 ms", "[INFO] took 15 ms", "[ERROR] no room"];
    for (query, before, expected) in [
        (
            "pattern @message",
            &[][..],
            "[INFO] took <Number-1> ms|2|0.6667|Info;[ERROR] no room|1|0.3333|Error",
        ),
        ("pattern @message | filter @severityLabel = 'Error' | display @pattern", &[], "[ERROR] no room"),
        (
            "parse @message 'took * ms' as took | filter ispresent(took) | pattern toupper(took)",
            &[],
            "<Number-1>|2|1",
        ),
        (
            "diff",
            &["[INFO] took 1 ms"],
            "[INFO] took <Number-1> ms|2|0.6667|Info|1|Increased by 100%;[ERROR] no room|1|0.3333|Error|1|New",
        ),
        (
            "pattern @message | diff previousWeek | display @differenceDescription",
            &lines[..],
            "Unchanged;Unchanged",
        ),
        (
            "stats count(*) as n by @message | pattern @message | display @pattern, @sampleCount | limit 1",
            &[],
            "[INFO] took <Number-1> ms|2",
        ),
    ] {
        assert_eq!(shown(query, &lines, before), expected, "{query}");
    }
    let many = format!("[{}]", vec!["1"; 200].join(","));
    let plan = compile("fields jsonParse(@message) as l | unnest l into a | unnest l into b").unwrap();
    let mut run = Run::new(&plan, 100, moment());
    let wrong = run.add(Record::event(&many, 0, 0, "s", "g", None::<fn() -> String>), 1, false).unwrap_err();
    assert_eq!(wrong, "unnest makes more than 10000 records of one event");
    let source =
        |query: &str| compile(query).map(|plan| plan.source.map(|source| (source.prefixes, source.class)));
    let prefixes = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(
        source("SOURCE logGroups(namePrefix: ['a', 'b'], class:['INFREQUENT_ACCESS']) | fields @message")
            .unwrap(),
        Some((prefixes, Some("INFREQUENT_ACCESS".into())))
    );
    assert_eq!(source("source logGroups()").unwrap(), Some((vec![], None)));
    for wrong in [
        "fields a | SOURCE logGroups()",
        "SOURCE logGroups(namePrefix: ['1','2','3','4','5','6'])",
        "SOURCE logGroups(what: ['a'])",
        "SOURCE logGroups(class: ['COLD'])",
        "stats count(*) | diff",
        "diff lastYear",
        "unnest a",
    ] {
        assert!(compile(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_queries_find() {
    let cases: &[(&str, &str)] = &[
        ("fields level | filter ispresent(level)", "WARN;INFO;ERROR;INFO"),
        ("fields level as l | filter l = 'ERROR'", "ERROR"),
        ("fields user.name | filter user.id = 1 | sort @timestamp asc", "ann;ann"),
        ("fields user.name | filter user.id != 1 and ispresent(user.id)", "dora;bob"),
        ("filter level in ['ERROR', 'WARN'] | fields level", "WARN;ERROR"),
        ("filter level not in ['ERROR', 'WARN'] and ispresent(level) | fields level", "INFO;INFO"),
        ("filter @message like /method:(PUT|POST)/ | fields strlen(@message) as n", "32"),
        ("filter @message like 'took' | fields substr(@message, 5, 4) as who", "carl"),
        (
            "filter @message not like 'level' and not @message like /REPORT/ | display @logStream, @log",
            "stream|1:group",
        ),
        (
            "filter @message =~ /^REPORT/ | fields @type, @requestId, @duration, @billedDuration, @memorySize, @maxMemoryUsed",
            "REPORT|7f-1|102.25|103|128000000|64000000",
        ),
        ("fields latency | filter latency >= 70 | sort latency desc", "250.5;70"),
        ("fields latency | filter latency > 10 and latency < 100 | sort latency asc", "30;70"),
        ("stats count(*) as n", "6"),
        ("stats count(level) as n, count_distinct(level) as d", "4|3"),
        ("stats avg(latency), min(latency), max(latency), sum(latency)", "90.125|10|250.5|360.5"),
        ("stats pct(latency, 50) as p50, median(latency) as m", "50|50"),
        ("stats stddev(latency) as s", "95.0792"),
        ("stats count(*) as n by level | sort n desc, level asc", "2;INFO|2;ERROR|1;WARN|1"),
        ("stats latest(latency) as l, earliest(latency) as e", "70|10"),
        ("stats sortsFirst(level) as a, sortsLast(level) as z", "ERROR|WARN"),
        (
            "stats count(*) by bin(5m) as t | sort t asc",
            "2023-11-14 22:10:00.000|2;2023-11-14 22:15:00.000|4",
        ),
        ("stats max(latency) as m by user.name | stats avg(m) as a", "116.8333"),
        (
            "parse @message 'user=*, method:*, took *ms' as u, m, t | filter ispresent(u) | fields u, m, t + 1 as later",
            "carl|PUT|13",
        ),
        ("parse @message /user=(?<who>\\w+)/ | filter ispresent(who) | display who", "carl"),
        ("parse 'user=*,' as who | filter ispresent(who) | display who", "carl"),
        ("fields level | filter ispresent(level) | dedup level", "WARN;INFO;ERROR"),
        ("fields level | filter ispresent(level) | limit 2", "WARN;INFO"),
        ("fields tags.0 as first | filter ispresent(tags.1)", "a"),
        ("fields ok | filter ok", "1"),
        ("fields 1 + 2 * 3 ^ 2 as x | limit 1", "19"),
        ("fields (1 + 2) * -3 as x | limit 1", "-9"),
        ("fields 7 % 4 as x, 1 / 3 as y, 1 / 0 as z | limit 1", "3|0.3333"),
        (
            "fields abs(-2.5) as a, ceil(1.2) as b, floor(-1.2) as c, sqrt(9) as d, greatest(1, 5, 3) as e, least(4, 2) as f | limit 1",
            "2.5|2|-2|3|5|2",
        ),
        (
            "fields toupper('aB') as u, tolower('aB') as l, concat('a', 1, 'b') as c, replace('aXbX', 'X', '-') as r | limit 1",
            "AB|ab|a1b|a-b-",
        ),
        (
            "fields trim('  x ') as a, ltrim('xxay', 'x') as b, rtrim('ayy', 'y') as c, strcontains('abc', 'b') as d | limit 1",
            "x|ay|a|1",
        ),
        ("fields isempty('') as a, isblank('  ') as b, coalesce(nothing, 'x') as c | limit 1", "1|1|x"),
        ("filter isIpv4InSubnet(ip, '10.0.0.0/16') | fields ip | sort ip asc", "10.0.0.1;10.0.1.9"),
        ("filter isValidIp(ip) and not isIpInSubnet(ip, '10.0.0.0/8') | fields ip", "192.168.0.1"),
        (
            "fields datefloor(@timestamp, 1h) as h, dateceil(@timestamp, 1h) as c, toMillis(@timestamp) as ms | sort @timestamp asc | limit 1",
            "2023-11-14 22:00:00.000|2023-11-14 23:00:00.000|1700000000000",
        ),
        ("fields fromMillis(0) as t, now() as n | limit 1", "1970-01-01 00:00:00.000|1700000600"),
        ("# a comment\nfields level # another\n| filter level = \"WARN\"", "WARN"),
        ("FIELDS level | FILTER level = 'WARN' OR level = 'ERROR' | SORT level ASC", "ERROR;WARN"),
        ("fields `user.name` | filter `user.id` = 3", "dora"),
        ("filter level = 'NONE' | stats count(*) as n", "0"),
        ("filter level = 'NONE' | stats count(*) as n by level", ""),
    ];
    for (query, expected) in cases {
        assert_eq!(shown(query), *expected, "{query}");
    }
}

#[test]
fn a_row_without_fields_has_time_message_and_pointer() {
    let rows = ask("filter level = 'WARN'");
    let names: Vec<&str> = rows[0].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["@timestamp", "@message", "@ptr"]);
    assert_eq!(rows[0][0].1, "2023-11-14 22:18:20.000");
    assert_eq!(rows[0][2].1, "p5");
    assert!(ask("stats count(*)")[0].iter().all(|(name, _)| name == "count(*)"));
}

#[test]
fn what_does_not_compile() {
    let deep = format!("filter {}1{}", "(".repeat(5000), ")".repeat(5000));
    let nots = format!("filter {} 1", "not ".repeat(5000));
    for bad in [
        "nonsense",
        "fields",
        "filter",
        "filter a =",
        "filter (a",
        "stats",
        "stats count(",
        "stats pct(a)",
        "stats pct(a, 101)",
        "stats nothing(a)",
        "limit 0",
        "limit 100001",
        "limit x",
        "parse @message 'a *' as b, c",
        "parse @message /(x)/",
        "parse @message /(/",
        "filter a like 5",
        "filter a in 5",
        "filter a in [1 2]",
        "fields unknown(1)",
        "fields abs()",
        "fields 'open",
        "fields @message |",
        "| fields a b c",
        "fields 5xyz",
        "filter a ~ b",
        "pattern",
        "stats count(*) | anomaly",
        &deep,
        &nots,
    ] {
        assert!(compile(bad).is_err(), "{bad}");
    }
    assert!(lexer::tokens("").is_ok());
}

fn values() -> impl Strategy<Value = Value> {
    let texts = ["1", "1.0", " 1", "0", "-0", "0.0", "true", "false", "a", "", "NaN", "1e0", "inf"];
    prop_oneof![
        Just(Value::Missing),
        any::<bool>().prop_map(Value::Bool),
        prop::sample::select(vec![0.0, -0.0, 1.0, 1.5, -1.0]).prop_map(Value::Number),
        (-2_i64..3).prop_map(Value::Time),
        prop::sample::select(texts.to_vec()).prop_map(|text| Value::Text(text.into())),
    ]
}

proptest! {
    /// An index that lacks the marks of a value lacks all that equals it.
    #[test]
    fn what_is_the_same_has_a_mark_in_common(a in values(), b in values()) {
        let common = marks(&a).iter().any(|mark| marks(&b).contains(mark));
        prop_assert!(common || a.is_missing() || b.is_missing() || !a.same(&b), "{a:?} {b:?}");
    }
}
