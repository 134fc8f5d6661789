use haneul_kit::Instant;
use serde_json::{Value as Json, json};

use super::{Run, parse};

const ID: &str = "11111111-2222-3333-4444-555555555555";

fn now() -> Instant {
    Instant::parse_iso8601("2026-01-06T12:30:00Z").unwrap()
}

fn events() -> Vec<Json> {
    let event = |n: i64, name: &str, user: &str, error: Option<&str>| {
        let mut event = json!({
            "eventTime": format!("2026-01-0{n}T10:00:00Z"),
            "eventName": name,
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

/// Rows as `a|b`, NULL as `-`.
fn run(query: &str) -> Vec<String> {
    let plan = parse(&query.replace("EVENTS", ID), now()).unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!(plan.store, ID);
    let mut run = Run::new(plan);
    for event in events() {
        run.take(&event).unwrap();
    }
    let row = |row: Vec<(String, Option<String>)>| {
        let values: Vec<String> =
            row.into_iter().map(|(_, value)| value.unwrap_or_else(|| "-".into())).collect();
        values.join("|")
    };
    run.finish().into_iter().map(row).collect()
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
        "SELECT eventName FROM EVENTS; SELECT eventName FROM EVENTS",
        "SELECT nothing FROM EVENTS",
        "SELECT eventName, count(*) FROM EVENTS",
        "SELECT eventName FROM EVENTS JOIN EVENTS ON true",
        "SELECT eventName FROM EVENTS WHERE eventName IN (SELECT eventName FROM EVENTS)",
        "SELECT row_number() OVER () FROM EVENTS",
        "SELECT frobnicate(eventName) FROM EVENTS",
        "SELECT eventName FROM EVENTS WHERE count(*) > 1",
        "SELECT eventName FROM EVENTS LIMIT x",
        "SELECT eventName FROM EVENTS UNION SELECT eventName FROM EVENTS",
        "WITH a AS (SELECT 1) SELECT eventName FROM EVENTS",
    ] {
        assert!(parse(&query.replace("EVENTS", ID), now()).is_err(), "{query}");
    }
    let deep = format!("SELECT {}1{} FROM {ID}", "(".repeat(5000), ")".repeat(5000));
    assert!(parse(&deep, now()).is_err());
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
    let large = "x".repeat(1_000_000);
    for query in [
        "SELECT * FROM EVENTS",
        "SELECT errorMessage FROM EVENTS ORDER BY eventName",
        "SELECT count(*) FROM EVENTS GROUP BY errorMessage",
        "SELECT count(DISTINCT errorMessage) FROM EVENTS",
        "SELECT eventName, max(errorMessage) FROM EVENTS GROUP BY eventName",
    ] {
        let mut run = Run::new(parse(&query.replace("EVENTS", ID), now()).unwrap());
        let take = |n: usize| {
            let event = json!({ "eventName": format!("{n}"), "errorMessage": format!("{n}{large}") });
            run.take(&event)
        };
        let ended = (0..300).try_for_each(take);
        assert!(ended.as_ref().is_err_and(|error| error.contains("bytes")), "{query}: {ended:?}");
    }
}
