//! Queries as data: what each comes to on a few events.

mod tables;

use haneul_kit::{BoxFuture, Instant};
use serde_json::{Value as Json, json};

use super::{Flow, Flowed, Halt, Outcome, Run, Source, parse};

const ID: &str = "11111111-2222-3333-4444-555555555555";

fn now() -> Instant {
    Instant::parse_iso8601("2026-01-06T12:30:00Z").unwrap()
}

fn events() -> Vec<Json> {
    let event = |n: i64, name: &str, user: &str, error: Option<&str>| {
        let mut event = json!({
            "eventTime": format!("2026-01-0{n}T10:00:00Z"),
            "eventName": name,
            "eventID": format!("e{n}"),
            "eventSource": if name.contains("Queue") { "sqs.amazonaws.com" } else { "iam.amazonaws.com" },
            "readOnly": name.starts_with("Get"),
            "userIdentity": { "type": "IAMUser", "userName": user, "arn": format!("arn:aws:iam::1:user/{user}") },
            "requestParameters": { "userName": format!("target{n}"), "n": n },
            "resources": [{ "ARN": format!("arn:{n}"), "type": "AWS::IAM::User" }],
        });
        if let Some(error) = error {
            event["errorCode"] = json!(error);
        }
        event
    };
    vec![
        event(1, "CreateUser", "ann", None),
        event(2, "GetUser", "ann", Some("AccessDenied")),
        event(3, "CreateQueue", "bob", None),
        event(4, "CreateUser", "bob", Some("EntityAlreadyExists")),
        event(5, "DeleteUser", "ann", None),
    ]
}

/// Another store: some of the same events, and one of its own.
const OTHER: &str = "aaaaaaaa-2222-3333-4444-555555555555";

fn others() -> Vec<Json> {
    let mut all: Vec<Json> = events().into_iter().skip(3).collect();
    all.push(json!({ "eventTime": "2026-01-05T20:00:00Z", "eventName": "TagUser", "eventID": "e6" }));
    all
}

struct Memory(Vec<Json>);

impl Source for Memory {
    fn events<'a>(
        &'a self,
        store: &'a str,
        each: &'a mut (dyn FnMut(&Json) -> Flowed + Send),
    ) -> BoxFuture<'a, Result<(), Halt>> {
        Box::pin(async move {
            let all = if store == OTHER { others() } else { self.0.clone() };
            for event in &all {
                if each(event)? == Flow::Enough {
                    break;
                }
            }
            Ok(())
        })
    }

    fn pause(&self) -> BoxFuture<'_, Result<(), Halt>> {
        Box::pin(async { Ok(()) })
    }
}

fn text(query: &str) -> String {
    query.replace("EVENTS", ID).replace("OTHERS", OTHER)
}

/// What a query comes to on some events.
fn outcome(query: &str, events: Vec<Json>) -> Result<Outcome, String> {
    let plan = parse(&text(query), now())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match runtime.block_on(Run::new(&plan, &Memory(events)).run()) {
        Ok(outcome) => Ok(outcome),
        Err(Halt::Failed(error)) => Err(error),
        Err(other) => panic!("{query}: {other:?}"),
    }
}

/// Rows as `a|b`, NULL as `-`.
fn run(query: &str) -> Vec<String> {
    let outcome = outcome(query, events()).unwrap_or_else(|error| panic!("{query}: {error}"));
    let row = |row: Vec<Option<String>>| {
        let values: Vec<String> = row.into_iter().map(|value| value.unwrap_or_else(|| "-".into())).collect();
        values.join("|")
    };
    outcome.rows.into_iter().map(row).collect()
}

