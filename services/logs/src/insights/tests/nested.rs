//! Queries within queries: the guide's examples, and what it says they cannot do.

use super::{compile, compiled, event, found, moment, nest};
use crate::insights::plan::When;

const API: &[&str] = &[
    r#"{"requestId":"a","status":500,"latency":9,"endpoint":"/x"}"#,
    r#"{"requestId":"b","status":200,"latency":3,"endpoint":"/y"}"#,
    r#"{"requestId":"c","status":503,"latency":7,"endpoint":"/z"}"#,
    r#"{"requestId":"d","status":500,"latency":1}"#,
    r#"{"status":500,"latency":2}"#,
];
const OTHER: &[&str] = &[
    r#"{"requestId":"a","duration":90,"memoryUsed":64,"errorType":"DatabaseConnectionTimeout","status":"FAILED"}"#,
    r#"{"requestId":"a","duration":91,"memoryUsed":65,"status":"FAILED"}"#,
    r#"{"requestId":"c","duration":70,"memoryUsed":32,"errorType":"Other","status":"OK"}"#,
    r#"{"requestId":"x","duration":1}"#,
    "no json at all",
];

fn rows(query: &str) -> String {
    found(query, API, OTHER).join("; ")
}

#[test]
fn joins_and_subqueries() {
    let cases: &[(&str, &str)] = &[
        (
            "filter status >= 500\n| join type=inner left=api right=lambda \n    where api.requestId=lambda.requestId \n    (SOURCE '/aws/lambda/my-function')\n| fields api.requestId, api.status, api.latency, lambda.duration, lambda.memoryUsed\n| sort api.latency desc",
            "api.requestId=a api.status=500 api.latency=9 lambda.duration=91 lambda.memoryUsed=65; api.requestId=a api.status=500 api.latency=9 lambda.duration=90 lambda.memoryUsed=64; api.requestId=c api.status=503 api.latency=7 lambda.duration=70 lambda.memoryUsed=32",
        ),
        (
            "join type=left left=order right=payment where order.requestId=payment.requestId (SOURCE '/aws/lambda/payment-service') | filter payment.duration = 70 or !ispresent(payment.duration) | display order.latency, payment.duration | sort order.latency asc",
            "order.latency=1; order.latency=2; order.latency=3; order.latency=7 payment.duration=70",
        ),
        // Either side of the comparison; inner is what it is without a type; aliases may be left out where there is no doubt.
        (
            "join left=l right=r where r.requestId = l.requestId (SOURCE a, 'b/c', 'arn:aws:logs:us-east-1:111111111111:log-group:d') | stats sum(duration) as s, max(latency) as m by l.endpoint | sort m asc",
            "l.endpoint=/z s=70 m=7; l.endpoint=/x s=181 m=9",
        ),
        (
            "filter latency = 7 | join left=l right=r where l.requestId=r.requestId (SOURCE b) | stats count(*) as n by bin(1h)",
            "bin(1h)=2023-11-14 22:00:00.000 n=1",
        ),
        // Behind a command that needs all records.
        (
            "stats max(latency) as m by requestId | join left=l right=r where l.requestId=r.requestId (SOURCE b) | display l.requestId, l.m, r.duration | sort r.duration asc",
            "l.requestId=c l.m=7 r.duration=70; l.requestId=a l.m=9 r.duration=90; l.requestId=a l.m=9 r.duration=91",
        ),
        (
            "filter requestId in (\n    SOURCE '/aws/lambda/database-service'\n    | filter errorType = \"DatabaseConnectionTimeout\"\n    | fields requestId\n)\n| fields requestId, endpoint\n| sort @timestamp desc",
            "requestId=a endpoint=/x",
        ),
        (
            "filter requestId in (\n SOURCE '/aws/lambda/payment-processor' | filter status = \"FAILED\" | stats count(*) as failureCount by requestId | filter failureCount > 1 | fields requestId\n) | display requestId, latency | sort @timestamp asc",
            "requestId=a latency=9",
        ),
        (
            "filter requestId not in (SOURCE x | filter requestId = 'a' | fields requestId) and latency < 5 | display latency | sort latency asc",
            "latency=1; latency=2; latency=3",
        ),
        (
            "filter status in (SOURCE x | fields duration + 410 as status | filter duration = 90) and requestId in (SOURCE x | fields requestId) | display requestId",
            "requestId=a",
        ),
        (
            "stats count(*) as cnt by status | sort status asc | appendcols override=true ( SOURCE lg | stats avg(duration) as avgLat by requestId | sort requestId asc | display avgLat )",
            "status=200 cnt=1; status=500 cnt=3 avgLat=90.5; status=503 cnt=1 avgLat=70",
        ),
        (
            "stats count(*) as n | appendcols max=1 ( SOURCE lg | stats count(*) as n, max(duration) as d )",
            "n=5 d=91",
        ),
        ("stats count(*) as n | appendcols override=true ( SOURCE lg | stats max(duration) as n )", "n=91"),
    ];
    for (query, expected) in cases {
        assert_eq!(rows(query), *expected, "{query}");
    }
    let missing_payments = "filter eventType = \"ORDER_CREATED\"\n| join type=left left=order right=payment\n    where order.transactionId=payment.transactionId\n    (SOURCE '/aws/lambda/payment-service')\n| filter payment.eventType = \"PAYMENT_PROCESSED\" or !ispresent(payment.eventType)\n| fields order.transactionId, order.orderId, order.customerId,\n    payment.paymentStatus, payment.amount\n| filter payment.paymentStatus != \"SUCCESS\" or !ispresent(payment.paymentStatus)";
    let orders = [
        r#"{"eventType":"ORDER_CREATED","transactionId":"1","orderId":"o1"}"#,
        r#"{"eventType":"ORDER_CREATED","transactionId":"2","orderId":"o2"}"#,
        r#"{"eventType":"ORDER_CREATED","transactionId":"3","orderId":"o3"}"#,
    ];
    let payments = [
        r#"{"eventType":"PAYMENT_PROCESSED","transactionId":"1","paymentStatus":"SUCCESS"}"#,
        r#"{"eventType":"PAYMENT_PROCESSED","transactionId":"2","paymentStatus":"DECLINED","amount":5}"#,
    ];
    assert_eq!(
        found(missing_payments, &orders, &payments),
        [
            "order.transactionId=3 order.orderId=o3",
            "order.transactionId=2 order.orderId=o2 payment.paymentStatus=DECLINED payment.amount=5"
        ]
    );
}

