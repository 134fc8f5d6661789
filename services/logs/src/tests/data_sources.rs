use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::cloud::Cloud;
use super::queries::results;

async fn group(cloud: &Cloud, name: &str, source: Option<(&str, &str)>) {
    let tags = source.map(|(name, kind)| {
        [
            ("cw:datasource:name".to_owned(), name.to_owned()),
            ("cw:datasource:type".to_owned(), kind.to_owned()),
        ]
        .into_iter()
        .collect()
    });
    let input = s::CreateLogGroupRequest { log_group_name: name.into(), tags, ..Default::default() };
    cloud.ok::<op::CreateLogGroup>(input).await;
    cloud.stream(name, "s").await;
}

async fn prepared() -> Cloud {
    let cloud = Cloud::new().await;
    for (name, source) in [
        ("/shop/one", Some(("shop", "access"))),
        ("/shop/two", Some(("shop", "access"))),
        ("/shop/errors", Some(("shop", "errors"))),
        ("/bank/one", Some(("bank", "access"))),
        ("/plain", None),
        // Not a name of one's own.
        ("/foreign", Some(("amazon_vpc", "flow"))),
    ] {
        group(&cloud, name, source).await;
    }
    cloud
}

fn ask(
    change: impl FnOnce(&mut s::ListAggregateLogGroupSummariesRequest),
) -> s::ListAggregateLogGroupSummariesRequest {
    let mut input = s::ListAggregateLogGroupSummariesRequest {
        group_by: "DATA_SOURCE_NAME_AND_TYPE".into(),
        ..Default::default()
    };
    change(&mut input);
    input
}

async fn counts(cloud: &Cloud, input: s::ListAggregateLogGroupSummariesRequest) -> Vec<String> {
    let (mut all, mut token) = (Vec::new(), None);
    loop {
        let input = s::ListAggregateLogGroupSummariesRequest { next_token: token, ..input.clone() };
        let page = cloud.ok::<op::ListAggregateLogGroupSummaries>(input).await;
        for one in page.aggregate_log_group_summaries.unwrap() {
            let names: Vec<String> = one
                .grouping_identifiers
                .unwrap()
                .into_iter()
                .filter_map(|identifier| identifier.value)
                .collect();
            all.push(format!("{} {}", names.join("."), one.log_group_count.unwrap()));
        }
        token = page.next_token;
        if token.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn groups_are_counted_by_their_source() {
    let cloud = prepared().await;
    let filter = |name: &str, kind: Option<&str>| {
        Some(vec![s::DataSourceFilter { name: name.into(), r#type: kind.map(str::to_owned) }])
    };
    for (input, expected) in [
        (ask(|_| ()), vec!["bank.access 1", "shop.access 2", "shop.errors 1"]),
        (ask(|input| input.limit = Some(1)), vec!["bank.access 1", "shop.access 2", "shop.errors 1"]),
        (
            ask(|input| input.log_group_name_pattern = Some("^/shop".into())),
            vec!["shop.access 2", "shop.errors 1"],
        ),
        (
            ask(|input| input.data_sources = filter("*", Some("access"))),
            vec!["bank.access 1", "shop.access 2"],
        ),
        (ask(|input| input.data_sources = filter("none", None)), vec![]),
        (ask(|input| input.log_group_class = Some("INFREQUENT_ACCESS".into())), vec![]),
    ] {
        assert_eq!(counts(&cloud, input).await, expected);
    }
    let linked = ask(|input| input.include_linked_accounts = Some(true));
    assert!(cloud.err::<op::ListAggregateLogGroupSummaries>(linked).await.starts_with("InvalidOperation"));
    let list = s::ListLogGroupsRequest { data_sources: filter("shop", Some("acc*")), ..Default::default() };
    let listed = cloud.ok::<op::ListLogGroups>(list).await.log_groups.unwrap();
    let names: Vec<_> = listed.into_iter().filter_map(|group| group.log_group_name).collect();
    assert_eq!(names, ["/shop/one", "/shop/two"]);
}

#[tokio::test]
async fn a_source_is_asked_and_tells_its_fields() {
    let cloud = prepared().await;
    let now = cloud.now_ms();
    cloud
        .put(
            "/shop/one",
            "s",
            &[
                (now - 9000, r#"{"ms":12,"user":{"id":"a","vip":true},"tags":["x"]}"#),
                (now - 8000, "no json"),
            ],
        )
        .await
        .unwrap();
    cloud.put("/shop/two", "s", &[(now - 7000, r#"{"ms":12.5,"path":"/"}"#)]).await.unwrap();
    cloud.put("/bank/one", "s", &[(now - 7000, r#"{"ms":1,"iban":"x"}"#)]).await.unwrap();
    for (source, expected) in [
        ("dataSource(['shop.access'])", "3"),
        ("dataSource(['shop.access', 'bank.access'])", "4"),
        ("dataSource(['shop.access']) logGroups(namePrefix: ['/shop/t'])", "1"),
    ] {
        let start = s::StartQueryRequest {
            start_time: now / 1000 - 3600,
            end_time: now / 1000,
            query_string: format!("SOURCE {source} | stats count(*) as n"),
            ..Default::default()
        };
        let id = cloud.ok::<op::StartQuery>(start).await.query_id.unwrap();
        let found = results(&cloud, &id).await.results.unwrap();
        assert_eq!(found[0][0].value.as_deref(), Some(expected), "{source}");
    }
    let fields = |name: &str, kind: &str| s::GetLogFieldsRequest {
        data_source_name: name.into(),
        data_source_type: kind.into(),
    };
    fn shown(kind: &s::LogFieldType) -> String {
        let inner = kind.fields.iter().flatten().map(item).collect::<Vec<_>>().join(",");
        let element = kind.element.as_ref().map(|element| shown(element)).unwrap_or_default();
        format!(
            "{}{}",
            kind.r#type.as_deref().unwrap(),
            if inner.is_empty() && element.is_empty() {
                String::new()
            } else {
                format!("<{inner}{element}>")
            }
        )
    }
    fn item(item: &s::LogFieldsListItem) -> String {
        format!(
            "{}:{}",
            item.log_field_name.as_deref().unwrap(),
            shown(item.log_field_type.as_ref().unwrap())
        )
    }
    let found = cloud.ok::<op::GetLogFields>(fields("shop", "access")).await.log_fields.unwrap();
    let found: Vec<String> = found.iter().map(item).collect();
    assert_eq!(
        found,
        ["ms:double", "path:string", "tags:array<string>", "user:struct<id:string,vip:boolean>"]
    );
    assert!(
        cloud.err::<op::GetLogFields>(fields("shop", "none")).await.starts_with("ResourceNotFoundException")
    );
}
