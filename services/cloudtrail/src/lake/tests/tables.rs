//! Queries of several tables, windows, groups, functions, and the samples of AWS.

use super::super::{SAMPLES, parse};
use super::{ID, events, now, outcome, run, text};

#[test]
fn queries_of_several_tables() {
    for (query, expected) in [
        (
            "SELECT a.eventName, b.eventName FROM EVENTS a LEFT JOIN OTHERS b ON a.eventID = b.eventID ORDER BY a.eventID",
            vec![
                "CreateUser|-",
                "GetUser|-",
                "CreateQueue|-",
                "CreateUser|CreateUser",
                "DeleteUser|DeleteUser",
            ],
        ),
        (
            "SELECT a.eventID, b.eventID FROM EVENTS a RIGHT JOIN OTHERS b ON a.eventID = b.eventID ORDER BY 2",
            vec!["e4|e4", "e5|e5", "-|e6"],
        ),
        (
            "SELECT count(*), count(a.eventID), count(b.eventID) FROM EVENTS a FULL OUTER JOIN OTHERS b ON a.eventID = b.eventID",
            vec!["6|5|3"],
        ),
        (
            "SELECT eventID, a.eventName FROM EVENTS a INNER JOIN OTHERS b USING (eventID) WHERE b.eventName LIKE 'D%'",
            vec!["e5|DeleteUser"],
        ),
        (
            "SELECT eventID FROM EVENTS a FULL JOIN OTHERS b USING (eventID) ORDER BY 1 DESC LIMIT 1",
            vec!["e6"],
        ),
        (
            "SELECT a.eventID FROM EVENTS a JOIN OTHERS b ON a.eventID = b.eventID AND a.eventTime < b.eventTime",
            vec![],
        ),
        (
            "SELECT eventID FROM ((SELECT eventID FROM EVENTS ORDER BY 1 LIMIT 1) UNION ALL (SELECT eventID FROM OTHERS ORDER BY 1 LIMIT 1)) LIMIT 1",
            vec!["e1"],
        ),
        ("SELECT count(*) FROM EVENTS a, OTHERS b", vec!["15"]),
        (
            "SELECT b.eventID FROM EVENTS a, OTHERS b WHERE a.eventID = b.eventID AND a.eventName = 'DeleteUser'",
            vec!["e5"],
        ),
        ("SELECT count(*) FROM EVENTS a JOIN OTHERS b ON a.eventTime < b.eventTime", vec!["12"]),
        (
            "SELECT x.eventID FROM EVENTS x JOIN (EVENTS y JOIN OTHERS z ON y.eventID = z.eventID) ON x.eventID = y.eventID ORDER BY 1",
            vec!["e4", "e5"],
        ),
        (
            "SELECT eventID FROM EVENTS INTERSECT SELECT eventID FROM OTHERS ORDER BY eventID",
            vec!["e4", "e5"],
        ),
        ("SELECT eventID FROM OTHERS EXCEPT SELECT eventID FROM EVENTS", vec!["e6"]),
        (
            "SELECT eventName FROM EVENTS UNION SELECT eventName FROM OTHERS ORDER BY eventName DESC LIMIT 2",
            vec!["TagUser", "GetUser"],
        ),
        ("SELECT count(*) FROM (SELECT eventID FROM EVENTS UNION ALL SELECT eventID FROM OTHERS)", vec!["8"]),
        (
            "SELECT eventID FROM EVENTS WHERE eventID = 'e1' UNION SELECT eventID FROM OTHERS INTERSECT SELECT eventID FROM EVENTS ORDER BY 1",
            vec!["e1", "e4", "e5"],
        ),
        (
            "WITH users AS (SELECT userIdentity.userName AS who, eventID FROM EVENTS), most AS (SELECT who, count(*) AS n FROM users GROUP BY who) SELECT who, n FROM most WHERE n > 2",
            vec!["ann|3"],
        ),
        (
            "WITH t(a, b) AS (SELECT eventName, eventID FROM EVENTS) SELECT b FROM t WHERE a = 'GetUser'",
            vec!["e2"],
        ),
        (
            "SELECT eventID FROM EVENTS WHERE eventID IN (SELECT eventID FROM OTHERS) ORDER BY 1",
            vec!["e4", "e5"],
        ),
        ("SELECT eventID FROM OTHERS WHERE eventID NOT IN (SELECT eventID FROM EVENTS)", vec!["e6"]),
        ("SELECT eventID FROM EVENTS WHERE errorCode NOT IN (SELECT errorCode FROM EVENTS)", vec![]),
        ("SELECT eventID FROM EVENTS WHERE eventTime = (SELECT max(eventTime) FROM EVENTS)", vec!["e5"]),
        (
            "SELECT eventID, (SELECT count(*) FROM EVENTS b WHERE b.userIdentity.userName = a.userIdentity.userName) FROM EVENTS a ORDER BY 1",
            vec!["e1|3", "e2|3", "e3|2", "e4|2", "e5|3"],
        ),
        (
            "SELECT eventID, (SELECT count(*) FROM EVENTS b WHERE b.eventID = a.eventID) FROM OTHERS a ORDER BY 1",
            vec!["e4|1", "e5|1", "e6|0"],
        ),
        (
            "SELECT eventID FROM EVENTS a WHERE EXISTS (SELECT 1 FROM OTHERS b WHERE b.eventID = a.eventID) ORDER BY 1",
            vec!["e4", "e5"],
        ),
        (
            "SELECT eventID FROM EVENTS a WHERE NOT EXISTS (SELECT 1 FROM EVENTS b WHERE b.userIdentity.userName = a.userIdentity.userName AND b.eventTime > a.eventTime) ORDER BY 1",
            vec!["e4", "e5"],
        ),
        (
            "SELECT eventID FROM EVENTS a WHERE eventName IN (SELECT eventName FROM EVENTS b WHERE b.userIdentity.userName <> a.userIdentity.userName) ORDER BY 1",
            vec!["e1", "e4"],
        ),
        (
            "SELECT x, y FROM EVENTS CROSS JOIN (VALUES (1, 'a'), (2, 'b')) AS t(x, y) WHERE eventID = 'e1'",
            vec!["1|a", "2|b"],
        ),
        (
            "SELECT r.type, r.arn FROM EVENTS CROSS JOIN UNNEST(resources) AS r WHERE eventID = 'e3'",
            vec!["AWS::IAM::User|arn:3"],
        ),
        ("SELECT r.arn FROM EVENTS CROSS JOIN UNNEST(resources) AS t(r) WHERE eventID = 'e3'", vec!["arn:3"]),
        (
            "SELECT k, v FROM EVENTS CROSS JOIN UNNEST(requestParameters) AS t(k, v) WHERE eventID = 'e3' ORDER BY k",
            vec!["n|3", "userName|target3"],
        ),
        (
            "SELECT x, n FROM EVENTS CROSS JOIN UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, n) WHERE eventID = 'e3'",
            vec!["a|1", "b|2"],
        ),
        (
            "SELECT eventID, r.arn FROM OTHERS LEFT JOIN UNNEST(resources) AS r ON true ORDER BY 1",
            vec!["e4|arn:4", "e5|arn:5", "e6|-"],
        ),
    ] {
        assert_eq!(run(query), expected, "{query}");
    }
}