#[test]
fn what_cannot_be() {
    let nested = format!("filter {}", "a in (SOURCE x | fields a | filter ".repeat(3));
    let many = ["a in (SOURCE x | fields a)"; 11].join(" and ");
    for bad in [
        "join left=a right=b where a.x=b.x (SOURCE c) | join left=d right=e where d.x=e.x (SOURCE f)",
        "join left=a right=b where a.x=b.x (SOURCE c | filter x = 1)",
        "join left=a right=b where a.x>b.x (SOURCE c)",
        "join left=a right=b where a.x=a.y (SOURCE c)",
        "join left=a right=a where a.x=a.y (SOURCE c)",
        "join type=outer left=a right=b where a.x=b.x (SOURCE c)",
        "join left=a where a.x=b.x (SOURCE c)",
        "join left=a right=b where a.x=b.x (fields x)",
        "join left=a right=b where a.x=b.x",
        "filter a in (SOURCE x | fields b)",
        "filter a in (SOURCE x)",
        "filter a + 1 in (SOURCE x | fields a)",
        "filter a in (SOURCE x | fields a",
        "filter a in (SOURCE x | filter a in (SOURCE y | fields a) | fields a)",
        "filter a in (SOURCE x | fields a | join left=l right=r where l.a=r.a (SOURCE y))",
        "filter a in (SOURCE x | diff | fields a)",
        "appendcols max=0 (SOURCE x | fields a)",
        "appendcols max=100001 (SOURCE x | fields a)",
        "appendcols fields a",
        "SOURCE dataSource([])",
        "SOURCE dataSource('a.b')",
        "SOURCE",
        "SOURCE x start=5x",
        "filter a = 1 | SOURCE x",
        "filterIndex a in (SOURCE x | fields a)",
        "anomaly x",
        "addtotals row=maybe",
        "addtotals col=",
        "accum",
        "autoregress a p=0",
        "autoregress a p=2-1",
        "autoregress a p=1-100",
        "fillmissing",
        "stats count(*) by a | fillmissing",
        "stats count(*) by bin(5m) | fillmissing with x for n",
        "outlier",
        "outlier action=drop a",
        "sessionize",
        "sessionize a maxspan 5",
        "cidrlookup t a",
        "cidrlookup t a OUTPUT",
        "countFrequent",
        "relevantfields a",
        "relevantfields where",
        "logcompare 7d",
        "json \"a\" as b",
        "expand",
        "limit any",
        "parse @message csv",
        "parse @message logfmt lf",
        "parse @message 'a*' as b multi",
        "stats rate(a)",
        "stats rate(a, 5)",
        "stats histogram(a, 0)",
        "stats histogram(a, 100000)",
        "fields case(1)",
        "fields if(1, 2)",
        &nested,
        &format!("filter {many}"),
    ] {
        assert!(compile(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_source_may_name_groups_and_times() {
    let plan =
        compiled("SOURCE '/a/b', 'arn:aws:logs:us-east-1:1:log-group:c' START=-3600s END=0s | fields x");
    let source = plan.source.unwrap();
    assert_eq!(source.names, ["/a/b", "arn:aws:logs:us-east-1:1:log-group:c"]);
    assert_eq!((source.start, source.end), (Some(When::Ago(3_600_000)), Some(When::Ago(0))));
    // The guide's.
    for (query, sources, prefixes) in [
        ("SOURCE dataSource(['amazon_vpc.flow'])", 1, 0),
        ("SOURCE dataSource(['amazon_vpc.flow']) logGroups(namePrefix: ['namePrefix1'])", 1, 1),
        (
            "SOURCE logGroups(accountIdentifiers:['111122223333'], namePrefix: ['namePrefix1', 'namePrefix2'])",
            0,
            2,
        ),
    ] {
        let source = compiled(query).source.unwrap();
        assert_eq!((source.data_sources.len(), source.prefixes.len()), (sources, prefixes), "{query}");
    }
    let console = compiled(
        "SOURCE logGroups(namePrefix: [], class: \"STANDARD\") START='2026-01-01T00:00:00Z' END=now | fields @message",
    );
    let source = console.source.unwrap();
    assert_eq!((source.names.len(), source.prefixes.len()), (0, 0));
    assert_eq!(source.start.map(|when| when.ms(0)), Some(1_767_225_600_000));
}

#[test]
fn the_right_of_a_join_is_bounded() {
    let plan = compiled("join left=a right=b where a.k=b.k (SOURCE c) | stats count(*) as n");
    let one = &plan.subqueries()[0];
    let secondary = one.secondary().unwrap();
    let mut gathering = crate::insights::subquery::Gathering::default();
    for i in 0..50_000 {
        secondary.add(&mut gathering, event(0, &format!("{{\"k\":{i}}}"))).unwrap();
    }
    secondary.add(&mut gathering, event(0, "{\"k\":7}")).unwrap();
    let over = secondary.add(&mut gathering, event(0, "{\"k\":50000}")).unwrap_err();
    assert!(over.contains("50000 different keys"), "{over}");
    // What both sides have often multiplies.
    let same = vec![r#"{"k":1}"#; 3000];
    nest(&plan, &same).unwrap();
    let mut run = super::Run::new(&plan, 10, moment());
    let ends = (0..3000).find_map(|i| run.add(event(i, r#"{"k":1}"#), 1, false).err());
    assert_eq!(ends.as_deref(), Some("join makes more than 1000000 records"));
}