#[test]
fn queries() {
    for (query, expected) in [
        (
            "SELECT eventName FROM EVENTS WHERE userIdentity.userName = 'bob'",
            vec!["CreateQueue", "CreateUser"],
        ),
        (
            "select eventname, errorcode from EVENTS where eventTime >= '2026-01-04 00:00:00' order by eventTime desc",
            vec!["DeleteUser|-", "CreateUser|EntityAlreadyExists"],
        ),
        ("SELECT eventTime FROM EVENTS LIMIT 1", vec!["2026-01-01 10:00:00.000"]),
        (
            "SELECT eventName FROM EVENTS WHERE eventTime > now() - INTERVAL '2' DAY OR eventTime < date_add('day', -5, current_timestamp)",
            vec!["CreateUser", "DeleteUser"],
        ),
        (
            "SELECT eventName FROM EVENTS WHERE date_diff('hour', eventTime, now()) < 27 AND date(now()) = current_date",
            vec!["DeleteUser"],
        ),
        (
            "SELECT eventName FROM EVENTS ORDER BY eventTime DESC OFFSET 1 LIMIT 2",
            vec!["CreateUser", "CreateQueue"],
        ),
        ("SELECT eventName FROM EVENTS LIMIT 1 OFFSET 2", vec!["CreateQueue"]),
        (
            "SELECT arbitrary(userIdentity.type), greatest(1, 3, 2), least('b', 'a') FROM EVENTS",
            vec!["IAMUser|3|a"],
        ),
        (
            "SELECT date_add('month', 1, TIMESTAMP '2026-01-31 01:00:00'), date_diff('month', TIMESTAMP '2026-01-31 00:00:00', TIMESTAMP '2026-03-30 00:00:00'), \
             to_unixtime(from_unixtime(86400)), day_of_week(eventTime), date_add('year', 99999, now()), date_add('aeon', 1, now()) FROM EVENTS LIMIT 1",
            vec!["2026-02-28 01:00:00.000|1|86400|4|-|-"],
        ),
        ("SELECT count(*) FROM EVENTS", vec!["5"]),
        (
            "SELECT count(*), count(errorCode), count(DISTINCT userIdentity.username) FROM EVENTS WHERE false",
            vec!["0|0|0"],
        ),
        (
            "SELECT userIdentity.userName AS who, count(*) AS n FROM EVENTS GROUP BY userIdentity.userName ORDER BY n DESC, who",
            vec!["ann|3", "bob|2"],
        ),
        ("SELECT eventName, count(*) FROM EVENTS GROUP BY 1 HAVING count(*) > 1", vec!["CreateUser|2"]),
        (
            "SELECT eventName FROM EVENTS WHERE errorCode IS NULL AND eventName NOT LIKE '%Queue' ORDER BY 1",
            vec!["CreateUser", "DeleteUser"],
        ),
        (
            "SELECT DISTINCT eventSource FROM EVENTS ORDER BY eventSource",
            vec!["iam.amazonaws.com", "sqs.amazonaws.com"],
        ),
        (
            "SELECT element_at(requestParameters, 'userName') FROM EVENTS WHERE eventName IN ('GetUser', 'DeleteUser')",
            vec!["target2", "target5"],
        ),
        (
            "SELECT requestParameters['userName'] FROM EVENTS WHERE eventTime BETWEEN TIMESTAMP '2026-01-02 00:00:00' AND '2026-01-03'",
            vec!["target2"],
        ),
        (
            "SELECT sum(CAST(element_at(requestParameters, 'n') AS bigint)), avg(cast(requestParameters['n'] AS double)) FROM EVENTS",
            vec!["15|3"],
        ),
        ("SELECT min(eventTime), max(eventName) FROM EVENTS", vec!["2026-01-01 10:00:00.000|GetUser"]),
        (
            "SELECT CASE WHEN readOnly THEN 'read' ELSE 'write' END AS kind, count(*) FROM EVENTS GROUP BY CASE WHEN readOnly THEN 'read' ELSE 'write' END ORDER BY kind",
            vec!["read|1", "write|4"],
        ),
        ("SELECT upper(substr(eventName, 1, 3)) || '!' FROM EVENTS LIMIT 2", vec!["CRE!", "GET!"]),
        (
            "SELECT date_trunc('month', eventTime), year(eventTime) FROM EVENTS LIMIT 1",
            vec!["2026-01-01 00:00:00.000|2026"],
        ),
        ("SELECT resources[1].ARN FROM EVENTS LIMIT 1", vec!["arn:1"]),
        ("SELECT e.eventName FROM EVENTS AS e WHERE e.readOnly = true", vec!["GetUser"]),
        ("SELECT eventName FROM EVENTS WHERE regexp_like(eventName, '^Del.*')", vec!["DeleteUser"]),
        (
            "SELECT coalesce(errorCode, 'none') AS code, count(*) FROM EVENTS GROUP BY coalesce(errorCode, 'none') ORDER BY 2 DESC, 1 LIMIT 1",
            vec!["none|3"],
        ),
        ("SELECT 1 + 2 * 3, -4 % 3, 7 / 2 FROM EVENTS LIMIT 1", vec!["7|-1|3"]),
    ] {
        assert_eq!(run(query), expected, "{query}");
    }
}

