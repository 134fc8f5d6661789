//! Queries that ask other groups: what they find, and who may.

use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::cloud::Cloud;
use super::queries::{results, start, with_events};

const OTHER: &str = "/app/other";

async fn with_two_groups() -> Cloud {
    let cloud = with_events().await;
    cloud.group(OTHER).await;
    cloud.stream(OTHER, "s").await;
    let now = cloud.now_ms();
    cloud
        .put(
            OTHER,
            "s",
            &[(now - 30_000, r#"{"n":3,"who":"ann"}"#), (now - 20_000, r#"{"n":8,"who":"bob"}"#)],
        )
        .await
        .unwrap();
    cloud
}

async fn rows(cloud: &Cloud, query: s::StartQueryRequest) -> (String, Vec<String>, f64) {
    let id = cloud.ok::<op::StartQuery>(query).await.query_id.unwrap();
    let found = results(cloud, &id).await;
    let field = |field: &s::ResultField| {
        let name = field.field.as_deref().filter(|name| *name != "@ptr")?;
        Some(format!("{name}={}", field.value.as_deref().unwrap_or_default()))
    };
    let row = |row: &Vec<s::ResultField>| row.iter().filter_map(field).collect::<Vec<_>>().join(" ");
    let scanned = found.statistics.and_then(|all| all.records_scanned).unwrap_or_default();
    (found.status.unwrap(), found.results.unwrap().iter().map(row).collect(), scanned)
}

#[tokio::test]
async fn a_query_asks_another_group() {
    let cloud = with_two_groups().await;
    for (text, expected) in [
        (
            "filter n in (SOURCE '/app/other' | fields n) | display n, kind",
            vec!["n=8 kind=even", "n=3 kind=odd"],
        ),
        (
            "join type=inner left=a right=b where a.n=b.n (SOURCE '/app/other') | fields a.n, b.who | sort a.n asc",
            vec!["a.n=3 b.who=ann", "a.n=8 b.who=bob"],
        ),
        (
            "stats count(*) as c by kind | sort kind asc | appendcols (SOURCE 'arn:aws:logs:us-east-1:111111111111:log-group:/app/other' | fields who | sort who asc)",
            vec!["kind=even c=10 who=ann", "kind=odd c=10 who=bob"],
        ),
        // The same groups as the query, where it names none of its own.
        ("filter kind in (filter n = 3 | fields kind) | stats count(*) as c", vec!["c=10"]),
        (
            "filter n in (SOURCE logGroups(namePrefix: ['/app/']) | fields n) | stats count(*) as c",
            vec!["c=2"],
        ),
        ("fields n | limit any 1", vec!["n=19"]),
    ] {
        let (status, found, _) = rows(&cloud, start(&cloud, text)).await;
        assert_eq!(status, "Complete", "{text}");
        assert_eq!(found, expected, "{text}");
    }
    // The other group is one that was asked.
    let asked = start(&cloud, "filter n in (SOURCE '/app/other' | fields n)");
    let id = cloud.ok::<op::StartQuery>(asked).await.query_id.unwrap();
    let list = s::ListLogGroupsForQueryRequest { query_id: id.clone(), ..Default::default() };
    let groups = cloud.ok::<op::ListLogGroupsForQuery>(list).await.log_group_identifiers;
    assert_eq!(groups.unwrap(), [OTHER, "g"]);
    let of_other = s::DescribeQueriesRequest { log_group_name: Some(OTHER.into()), ..Default::default() };
    let known = cloud.ok::<op::DescribeQueries>(of_other).await.queries.unwrap();
    assert!(known.iter().any(|query| query.query_id.as_ref() == Some(&id)));
    results(&cloud, &id).await;
    // What subqueries read counts; `limit any` reads no further.
    let (_, _, scanned) = rows(&cloud, start(&cloud, "filter n in (SOURCE '/app/other' | fields n)")).await;
    assert!((scanned - 22.0).abs() < 0.1, "{scanned}");
    let (_, _, scanned) = rows(&cloud, start(&cloud, "fields n | limit any 1")).await;
    assert!((scanned - 1.0).abs() < 0.1, "{scanned}");
    // A source by name, with times of its own.
    let sourced = s::StartQueryRequest {
        log_group_name: None,
        start_time: 0,
        end_time: 1,
        ..start(&cloud, "SOURCE '/app/other', g START=-1h END=now | stats count(*) as c")
    };
    assert_eq!(rows(&cloud, sourced).await.1, ["c=22"]);
    let missing = start(&cloud, "filter n in (SOURCE '/app/none' | fields n)");
    assert!(cloud.err::<op::StartQuery>(missing).await.starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn who_may_not_ask_the_other_group_may_not_by_a_query_within() {
    let cloud = with_two_groups().await;
    let one = r#"{"Effect":"Allow","Action":["logs:StartQuery","logs:GetQueryResults"],"Resource":"arn:aws:logs:us-east-1:*:log-group:g:*"}"#;
    let ann = cloud.user("ann", one).await;
    let both = r#"{"Effect":"Allow","Action":["logs:StartQuery","logs:GetQueryResults"],"Resource":"arn:aws:logs:us-east-1:*:log-group:*"}"#;
    let bob = cloud.user("bob", both).await;
    for text in [
        "filter n in (SOURCE '/app/other' | fields n)",
        "filter n in (SOURCE logGroups(namePrefix: ['/app/']) | fields n)",
        "join left=a right=b where a.n=b.n (SOURCE '/app/other')",
        "stats count(*) as c | appendcols (SOURCE '/app/other' | fields who)",
    ] {
        let refused = cloud.call_as::<op::StartQuery>(&ann, start(&cloud, text)).await.err().unwrap();
        assert!(
            refused.code().starts_with("AccessDenied") && refused.message().contains("/app/other"),
            "{text}: {refused}"
        );
        let begun = cloud.call_as::<op::StartQuery>(&bob, start(&cloud, text)).await.unwrap();
        results(&cloud, &begun.query_id.clone().unwrap()).await;
        // Nor look at what it found.
        let look = s::GetQueryResultsRequest { query_id: begun.query_id.unwrap(), ..Default::default() };
        assert!(cloud.call_as::<op::GetQueryResults>(&ann, look).await.is_err(), "{text}");
    }
    // What is hidden is shown by a query within only to who may see it.
    let unmasking = "filter n in (SOURCE '/app/other' | unmask @message | fields n)";
    let refused = cloud.call_as::<op::StartQuery>(&bob, start(&cloud, unmasking)).await.err().unwrap();
    assert!(refused.message().contains("logs:Unmask"), "{refused}");
}

#[tokio::test]
async fn addresses_are_looked_up_by_their_ranges() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    let events = [
        r#"{"srcAddr":"10.1.2.3"}"#,
        r#"{"srcAddr":"10.9.9.9"}"#,
        r#"{"srcAddr":"2001:db8::7","owner":"me"}"#,
        r#"{"srcAddr":"8.8.8.8"}"#,
    ];
    let events: Vec<(i64, &str)> =
        events.iter().enumerate().map(|(i, text)| (now - 9000 + i as i64, *text)).collect();
    cloud.put("g", "s", &events).await.unwrap();
    let body = "cidr,region,owner,datacenter\n10.0.0.0/8,kr,net,a\n10.1.0.0/16,kr-1,app,b\n2001:db8::/32,v6,doc,c\nnonsense,x,y,z\n";
    let create = s::CreateLookupTableRequest {
        lookup_table_name: "net_table".into(),
        table_body: Some(body.into()),
        ..Default::default()
    };
    cloud.ok::<op::CreateLookupTable>(create).await;
    for (text, expected) in [
        (
            "fields @timestamp, srcAddr | cidrlookup net_table srcAddr OUTPUT region, owner, datacenter | display srcAddr, region, owner, datacenter | sort srcAddr asc",
            vec![
                "srcAddr=10.1.2.3 region=kr-1 owner=app datacenter=b",
                "srcAddr=10.9.9.9 region=kr owner=net datacenter=a",
                "srcAddr=2001:db8::7 region=v6 owner=doc datacenter=c",
                "srcAddr=8.8.8.8",
            ],
        ),
        (
            "cidrlookup net_table srcAddr as cidr OUTPUTNEW owner, region as place | filter ispresent(place) | display owner, place | sort owner asc",
            vec!["owner=app place=kr-1", "owner=me place=v6", "owner=net place=kr"],
        ),
    ] {
        assert_eq!(rows(&cloud, start(&cloud, text)).await.1, expected, "{text}");
    }
    for (text, code) in [
        ("cidrlookup none srcAddr OUTPUT region", "ResourceNotFoundException"),
        ("cidrlookup net_table srcAddr OUTPUT nothing", "InvalidParameterException"),
        ("cidrlookup net_table srcAddr as nothing OUTPUT region", "InvalidParameterException"),
    ] {
        let refused = cloud.err::<op::StartQuery>(start(&cloud, text)).await;
        assert!(refused.starts_with(code), "{text}: {refused}");
    }
}
