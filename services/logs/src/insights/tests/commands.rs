//! The commands of the guide that are not in the first table, each with the guide's example and with what it says.

use super::{compiled, found};

/// Rows of `ROWS`, joined.
fn rows(query: &str, messages: &[&str]) -> String {
    found(query, messages, &[]).join("; ")
}

#[test]
fn totals_and_runs_of_rows() {
    let numbers = [r#"{"a":1,"b":10,"t":"x"}"#, r#"{"a":2,"b":20}"#, r#"{"a":3}"#];
    let cases: &[(&str, &str)] = &[
        ("fields a, b | addtotals", "a=3 Total=3; a=2 b=20 Total=22; a=1 b=10 Total=11"),
        ("fields a, b, t | addtotals a", "a=3 Total=3; a=2 b=20 Total=2; a=1 b=10 t=x Total=1"),
        ("fields a | addtotals fieldname=RowSum", "a=3 RowSum=3; a=2 RowSum=2; a=1 RowSum=1"),
        ("fields a | addtotals col=true a", "a=3 Total=3; a=2 Total=2; a=1 Total=1; a=6 Total=6"),
        ("fields a, b | addtotals row=false col=true", "a=3; a=2 b=20; a=1 b=10; a=6 b=30"),
        (
            "stats sum(a) as s, sum(b) as u by t | sort t asc | addtotals col=true",
            "s=5 u=20 Total=25; t=x s=1 u=10 Total=11; s=6 u=30 Total=36",
        ),
        ("display @timestamp, a | addtotals | display Total", "Total=3; Total=2; Total=1"),
        ("fields a | accum a AS sum", "a=3 sum=3; a=2 sum=5; a=1 sum=6"),
        ("fields a | sort a asc | accum a", "a=1; a=3; a=6"),
        ("fields b | sort a asc | accum b as c", "b=10 c=10; b=20 c=30; "),
        ("fields a | sort a asc | autoregress a p=1-2", "a=1; a=2 a_p1=1; a=3 a_p1=2 a_p2=1"),
        ("fields a | sort a asc | autoregress a", "a=1; a=2 a_p1=1; a=3 a_p1=2"),
        ("fields a | sort a asc | autoregress a AS before p=2", "a=1; a=2; a=3 before=1"),
        ("fields a, b | sort a asc | filldown", "a=1 b=10; a=2 b=20; a=3 b=20"),
        ("fields a, b, t | sort a asc | filldown b", "a=1 b=10 t=x; a=2 b=20; a=3 b=20"),
        ("fields a, b, t | sort a asc | filldown t b*", "a=1 b=10 t=x; a=2 b=20 t=x; a=3 b=20 t=x"),
        ("fields a, b | where a > 1 and @message like /b/", "a=2 b=20"),
        ("fields a | limit any 1", "a=3"),
        ("fields a | sort a asc | limit any 2", "a=1; a=2"),
    ];
    for (query, expected) in cases {
        assert_eq!(rows(query, &numbers), *expected, "{query}");
    }
    // The guide's own.
    for query in [
        "fields price, tax, qty | addtotals price, tax",
        "fields val | addtotals fieldname=RowSum",
        "fields x | addtotals col=true x",
        "fields @timestamp, bytes | accum bytes AS totalBytes",
        "fields @timestamp, bytes | autoregress bytes p=1-4",
        "fields @timestamp, host, cpu_user, cpu_system | filldown host cpu*",
        "fields @timestamp, @message | where @message like /error/",
        "SOURCE lg start=-1d end=now | logcompare timeshift 7d",
    ] {
        compiled(query);
    }
}

#[test]
fn bins_that_are_missing() {
    let at = |minute: usize, latency: u32| -> Vec<String> {
        (0..10)
            .map(|i| if i == minute { format!("{{\"latency\":{latency},\"h\":\"a\"}}") } else { "-".into() })
            .collect()
    };
    let mut messages = at(1, 20);
    messages[4] = r#"{"latency":40,"h":"b"}"#.into();
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    let query = "filter ispresent(latency) | stats avg(latency) as avg_latency by bin(1m) | fillmissing with 0 for avg_latency";
    let found_rows: Vec<String> =
        found(query, &messages, &[]).iter().map(|row| row.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(found_rows, ["avg_latency=40", "avg_latency=0", "avg_latency=0", "avg_latency=20"]);
    let by_host = "filter ispresent(latency) | stats sum(latency) as s by bin(1m) as b, h | fillmissing with -1 for s | sort b asc, h asc | display h, s";
    assert_eq!(
        rows(by_host, &messages),
        "h=a s=20; h=b s=-1; h=a s=-1; h=b s=-1; h=a s=-1; h=b s=-1; h=a s=-1; h=b s=40"
    );
    assert_eq!(
        rows("filter ispresent(latency) | stats count(*) as n by bin(5m) offset 1h", &messages),
        "bin(5m)=2023-11-14 23:15:00.000 n=1; bin(5m)=2023-11-14 23:10:00.000 n=1"
    );
}

#[test]
fn outliers_sessions_and_frequent_values() {
    let values: Vec<String> =
        [10, 11, 12, 13, 14, 15, 16, 500, -400].map(|n| format!("{{\"cpu\":{n}}}")).to_vec();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    for (query, expected) in [
        (
            "fields cpu | outlier action=remove cpu | stats max(cpu) as m, min(cpu) as l, count(*) as n",
            "m=16 l=-400 n=8",
        ),
        (
            "fields cpu | outlier action=remove param=3.0 uselower=true mark=true cpu | stats max(cpu) as m, min(cpu) as l, sum(cpu_outlier) as o",
            "m=16 l=10",
        ),
        ("fields cpu | outlier cpu | stats max(cpu) as m", "m=25"),
        (
            "fields cpu | outlier mark=true uselower=true param=0.5 cpu | filter cpu_outlier | stats count(*) as n",
            "n=2",
        ),
        (
            "fields cpu | outlier mark=true cpu memory | filter cpu = 12 | display cpu_outlier",
            "cpu_outlier=0",
        ),
    ] {
        assert_eq!(rows(query, &values), expected, "{query}");
    }
    let clicks = [
        r#"{"userId":"ann","deviceId":1}"#,
        r#"{"userId":"bob","deviceId":1}"#,
        r#"{"userId":"ann","deviceId":1}"#,
        r#"{"userId":"ann","deviceId":2}"#,
        "-",
        "-",
        r#"{"userId":"ann","deviceId":1}"#,
    ];
    for (query, sessions) in [
        (
            "filter ispresent(userId) | sessionize userId, deviceId maxspan 1h as my_session | stats count_distinct(my_session) as n",
            "n=3",
        ),
        (
            "filter ispresent(userId) | sessionize userId, deviceId maxspan 3m as my_session | stats count_distinct(my_session) as n",
            "n=4",
        ),
        (
            "filter ispresent(userId) | sessionize userId maxspan 3m | stats count_distinct(session_id) as n",
            "n=2",
        ),
        ("filter ispresent(userId) | sessionize userId | stats count_distinct(session_id) as n", "n=2"),
    ] {
        assert_eq!(rows(query, &clicks), sessions, "{query}");
    }
    compiled("fields @timestamp, userId, deviceId | sessionize userId, deviceId maxspan 1h as my_session");
    compiled(
        "fields @timestamp, cpu, memory | outlier action=remove param=3.0 uselower=true mark=true cpu memory",
    );
    let calls = [
        r#"{"method":"GET","status":200}"#,
        r#"{"method":"PUT","status":200}"#,
        r#"{"method":"GET","status":200}"#,
    ];
    assert_eq!(
        rows("fields method, status | countFrequent method, status", &calls),
        "method=GET status=200 _approxcount=2; method=PUT status=200 _approxcount=1"
    );
    assert_eq!(rows("count_frequent method | limit 1", &calls), "method=GET _approxcount=2");
}

#[test]
fn parse_has_four_modes() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "parse @message /(\\d+\\.\\d+\\.\\d+\\.\\d+)/ as ip_addr multi | stats count(*) as n by ip_addr | sort ip_addr asc",
            "from 10.0.0.1 to 10.0.0.2 by 10.0.0.1",
            "ip_addr=10.0.0.1 n=2; ip_addr=10.0.0.2 n=1",
        ),
        ("parse @message /x=(?<x>\\d)/ multi | display x", "x=1 x=2", "x=1; x=2"),
        ("parse @message /x=(?<x>\\d)/ multi | display @message", "none", "@message=none"),
        (
            "parse @message logfmt as lf | filter lf.level = \"error\" | display lf.msg, lf.duration",
            "level=error msg=\"no \\\"room\\\"\" duration=12ms flag",
            "lf.msg=no \"room\" lf.duration=12ms",
        ),
        ("parse @message logfmt as lf | stats count(*) as n by lf.host", "host=a", "lf.host=a n=1"),
        ("parse logfmt as lf | display lf.a, lf.flag", "a=1 flag", "lf.a=1 lf.flag=1"),
        (
            "parse @message csv as timestamp, level, message | filter level = \"ERROR\" | display timestamp, message",
            "12:00,ERROR,\"no, room\"",
            "timestamp=12:00 message=no, room",
        ),
        (
            "parse @message csv as host, method, path, status, duration | stats avg(duration) as d by method",
            "h,GET,/,200,12",
            "method=GET d=12",
        ),
        ("parse csv as a, b | display a, b", "1,2", "a=1 b=2"),
        (
            "parse @message /(?<payload>\\{.*\\})/ as payload | json field=payload \"user.name\" as username | display username",
            "got {\"user\":{\"name\":\"ann\"}} now",
            "username=ann",
        ),
        (
            "json field=requestContext \"identity.sourceIp\" as caller_ip | stats count(*) as n by caller_ip",
            "{\"requestContext\":{\"identity\":{\"sourceIp\":\"1.2.3.4\"}}}",
            "caller_ip=1.2.3.4 n=1",
        ),
        (
            "parse @message \"url=*\" as url | parse url \"/api/*/users/*\" as apiVersion, userId | display apiVersion, userId",
            "url=/api/v1/users/7",
            "apiVersion=v1 userId=7",
        ),
        (
            "parse @message \"url=*\" as url | parse url /users.(?<id>\\d+)/ | display id",
            "url=/api/v1/users/7",
            "id=7",
        ),
        (
            "parse @logStream \"*e*m\" as env, rest | stats count(*) as n by env, rest",
            "-",
            "env=str rest=a n=1",
        ),
        (
            "parse @message \"user=*, method:*, latency := *\" as @user,\n @method, @latency | stats avg(@latency) by @method, @user",
            "user=ann, method:GET, latency := 12",
            "@method=GET @user=ann avg(@latency)=12",
        ),
        (
            "parse @message /(?<NetworkInterface>eni-.*?) /\n| display NetworkInterface",
            "2 eni-1a 5",
            "NetworkInterface=eni-1a",
        ),
        (
            "expand items | stats count(*) as n by items, host | sort items asc",
            r#"{"items":["apple","banana","cherry"],"host":"web-01"}"#,
            "items=apple host=web-01 n=1; items=banana host=web-01 n=1; items=cherry host=web-01 n=1",
        ),
        ("expand items | display items.k", r#"{"items":[{"k":1},{"k":2}]}"#, "items.k=1; items.k=2"),
        ("expand items | display host", r#"{"host":"a"}"#, "host=a"),
    ];
    for (query, message, expected) in cases {
        assert_eq!(rows(query, &[message]), *expected, "{query}");
    }
}

#[test]
fn series_of_numbers() {
    let bytes: Vec<String> = (0..5).map(|i| format!("{{\"bytes\":{},\"latency\":{}}}", i * 60, i)).collect();
    let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
    for (query, expected) in [
        ("stats rate(bytes, 1m) as r", "r=60"),
        ("stats rate(bytes, 1s) as r", "r=1"),
        (
            "stats countOverTime(bytes) as c, sumOverTime(latency) as s by bin(1h)",
            "bin(1h)=2023-11-14 22:00:00.000 c=5 s=10",
        ),
        ("stats histogram(latency, 2) as h", r#"h={"0-2":2,"2-4":3}"#),
        ("filter latency = 1 | stats histogram(latency, 4) as h", r#"h={"1-1":1}"#),
        ("filter latency = 1 | stats rate(latency, 1s) as r", ""),
    ] {
        assert_eq!(rows(query, &bytes), expected, "{query}");
    }
    compiled("stats avg(latency) by bin(1m) offset 1d");
}

#[test]
fn fields_that_tell_slow_calls_from_others() {
    let mut messages = Vec::new();
    for i in 0..40 {
        let slow = i % 4 == 0;
        messages.push(format!(
            r#"{{"Time":{},"Path":"{}","Service":"web","Size":{}}}"#,
            if slow { 900 + i } else { 10 + i },
            if slow { "/report" } else { "/home" },
            if slow { 5000 + i } else { i }
        ));
    }
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    let found_rows = found("relevantfields where Time > 400", &messages, &[]);
    assert_eq!(
        found_rows[0],
        "@fieldName=Path @relevanceScore=1 @topRelevanceContributors=/home (-100.0%), /report (+100.0%)"
    );
    assert_eq!(found_rows[1], "@fieldName=Size @relevanceScore=1 @conditionalMedian=5018 @baselineMedian=20");
    assert!(found_rows.contains(&"@fieldName=Service @relevanceScore=0".to_owned()), "{found_rows:?}");
    assert!(!found_rows.iter().any(|row| row.contains("=Time ")), "{found_rows:?}");
    assert_eq!(found("relevantfields Controller, Path, Service where Time > 400", &messages, &[]).len(), 2);
    assert_eq!(
        found("relevantfields where Time > 5000", &messages, &[])[0].split(' ').nth(1),
        Some("@relevanceScore=0")
    );
}

/// So many messages of each, spread over the ten minutes of the query; `late` come in the last one.
fn over_time(usual: &[&str], times: usize, late: &[&str], late_times: usize) -> Vec<(i64, String)> {
    let mut all = Vec::new();
    for i in 0..times {
        all.extend(
            usual.iter().map(|message| ((i * 590 / times) as i64, message.replace("{i}", &i.to_string()))),
        );
    }
    for i in 0..late_times {
        all.extend(late.iter().map(|message| (595, message.replace("{i}", &i.to_string()))));
    }
    all
}

#[test]
fn anomalies_of_patterns() {
    let unusual = |query: &str, events: &[(i64, String)]| -> Vec<String> {
        let plan = compiled(query);
        let mut run = super::Run::new(&plan, 10_000, super::moment());
        for (seconds, message) in events.iter().rev() {
            run.add(super::event(*seconds, message), message.len(), false).unwrap();
        }
        let value = |row: &[(String, String)], name: &str| {
            row.iter().find(|(of, _)| of == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let rows = super::ended(run).unwrap().rows;
        let unusual = rows.iter().filter(|row| value(row, "@anomaly") == "1");
        unusual
            .map(|row| {
                format!(
                    "{}|{}|{}",
                    value(row, "@pattern"),
                    value(row, "@anomalyType"),
                    value(row, "@anomalyPriority")
                )
            })
            .collect()
    };
    let guide = "fields @timestamp, @message\n| pattern @message\n| anomaly";
    let usual = ["GET took {i} ms", "cache is warm"];
    assert!(unusual(guide, &over_time(&usual, 120, &[], 0)).is_empty());
    for (late, times, expected) in [
        (&["ERROR disk is full"][..], 3, "ERROR disk is full|New pattern|HIGH"),
        (&["cache is warm"], 200, "cache is warm|Pattern frequency|MEDIUM"),
        (&["cache is cold"], 3, "cache is <Token-1>|Token variation|LOW"),
        (&["GET took 900000 ms"], 5, "GET took <Number-1> ms|Numerical token|MEDIUM"),
    ] {
        assert_eq!(unusual(guide, &over_time(&usual, 120, late, times)), [expected], "{late:?}");
    }
    let http = ["HTTP request to shop returned status 200"];
    assert_eq!(
        unusual(
            "pattern @message | anomaly",
            &over_time(&http, 240, &["HTTP request to shop returned status 503"], 12)
        ),
        ["HTTP request to shop returned status <Number-1>|HTTP error code|LOW"]
    );
    // Fields of patterns stay, others come beside them; every pattern is a row.
    let rows = found(
        "fields @timestamp, @message | filter @type = \"REPORT\" | pattern @message | anomaly",
        &["REPORT RequestId: a1\tDuration: 1 ms\t"],
        &[],
    );
    assert!(rows[0].contains("@sampleCount=1") && rows[0].ends_with("@anomaly=0"), "{rows:?}");
    compiled(
        "fields @timestamp, @message | filter @type = \"ERROR\" | pattern @message | anomaly | sort @timestamp desc",
    );
    assert_eq!(found("anomaly | display @pattern", &["hello there"], &[]), ["@pattern=hello there"]);
}