#[test]
fn what_is_not_evaluated_is_refused() {
    for query in [
        "",
        "DELETE FROM EVENTS",
        "SELECT 1",
        "SELECT eventName FROM EVENTS; SELECT eventName FROM EVENTS",
        "SELECT nothing FROM EVENTS",
        "SELECT eventName, count(*) FROM EVENTS",
        "SELECT frobnicate(eventName) FROM EVENTS",
        "SELECT eventName FROM EVENTS WHERE count(*) > 1",
        "SELECT eventName FROM EVENTS LIMIT x",
        "SELECT eventName FROM EVENTS a JOIN OTHERS b ON a.eventID = b.eventID",
        "SELECT a.eventName FROM EVENTS a JOIN OTHERS b",
        "SELECT a.eventName FROM EVENTS a NATURAL JOIN OTHERS b",
        "SELECT a.eventName FROM EVENTS a JOIN OTHERS b ON a.eventID = c.eventID",
        "SELECT eventName FROM EVENTS UNION SELECT eventName, eventID FROM EVENTS",
        "SELECT eventName FROM EVENTS WHERE eventName IN (SELECT eventName, eventID FROM EVENTS)",
        "WITH RECURSIVE a AS (SELECT eventName FROM EVENTS) SELECT eventName FROM a",
        "WITH a AS (SELECT eventName FROM b), b AS (SELECT eventName FROM EVENTS) SELECT nothing FROM a",
        "SELECT eventName FROM EVENTS WHERE row_number() OVER () = 1",
        "SELECT sum(count(*)) FROM EVENTS",
        "SELECT lower(eventName) OVER () FROM EVENTS",
        "SELECT rank() FROM EVENTS",
        "SELECT lag(eventName) IGNORE NULLS OVER (ORDER BY eventTime) FROM EVENTS",
        "SELECT sum(1) OVER (ORDER BY eventTime RANGE 2 PRECEDING) FROM EVENTS",
        "SELECT regexp_like(eventName, '(') FROM EVENTS",
        "SELECT transform(resources, 1) FROM EVENTS",
        "SELECT DISTINCT eventName FROM EVENTS ORDER BY eventTime",
        "SELECT eventTime AT TIME ZONE 'Mars' FROM EVENTS",
        "SELECT eventName FROM EVENTS TABLESAMPLE BERNOULLI (10)",
        "SELECT eventName FROM EVENTS QUALIFY 1 = 1",
        "SELECT a.eventName FROM EVENTS a WHERE a.eventName = (SELECT b.eventName FROM OTHERS b WHERE b.eventTime < a.eventTime)",
    ] {
        assert!(parse(&text(query), now()).is_err(), "{query}");
    }
}

