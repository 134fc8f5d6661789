use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_store::Reads;

use super::cloud::{Cloud, OURS};
use super::queries::{results, start, with_events};
use crate::model::LOOKUP_BODIES;

const KINDS: &str = "kind,label,\"the rest\"\neven,two of a kind,\"a, b\"\neven,second,x\nnone,nothing,y\n";

fn create(name: &str, body: &str) -> s::CreateLookupTableRequest {
    s::CreateLookupTableRequest {
        lookup_table_name: name.into(),
        table_body: Some(body.into()),
        ..Default::default()
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:logs:us-east-1:{OURS}:lookup-table:{name}")
}

/// Rows as text: `name=value` joined by spaces, without pointers.
async fn rows(cloud: &Cloud, query: &str) -> Vec<String> {
    let id = cloud.ok::<op::StartQuery>(start(cloud, query)).await.query_id.unwrap();
    let found = results(cloud, &id).await;
    assert_eq!(found.status.as_deref(), Some("Complete"), "{query}");
    let field = |field: &s::ResultField| {
        let name = field.field.as_deref().filter(|name| *name != "@ptr")?;
        Some(format!("{name}={}", field.value.as_deref().unwrap_or_default()))
    };
    let found = found.results.unwrap();
    found.iter().map(|row| row.iter().filter_map(field).collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test]
async fn lookup_joins_rows_to_events() {
    let cloud = with_events().await;
    cloud.ok::<op::CreateLookupTable>(create("kinds", KINDS)).await;
    for (query, expected) in [
        (
            "fields n, kind | filter n < 2 | lookup kinds kind as kind OUTPUT label, `the rest`",
            vec!["n=1 kind=odd", "n=0 kind=even label=two of a kind the rest=a, b"],
        ),
        // Computed keys, and a field that is replaced.
        (
            "filter n = 1 | fields concat('ev', 'en') as k | lookup kinds kind as k output kind | display kind",
            vec!["kind=even"],
        ),
        (
            "lookup kinds kind OUTPUT label | stats count(*) as c by label | sort c desc | limit 1",
            vec!["label=two of a kind c=10"],
        ),
    ] {
        let mut found = rows(&cloud, query).await;
        // Groups without a label have no column for it.
        found.retain(|row| query.starts_with("fields") || !row.starts_with("c="));
        assert_eq!(found, expected, "{query}");
    }
    for bad in [
        "lookup kinds kind as kind",
        "lookup",
        "lookup kinds OUTPUT label",
        "lookup kinds kind as kind OUTPUT",
    ] {
        assert!(cloud.err::<op::StartQuery>(start(&cloud, bad)).await.starts_with("MalformedQuery"), "{bad}");
    }
    let gone = cloud.err::<op::StartQuery>(start(&cloud, "lookup gone a OUTPUT b")).await;
    assert!(gone.starts_with("ResourceNotFoundException"), "{gone}");
    let column = cloud.err::<op::StartQuery>(start(&cloud, "lookup kinds other OUTPUT label")).await;
    assert!(column.starts_with("InvalidParameterException"), "{column}");
}

#[tokio::test]
async fn tables_are_made_changed_listed_and_deleted() {
    let cloud = with_events().await;
    for body in ["", "a,a\n1,2", "a,b\n1"] {
        let refused = cloud.err::<op::CreateLookupTable>(create("t", body)).await;
        assert!(refused.contains("Exception"), "{refused}");
    }
    let both = s::CreateLookupTableRequest { query_id: Some("x".into()), ..create("t", KINDS) };
    assert!(cloud.err::<op::CreateLookupTable>(both).await.starts_with("InvalidParameterException"));
    let key = s::CreateLookupTableRequest { kms_key_id: Some("arn:aws:kms:x".into()), ..create("t", KINDS) };
    assert!(cloud.err::<op::CreateLookupTable>(key).await.starts_with("AccessDeniedException"));
    for name in ["b_table", "a_table", "other"] {
        let tags = Some([("team".to_owned(), "sky".to_owned())].into_iter().collect());
        cloud.ok::<op::CreateLookupTable>(s::CreateLookupTableRequest { tags, ..create(name, KINDS) }).await;
    }
    assert!(
        cloud.err::<op::CreateLookupTable>(create("other", KINDS)).await.starts_with("ResourceAlreadyExists")
    );
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let list =
            s::DescribeLookupTablesRequest { max_results: Some(1), next_token: token, ..Default::default() };
        let page = cloud.ok::<op::DescribeLookupTables>(list).await;
        for table in page.lookup_tables.unwrap() {
            assert_eq!(table.table_fields.unwrap(), ["kind", "label", "the rest"]);
            assert_eq!((table.records_count, table.size_bytes), (Some(3), Some(KINDS.len() as i64)));
            names.push(table.lookup_table_name.unwrap());
        }
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["a_table", "b_table", "other"]);
    // By the results of a query.
    let id = cloud
        .ok::<op::StartQuery>(start(&cloud, "stats count(*) as c by kind | sort kind"))
        .await
        .query_id
        .unwrap();
    results(&cloud, &id).await;
    let update = s::UpdateLookupTableRequest {
        lookup_table_arn: arn("other"),
        query_id: Some(id),
        ..Default::default()
    };
    cloud.ok::<op::UpdateLookupTable>(update).await;
    let get = || s::GetLookupTableRequest { lookup_table_arn: arn("other") };
    let body = cloud.ok::<op::GetLookupTable>(get()).await.table_body.unwrap();
    assert_eq!(body, "kind,c\neven,10\nodd,10\n");
    let list = s::ListTagsForResourceRequest { resource_arn: arn("other") };
    assert_eq!(cloud.ok::<op::ListTagsForResource>(list).await.tags.unwrap().iter().count(), 1, "tags stay");
    cloud.ok::<op::DeleteLookupTable>(s::DeleteLookupTableRequest { lookup_table_arn: arn("other") }).await;
    assert!(cloud.err::<op::GetLookupTable>(get()).await.starts_with("ResourceNotFoundException"));
}

/// A key whose policy lets Logs use it for the tables of the account.
async fn key(cloud: &Cloud) -> String {
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{OURS}:root"}},"Action":"kms:*","Resource":"*"}},
            {{"Effect":"Allow","Principal":{{"Service":"logs.us-east-1.amazonaws.com"}},
              "Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*",
              "Condition":{{"ArnLike":{{"kms:EncryptionContext:aws:logs:arn":"{}"}}}}}}]}}"#,
        arn("*")
    );
    let made = k::CreateKeyRequest { policy: Some(policy), ..Default::default() };
    cloud.ok::<kms::CreateKey>(made).await.key_metadata.unwrap().arn.unwrap()
}