#[test]
fn windows_and_groups() {
    for (query, expected) in [
        (
            "SELECT eventID, row_number() OVER (PARTITION BY userIdentity.userName ORDER BY eventTime DESC) AS n FROM EVENTS ORDER BY 1",
            vec!["e1|3", "e2|2", "e3|2", "e4|1", "e5|1"],
        ),
        (
            "SELECT eventID, rank() OVER (ORDER BY eventName), dense_rank() OVER (ORDER BY eventName), percent_rank() OVER (ORDER BY eventName), cume_dist() OVER (ORDER BY eventName), ntile(2) OVER (ORDER BY eventName) FROM EVENTS ORDER BY eventName, 1",
            vec![
                "e3|1|1|0|0.2|1",
                "e1|2|2|0.25|0.6|1",
                "e4|2|2|0.25|0.6|1",
                "e5|4|3|0.75|0.8|2",
                "e2|5|4|1|1|2",
            ],
        ),
        (
            "SELECT eventID, lag(eventID) OVER (ORDER BY eventTime), lead(eventID, 2, 'none') OVER (ORDER BY eventTime) FROM EVENTS ORDER BY 1",
            vec!["e1|-|e3", "e2|e1|e4", "e3|e2|e5", "e4|e3|none", "e5|e4|none"],
        ),
        (
            "SELECT eventID, sum(1) OVER (ORDER BY eventTime), count(*) OVER (), avg(day(eventTime)) OVER (ORDER BY eventTime ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM EVENTS ORDER BY 1",
            vec!["e1|1|5|1.5", "e2|2|5|2", "e3|3|5|3", "e4|4|5|4", "e5|5|5|4.5"],
        ),
        (
            "SELECT eventID, first_value(eventID) OVER w2, 1 FROM (SELECT eventID, first_value(eventID) OVER (ORDER BY eventTime DESC) AS w2 FROM EVENTS) t(eventID, w2)",
            vec![],
        ),
        (
            "SELECT userIdentity.userName, count(*), rank() OVER (ORDER BY count(*) DESC) FROM EVENTS GROUP BY userIdentity.userName ORDER BY 3",
            vec!["ann|3|1", "bob|2|2"],
        ),
        (
            "SELECT eventID FROM (SELECT eventID, rank() OVER (PARTITION BY eventName ORDER BY eventTime DESC) AS rnk FROM EVENTS) WHERE rnk = 1 ORDER BY 1",
            vec!["e2", "e3", "e4", "e5"],
        ),
        (
            "SELECT last_value(eventID) OVER (ORDER BY eventTime ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), nth_value(eventID, 2) OVER (ORDER BY eventTime) FROM EVENTS ORDER BY eventTime LIMIT 2",
            vec!["e5|-", "e5|e2"],
        ),
        (
            "SELECT eventSource, readOnly, count(*) FROM EVENTS GROUP BY ROLLUP (eventSource, readOnly) ORDER BY 1, 2",
            vec![
                "iam.amazonaws.com|false|3",
                "iam.amazonaws.com|true|1",
                "iam.amazonaws.com|-|4",
                "sqs.amazonaws.com|false|1",
                "sqs.amazonaws.com|-|1",
                "-|-|5",
            ],
        ),
        (
            "SELECT eventSource, count(*) FROM EVENTS GROUP BY GROUPING SETS ((eventSource), ()) ORDER BY 2",
            vec!["sqs.amazonaws.com|1", "iam.amazonaws.com|4", "-|5"],
        ),
        (
            "SELECT count(*) FILTER (WHERE errorCode IS NOT NULL), count_if(readOnly), bool_or(readOnly), every(readOnly), max_by(eventID, eventTime), min_by(eventID, eventTime) FROM EVENTS",
            vec!["2|1|true|false|e5|e1"],
        ),
        (
            "SELECT array_agg(eventID ORDER BY eventTime DESC), array_join(array_agg(DISTINCT eventSource ORDER BY eventSource), ',') FROM EVENTS",
            vec![r#"["e5","e4","e3","e2","e1"]|iam.amazonaws.com,sqs.amazonaws.com"#],
        ),
        (
            "SELECT map_agg(eventID, eventName)['e3'], histogram(eventSource)['iam.amazonaws.com'], approx_percentile(day(eventTime), 0.5), listagg(eventID, '+') WITHIN GROUP (ORDER BY eventID) FROM EVENTS",
            vec!["CreateQueue|4|3|e1+e2+e3+e4+e5"],
        ),
        (
            "SELECT stddev_pop(day(eventTime)) * stddev_pop(day(eventTime)), var_samp(day(eventTime)), geometric_mean(4) FROM EVENTS",
            vec!["2.0000000000000004|2.5|4"],
        ),
        ("SELECT sum(DISTINCT year(eventTime)), count(DISTINCT eventName) FROM EVENTS", vec!["2026|4"]),
        (
            "SELECT year(eventTime) * 100 + month(eventTime), count(*) FROM EVENTS GROUP BY year(eventTime) * 100 + month(eventTime)",
            vec!["202601|5"],
        ),
        ("SELECT userIdentity.userName FROM EVENTS GROUP BY userIdentity ORDER BY 1", vec!["ann", "bob"]),
        (
            "SELECT eventID FROM EVENTS ORDER BY errorCode DESC, eventID DESC",
            vec!["e4", "e2", "e5", "e3", "e1"],
        ),
        (
            "SELECT eventID FROM EVENTS ORDER BY errorCode NULLS FIRST, eventID",
            vec!["e1", "e3", "e5", "e2", "e4"],
        ),
        (
            "SELECT eventID FROM EVENTS ORDER BY eventID OFFSET 1 ROWS FETCH FIRST 2 ROWS ONLY",
            vec!["e2", "e3"],
        ),
    ] {
        if expected.is_empty() {
            assert!(parse(&text(query), now()).is_err(), "{query}");
            continue;
        }
        assert_eq!(run(query), expected, "{query}");
    }
}

#[test]
fn functions() {
    for (expr, expected) in [
        ("json_extract_scalar('{\"a\": [{\"b c\": 7}]}', '$.a[0][\"b c\"]')", "7"),
        (
            "cast(json_extract(json_parse('{\"a\": {\"x\": \"y\"}}'), '$.a') AS map(varchar, varchar))['x']",
            "y",
        ),
        ("json_extract('{\"a\": \"b\"}', '$.a')", "\"b\""),
        ("cast(json_extract('{\"a\": \"b\"}', '$.a') AS varchar)", "b"),
        ("json_array_length('[1, 2]')", "2"),
        ("json_array_get('[1, 2]', -1)", "2"),
        ("json_format(cast(map(ARRAY['a'], ARRAY[1]) AS json))", "{\"a\":1}"),
        ("json_size('{\"a\": {\"b\": 1}}', '$.a')", "1"),
        ("json_extract_scalar(eventJson, '$.requestParameters.userName')", "target1"),
        ("length(eventJsonChecksum)", "64"),
        ("regexp_extract('a-12-b', '([a-z])-(\\d+)', 2)", "12"),
        ("regexp_extract_all('a1b22', '\\d+')", "[\"1\",\"22\"]"),
        ("regexp_replace('StackSet-x-1', '^StackSet-|(-\\d+)$')", "x"),
        ("regexp_replace('ab', '(a)(b)', '$2$1!\\$')", "ba!$"),
        ("regexp_split('a1b2c', '\\d')", "[\"a\",\"b\",\"c\"]"),
        ("regexp_count('a1b2', '\\d')", "2"),
        ("regexp_position('a1b2', '\\d')", "2"),
        ("url_extract_host('https://u@example.com:8080/a/b?x=1&y=a%20b#f')", "example.com"),
        ("url_extract_port('https://u@example.com:8080/a/b?x=1&y=a%20b#f')", "8080"),
        ("url_extract_path('https://example.com/a/b?x=1')", "/a/b"),
        ("url_extract_parameter('https://example.com/a/b?x=1&y=a%20b#f', 'y')", "a b"),
        ("url_decode(url_encode('a b/c'))", "a b/c"),
        (
            "date_format(TIMESTAMP '2026-01-02 03:04:05', '%Y-%m-%d %H:%i:%s %W %M %j')",
            "2026-01-02 03:04:05 Friday January 002",
        ),
        ("date_parse('02/Jan/2026 13:04', '%d/%b/%Y %H:%i')", "2026-01-02 13:04:00.000"),
        (
            "format_datetime(TIMESTAMP '2026-01-02 13:04:05', 'yyyy-MM-dd hh:mm a EEE')",
            "2026-01-02 01:04 PM Fri",
        ),
        ("parse_datetime('2026-01-02T13', 'yyyy-MM-dd''T''HH')", "2026-01-02 13:00:00.000"),
        ("date(TIMESTAMP '2026-01-02 13:04:05')", "2026-01-02"),
        ("DATE '2026-03-01' - INTERVAL '1' DAY", "2026-02-28"),
        ("date_trunc('week', TIMESTAMP '2026-01-02 13:04:05')", "2025-12-29 00:00:00.000"),
        ("date_trunc('quarter', TIMESTAMP '2026-05-02 13:04:05')", "2026-04-01 00:00:00.000"),
        (
            "week(TIMESTAMP '2027-01-01 00:00:00') * 10000 + year_of_week(TIMESTAMP '2027-01-01 00:00:00')",
            "532026",
        ),
        (
            "extract(quarter FROM TIMESTAMP '2026-05-02 13:04:05') * 1000 + day_of_year(DATE '2026-12-31')",
            "2365",
        ),
        ("last_day_of_month(DATE '2028-02-03')", "2028-02-29"),
        ("eventTime AT TIME ZONE 'UTC'", "2026-01-01 10:00:00.000"),
        ("element_at(map(ARRAY['a', 'b'], ARRAY[1, 2]), 'b')", "2"),
        ("array_sort(map_keys(requestParameters))", "[\"n\",\"userName\"]"),
        ("map_values(map_filter(requestParameters, (k, v) -> k = 'n'))", "[\"1\"]"),
        ("transform_values(map(ARRAY['a'], ARRAY[1]), (k, v) -> k || cast(v AS varchar))", "{\"a\":\"a1\"}"),
        ("transform_keys(map(ARRAY['a'], ARRAY[1]), (k, v) -> upper(k))", "{\"A\":1}"),
        ("map_concat(map(ARRAY['a'], ARRAY[1]), map(ARRAY['a'], ARRAY[2]))", "{\"a\":2}"),
        ("split_to_map('a=1;b=2', ';', '=')['b']", "2"),
        ("transform(ARRAY[1, 2], x -> x * 2)", "[2,4]"),
        ("filter(ARRAY[1, 2, 3], x -> x > 1)", "[2,3]"),
        ("reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s * 10)", "60"),
        ("any_match(resources, r -> r.type = 'AWS::IAM::User')", "true"),
        ("zip_with(ARRAY[1, 2], ARRAY[3, 4], (x, y) -> x * y)", "[3,8]"),
        ("transform(ARRAY[1, 2], x -> transform(ARRAY[10], y -> x + y))", "[[11],[12]]"),
        ("array_sort(array_union(ARRAY[3, 1], ARRAY[2, 1]))", "[1,2,3]"),
        ("array_intersect(ARRAY[1, 2], ARRAY[2, 3])", "[2]"),
        ("array_except(ARRAY[1, 2], ARRAY[2, 3])", "[1]"),
        ("arrays_overlap(ARRAY[1, 2], ARRAY[2, 3])", "true"),
        ("array_max(ARRAY[1, 3, 2]) + array_min(ARRAY[1, 3, 2]) + array_position(ARRAY[1, 3, 2], 2)", "7"),
        ("flatten(ARRAY[ARRAY[1], ARRAY[2]])", "[1,2]"),
        ("slice(sequence(1, 10, 3), 2, 2)", "[4,7]"),
        ("contains(split('a,b', ','), 'b')", "true"),
        ("cardinality(repeat('x', 3))", "3"),
        ("ARRAY[1] || ARRAY[2]", "[1,2]"),
        ("'a' IS DISTINCT FROM NULL", "true"),
        ("NULL IS NOT DISTINCT FROM errorCode", "true"),
        ("'50%' LIKE '50!%' ESCAPE '!'", "true"),
        ("greatest(1, 2) = 2 AND least(1, 2) = 1", "true"),
        ("if(readOnly, 'r', 'w') || try(cast('x' AS varchar))", "wx"),
        ("try_cast('x' AS bigint)", "-"),
        ("lpad('7', 3, '0') || rpad('7', 3, 'x') || reverse('ab')", "0077xxba"),
        ("translate('abc', 'ab', 'x')", "xc"),
        ("levenshtein_distance('kitten', 'sitting')", "3"),
        ("position('b' IN 'ab') + strpos('a,b,c', ',', 2) + codepoint('a')", "103"),
        ("concat_ws('-', 'a', NULL, 'b')", "a-b"),
        ("round(2.567, 2) + floor(1.5) + ceil(1.2) + sign(-3) + mod(7, 4) + power(2, 3)", "15.57"),
        ("(1 = 1) IS TRUE AND NOT (errorCode = 'x') IS TRUE", "true"),
        ("CASE eventName WHEN 'CreateUser' THEN 1 ELSE 2 END", "1"),
        ("ltrim('  a') || substring('abc' FROM 2 FOR 1)", "ab"),
        ("eventTime BETWEEN '2026-01-01' AND '2026-01-02' AND eventName NOT IN ('a')", "true"),
    ] {
        assert_eq!(run(&format!("SELECT {expr} FROM EVENTS LIMIT 1")), [expected], "{expr}");
    }
}

/// The queries of AWS's pages and of its collection of samples, in what they are made of.
#[test]
fn samples_of_aws_start() {
    for query in [
        "Select eventId, eventName from EVENTS UNION Select eventId, eventName from OTHERS UNION ALL Select eventId, eventName from EVENTS ORDER BY eventId LIMIT 10;",
        "SELECT edsA.eventName, edsB.eventName, element_at(edsA.requestParameters, 'test') FROM EVENTS as edsA LEFT JOIN OTHERS as edsB ON edsA.eventId = edsB.eventId WHERE edsA.eventtime <= '2020-01-01' ORDER BY edsB.eventName;",
        "/* who */ SELECT userIdentity.principalid, eventName FROM EVENTS WHERE responseElements IS NOT NULL AND element_at(responseElements, 'instancesSet') like '%\"instanceId\":\"i-1\"%' -- by whom\n AND eventName='RunInstances'",
        "SELECT eventid FROM EVENTS WHERE errorcode IS NULL and userIdentity.sessioncontext.sessionissuer.arn = element_at(resources,1\n    ).arn",
        "SELECT day_of_week(eventTime\n ) as weekday,  COUNT(*\n ) as eventCount FROM EVENTS WHERE eventCategory = 'Data' GROUP\n BY day_of_week(eventTime\n )ORDER BY day_of_week(eventTime\n )",
        "SELECT element_at(requestParameters, 'bucketName') as bucketName, COUNT(*) as requestCount FROM EVENTS GROUP BY requestParameters ORDER BY requestCount DESC LIMIT 20;",
        "SELECT json_extract_scalar(eventjson, '$.requestParameters.resourcesSet.items[0].resourceId') as resourceId, json_extract_scalar(eventjson, '$.requestParameters.tagSet.items[0].key') as key FROM EVENTS where eventName in ('CreateTags','DeleteTags')order by resourceId,key,eventTime desc",
        "SELECT eventName, json_extract_scalar(element_at(requestParameters, 'ModifySecurityGroupRulesRequest'), '$.GroupId') securityGroup FROM EVENTS UNION ALL SELECT eventName, element_at(requestParameters, 'groupId') AS securityGroup FROM EVENTS ORDER\n BY securityGroup DESC",
        "SELECT element_at(requestParameters, 'stackSetName') FROM EVENTS WHERE eventName LIKE '%StackSet' AND element_at(requestParameters, 'stackSetName') IN (SELECT regexp_replace(element_at(requestParameters, 'stackName'), '^StackSet-|(-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})$') AS stackName FROM EVENTS WHERE eventName LIKE '%Stack' AND userIdentity.principalId IN (SELECT userIdentity.principalid FROM EVENTS WHERE eventID = 'x'))",
        "SELECT transform(filter(items, PatchItem -> cast(json_extract(PatchItem, '$.PatchState') as varchar) = 'Installed'), FoundItem -> json_extract(FoundItem, '$.Id')) as Installed FROM (SELECT map_values(cast(json_extract(json_parse(eventJson), '$.requestParameters.Content.Patch') as map(varchar, json))) as items, rank() over (partition by replace(eventName, 'AWS::SSM::ManagedInstanceInventory/') order by eventTime desc) as rnk FROM EVENTS) where rnk = 1",
        "SELECT userIdentity.sessionContext.webidfederationData.attributes, tlsDetails.tlsVersion, eventJson, eventJsonChecksum FROM EVENTS WHERE eventTime >= '2026-01-01'",
        "SELECT COUNT(*) AS TotalEvents, useridentity.arn FROM EVENTS WHERE eventTime > date_add('week', -1, now()) GROUP BY useridentity.arn ORDER BY TotalEvents DESC",
        "SELECT eventSource, COUNT(*) AS apiCount FROM EVENTS WHERE eventTime > '2023-01-01 00:00:00' AND eventTime < '2099-01-07 00:00:00' GROUP BY eventSource ORDER BY apiCount DESC LIMIT 10",
    ] {
        outcome(query, events()).unwrap_or_else(|error| panic!("{query}: {error}"));
    }
    for sample in SAMPLES {
        let query = sample.sql.replace("$EDS_ID", ID);
        outcome(&query, events()).unwrap_or_else(|error| panic!("{query}: {error}"));
    }
}