/// No query makes a recursion as deep as it is long: all of these end, in one way or another.
#[test]
fn deep_queries_end() {
    let repeat = |part: &str, times: usize| part.repeat(times);
    for query in [
        format!("SELECT {}1{} FROM EVENTS", repeat("(", 5000), repeat(")", 5000)),
        format!("SELECT 1{} FROM EVENTS", repeat("+1", 4900)),
        format!("SELECT 1{} FROM EVENTS", repeat("+1", 1400)),
        format!("SELECT eventName FROM EVENTS WHERE true{}", repeat(" AND true", 700)),
        format!("SELECT eventName FROM EVENTS WHERE {}true", repeat("NOT ", 2000)),
        format!("SELECT eventName{} FROM EVENTS", repeat("||'a'", 700)),
        format!("SELECT eventName{} FROM EVENTS", repeat("[1]", 1400)),
        format!("SELECT eventName{} FROM EVENTS", repeat(".a", 1400)),
        format!("SELECT 1 = 1{} FROM EVENTS", repeat(" = true", 900)),
        format!("SELECT 1{} FROM EVENTS", repeat(" IS NULL", 900)),
        format!("SELECT 1 IS NORMALIZED{} FROM EVENTS", repeat("+1", 1400)),
        format!("SELECT {}1{} FROM EVENTS", repeat("abs(", 1500), repeat(")", 1500)),
        format!("SELECT {}1{} FROM EVENTS", repeat("CASE WHEN true THEN ", 300), repeat(" END", 300)),
        format!("SELECT eventName FROM EVENTS{}", repeat(" UNION ALL SELECT eventName FROM EVENTS", 90)),
        format!("SELECT eventName FROM EVENTS{}", repeat(" UNION ALL SELECT eventName FROM EVENTS", 250)),
        format!("SELECT 1 FROM {}EVENTS{}", repeat("(SELECT * FROM ", 300), repeat(")", 300)),
        format!("SELECT 1 FROM EVENTS a0{}", repeat(", EVENTS", 100)),
        format!("SELECT CAST(1 AS {}varchar{}) FROM EVENTS", repeat("array(", 300), repeat(")", 300)),
    ] {
        println!("{} …", &query[..60.min(query.len())]);
        let _ = outcome(&query, events());
    }
    // Each doubles what is before it.
    let mut doubling = "WITH a0 AS (SELECT eventName FROM EVENTS)".to_owned();
    for n in 1..20 {
        let before = n - 1;
        doubling += &format!(", a{n} AS (SELECT x.eventName FROM a{before} x CROSS JOIN a{before} y)");
    }
    assert!(outcome(&format!("{doubling} SELECT count(*) FROM a19"), events()).is_err());
    let mut doubling = "WITH a0 AS (SELECT eventName AS t FROM EVENTS)".to_owned();
    for n in 1..40 {
        doubling += &format!(", a{n} AS (SELECT t || t AS t FROM a{})", n - 1);
    }
    assert_eq!(run(&format!("{doubling} SELECT count(t) FROM a39")), ["0"], "what is too large is NULL");
    let large = "SELECT transform(sequence(1, 10000), x -> sequence(1, 10000)) IS NULL FROM EVENTS LIMIT 1";
    assert_eq!(run(large), ["true"]);
    let long = "SELECT transform(sequence(1, 10000), x -> reduce(sequence(1, 10000), 0, (s, y) -> s + reduce(sequence(1, 1000), 0, (t, z) -> t + z, t -> t), s -> s)) FROM EVENTS";
    assert!(outcome(long, events()).is_err_and(|error| error.contains("steps")));
}

proptest::proptest! {
    #[test]
    fn reading_never_panics(text in "[a-zA-Z0-9 ,.()'*=<>\\[\\]-]{0,80}") {
        let _ = parse(&format!("SELECT {text}"), now());
        let _ = parse(&format!("SELECT eventName FROM {ID} WHERE {text}"), now());
    }
}

#[test]
fn a_query_does_not_take_all_memory() {
    let large = "x".repeat(2_000_000);
    let event = |n: usize| json!({ "eventName": format!("{n}"), "errorMessage": format!("{n}{large}") });
    let events: Vec<Json> = (0..150).map(event).collect();
    for query in [
        "SELECT * FROM EVENTS",
        "SELECT errorMessage FROM EVENTS ORDER BY eventName",
        "SELECT count(*) FROM EVENTS GROUP BY errorMessage",
        "SELECT count(DISTINCT errorMessage) FROM EVENTS",
        "SELECT eventName, max(errorMessage) FROM EVENTS GROUP BY eventName",
        "SELECT DISTINCT errorMessage FROM EVENTS",
        "SELECT count(array_agg) FROM (SELECT array_agg(errorMessage) AS array_agg FROM EVENTS)",
        "SELECT count(*) FROM EVENTS a JOIN EVENTS b ON a.errorMessage = b.errorMessage",
        "SELECT count(*) FROM (SELECT errorMessage FROM EVENTS UNION SELECT errorMessage FROM EVENTS)",
        "SELECT count(*) FROM EVENTS WHERE errorMessage IN (SELECT errorMessage FROM EVENTS)",
        "SELECT count(n) FROM (SELECT errorMessage, row_number() OVER () AS n FROM EVENTS)",
    ] {
        let ended = outcome(query, events.clone());
        assert!(ended.as_ref().is_err_and(|error| error.contains("bytes")), "{query}: {ended:?}");
    }
    let top = "SELECT eventName FROM (SELECT eventName, errorMessage FROM EVENTS ORDER BY errorMessage DESC LIMIT 2)";
    assert_eq!(outcome(top, events).unwrap().rows.len(), 2, "what is not wanted is not kept");
}