#[tokio::test]
async fn rows_of_a_table_with_a_key_open_by_it_alone() {
    let cloud = with_events().await;
    let (one, other) = (key(&cloud).await, key(&cloud).await);
    let made = s::CreateLookupTableRequest { kms_key_id: Some(one.clone()), ..create("kinds", KINDS) };
    cloud.ok::<op::CreateLookupTable>(made).await;
    let get = || s::GetLookupTableRequest { lookup_table_arn: arn("kinds") };
    let update = |key: Option<&str>| s::UpdateLookupTableRequest {
        lookup_table_arn: arn("kinds"),
        table_body: Some(KINDS.into()),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    };
    let shown = cloud.ok::<op::GetLookupTable>(get()).await;
    assert_eq!((shown.table_body.as_deref(), shown.kms_key_id.as_ref()), (Some(KINDS), Some(&one)));
    let listed = cloud.ok::<op::DescribeLookupTables>(Default::default()).await.lookup_tables.unwrap();
    assert_eq!(listed[0].kms_key_id.as_ref(), Some(&one));
    // Its rows are not the cloud's to open.
    let at = (haneul_kit::AccountId::new(OURS).unwrap(), haneul_kit::Region::US_EAST_1, "kinds".to_owned());
    let sealed = cloud.platform.store.get(&LOOKUP_BODIES, &at).await.unwrap().unwrap();
    assert_eq!(cloud.platform.seal.open("logs lookup table", &sealed), None);
    let query = "filter n = 0 | lookup kinds kind OUTPUT label | display label";
    assert_eq!(rows(&cloud, query).await, ["label=two of a kind"]);
    // Other rows are sealed under the same key, until there is another one.
    cloud.ok::<op::UpdateLookupTable>(update(None)).await;
    assert_eq!(cloud.ok::<op::GetLookupTable>(get()).await.kms_key_id.as_ref(), Some(&one));
    cloud.ok::<kms::DisableKey>(k::DisableKeyRequest { key_id: one.clone() }).await;
    assert!(cloud.err::<op::GetLookupTable>(get()).await.starts_with("AccessDeniedException"));
    let id = cloud.ok::<op::StartQuery>(start(&cloud, query)).await.query_id.unwrap();
    assert_eq!(results(&cloud, &id).await.status.as_deref(), Some("Failed"));
    assert!(cloud.err::<op::UpdateLookupTable>(update(None)).await.starts_with("AccessDeniedException"));
    cloud.ok::<op::UpdateLookupTable>(update(Some(&other))).await;
    assert_eq!(cloud.ok::<op::GetLookupTable>(get()).await.kms_key_id, Some(other));
    cloud.ok::<op::UpdateLookupTable>(update(Some(""))).await;
    let shown = cloud.ok::<op::GetLookupTable>(get()).await;
    assert_eq!((shown.table_body.as_deref(), shown.kms_key_id), (Some(KINDS), None));
    let disabled = s::CreateLookupTableRequest { kms_key_id: Some(one), ..create("more", KINDS) };
    assert!(cloud.err::<op::CreateLookupTable>(disabled).await.starts_with("InvalidParameterException"));
}
