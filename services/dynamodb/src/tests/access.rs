//! Who may do what: with IAM and the front's layers before the service.

use haneul_blob::Blobs;
use haneul_dynamodb_wire::operations as op;
use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodbstreams_wire::operations as streams;
use haneul_dynamodbstreams_wire::shapes as st;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Principal, Region, Result, Seal};
use haneul_shape::value::Map;
use haneul_store::Store;

struct Cloud {
    platform: Platform,
    _front: std::sync::Arc<Front>,
}

const OURS: u64 = 111_111_111_111;
const THEIRS: u64 = 222_222_222_222;

fn root(account: u64) -> Caller {
    Caller::root(AccountId::new(account).unwrap())
}

impl Cloud {
    async fn new() -> Cloud {
        let env = Env::simulated(5);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), Store::memory(), Blobs::memory(&env), None, seal, config);
        let mut services = vec![haneul_iam::service(&platform).await.unwrap()];
        services.extend(crate::services(&platform).await.unwrap());
        let models = [
            &haneul_iam_wire::SERVICE,
            &haneul_dynamodb_wire::SERVICE,
            &haneul_dynamodbstreams_wire::SERVICE,
        ];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        Cloud { platform, _front: front }
    }

    async fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    /// A user of an account whose policy is this statement.
    async fn user(&self, account: u64, name: &str, statement: &str) -> Caller {
        let root = root(account);
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        self.call::<iam::CreateUser>(&root, create).await.unwrap();
        let put = i::PutUserPolicyRequest {
            user_name: name.into(),
            policy_name: "own".into(),
            policy_document: format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#),
        };
        self.call::<iam::PutUserPolicy>(&root, put).await.unwrap();
        let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let id = self.call::<iam::CreateAccessKey>(&root, key).await.unwrap().access_key.access_key_id;
        self.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    }

    async fn table(&self) {
        let input = s::CreateTableInput {
            table_name: "tab".into(),
            attribute_definitions: Some(vec![s::AttributeDefinition {
                attribute_name: "p".into(),
                attribute_type: "S".into(),
            }]),
            key_schema: Some(vec![s::KeySchemaElement {
                attribute_name: "p".into(),
                key_type: "HASH".into(),
            }]),
            billing_mode: Some("PAY_PER_REQUEST".into()),
            ..Default::default()
        };
        self.call::<op::CreateTable>(&root(OURS), input).await.unwrap();
    }
}

fn text(value: &str) -> s::AttributeValue {
    s::AttributeValue::S(value.into())
}

fn key(p: &str) -> Map<s::AttributeValue> {
    [("p", text(p))].into_iter().collect()
}

fn get(table: &str, p: &str) -> s::GetItemInput {
    s::GetItemInput { table_name: table.into(), key: key(p), ..Default::default() }
}

fn is_denied<T>(result: Result<T>) -> bool {
    result.err().is_some_and(|error| error.code().starts_with("AccessDenied"))
}

#[tokio::test]
async fn leading_keys_and_attributes_bound_what_a_user_sees() {
    let cloud = Cloud::new().await;
    cloud.table().await;
    let mut item = key("alice");
    item.0.extend([("shown".to_owned(), text("o")), ("secret".to_owned(), text("s"))]);
    let put = s::PutItemInput { table_name: "tab".into(), item, ..Default::default() };
    cloud.call::<op::PutItem>(&root(OURS), put).await.unwrap();
    let alice = cloud
        .user(
            OURS,
            "alice",
            r#""Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query","dynamodb:PutItem"],"Resource":"*",
               "Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["${aws:username}"],
                                                         "dynamodb:Attributes":["p","shown"]},
                            "StringEqualsIfExists":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES"}}"#,
        )
        .await;
    let projected = |p: &str, projection: &str| s::GetItemInput {
        projection_expression: Some(projection.into()),
        ..get("tab", p)
    };
    let got = cloud.call::<op::GetItem>(&alice, projected("alice", "p, shown")).await.unwrap();
    assert_eq!(got.item.unwrap().len(), 2);
    assert!(is_denied(cloud.call::<op::GetItem>(&alice, projected("bob", "p, shown")).await));
    assert!(is_denied(cloud.call::<op::GetItem>(&alice, projected("alice", "secret")).await));
    let aliased = s::GetItemInput {
        expression_attribute_names: Some([("#x", "secret".to_owned())].into_iter().collect()),
        ..projected("alice", "#x")
    };
    assert!(is_denied(cloud.call::<op::GetItem>(&alice, aliased).await));
    let query = |p: &str| s::QueryInput {
        table_name: "tab".into(),
        key_condition_expression: Some("p = :p".into()),
        projection_expression: Some("shown".into()),
        expression_attribute_values: Some([(":p", text(p))].into_iter().collect()),
        ..Default::default()
    };
    assert_eq!(cloud.call::<op::Query>(&alice, query("alice")).await.unwrap().count, Some(1));
    assert!(is_denied(cloud.call::<op::Query>(&alice, query("bob")).await));
    let mut item = key("alice");
    item.0.push(("secret".to_owned(), text("x")));
    let put = s::PutItemInput { table_name: "tab".into(), item, ..Default::default() };
    assert!(is_denied(cloud.call::<op::PutItem>(&alice, put).await));
    assert!(is_denied(
        cloud.call::<op::Scan>(&alice, s::ScanInput { table_name: "tab".into(), ..Default::default() }).await
    ));
}

#[tokio::test]
async fn a_resource_policy_lets_others_in() {
    let cloud = Cloud::new().await;
    cloud.table().await;
    let arn = format!("arn:aws:dynamodb:us-east-1:{OURS}:table/tab");
    let guest = cloud.user(THEIRS, "guest", r#""Effect":"Allow","Action":"dynamodb:*","Resource":"*""#).await;
    assert!(is_denied(cloud.call::<op::GetItem>(&guest, get(&arn, "a")).await));
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{THEIRS}"}},"Action":"dynamodb:GetItem","Resource":"{arn}"}}]}}"#
    );
    let put = s::PutResourcePolicyInput { resource_arn: arn.clone(), policy, ..Default::default() };
    cloud.call::<op::PutResourcePolicy>(&root(OURS), put).await.unwrap();
    cloud.call::<op::GetItem>(&guest, get(&arn, "a")).await.unwrap();
    let delete = s::DeleteItemInput { table_name: arn, key: key("a"), ..Default::default() };
    assert!(is_denied(cloud.call::<op::DeleteItem>(&guest, delete).await));
}

/// A stream's policy is its own, and stays while the stream can be read.
#[tokio::test]
async fn a_policy_of_a_stream_lets_others_read_it() {
    let cloud = Cloud::new().await;
    cloud.table().await;
    let update = s::UpdateTableInput {
        table_name: "tab".into(),
        stream_specification: Some(s::StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some("KEYS_ONLY".into()),
        }),
        ..Default::default()
    };
    let made = cloud.call::<op::UpdateTable>(&root(OURS), update).await.unwrap();
    let arn = made.table_description.unwrap().latest_stream_arn.unwrap();
    let guest = cloud.user(THEIRS, "guest", r#""Effect":"Allow","Action":"dynamodb:*","Resource":"*""#).await;
    let describe = || st::DescribeStreamInput { stream_arn: arn.clone(), ..Default::default() };
    assert!(is_denied(cloud.call::<streams::DescribeStream>(&guest, describe()).await));
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{THEIRS}"}},"Action":["dynamodb:DescribeStream","dynamodb:GetResourcePolicy"],"Resource":"{arn}"}}]}}"#
    );
    let put = |expected: Option<&str>| s::PutResourcePolicyInput {
        resource_arn: arn.clone(),
        policy: policy.clone(),
        expected_revision_id: expected.map(str::to_owned),
        ..Default::default()
    };
    let stale = cloud.call::<op::PutResourcePolicy>(&root(OURS), put(Some("1"))).await;
    assert_eq!(stale.err().unwrap().code(), "PolicyNotFoundException");
    let revision = cloud.call::<op::PutResourcePolicy>(&root(OURS), put(Some("NO_POLICY"))).await.unwrap();
    cloud.call::<streams::DescribeStream>(&guest, describe()).await.unwrap();
    let table = format!("arn:aws:dynamodb:us-east-1:{OURS}:table/tab");
    assert!(is_denied(cloud.call::<op::GetItem>(&guest, get(&table, "a")).await));
    // The table's policy is another one.
    let of = |arn: &str| s::GetResourcePolicyInput { resource_arn: arn.to_owned() };
    let none = cloud.call::<op::GetResourcePolicy>(&root(OURS), of(&table)).await;
    assert_eq!(none.err().unwrap().code(), "PolicyNotFoundException");
    let delete = s::DeleteTableInput { table_name: "tab".into() };
    cloud.call::<op::DeleteTable>(&root(OURS), delete).await.unwrap();
    let got = cloud.call::<op::GetResourcePolicy>(&guest, of(&arn)).await.unwrap();
    assert_eq!((got.policy, got.revision_id.clone()), (Some(policy.clone()), revision.revision_id));
    let drop = s::DeleteResourcePolicyInput { resource_arn: arn.clone(), ..Default::default() };
    let dropped = cloud.call::<op::DeleteResourcePolicy>(&root(OURS), drop).await.unwrap();
    assert_eq!(dropped.revision_id, got.revision_id);
    assert!(is_denied(cloud.call::<streams::DescribeStream>(&guest, describe()).await));
    let missing = of(&arn.replace("stream/2", "stream/3"));
    let missing = cloud.call::<op::GetResourcePolicy>(&root(OURS), missing).await;
    assert_eq!(missing.err().unwrap().code(), "ResourceNotFoundException");
}

#[tokio::test]
async fn each_part_of_a_transaction_needs_its_own_permission() {
    let cloud = Cloud::new().await;
    cloud.table().await;
    let writer =
        cloud.user(OURS, "writer", r#""Effect":"Allow","Action":"dynamodb:PutItem","Resource":"*""#).await;
    let put = || s::TransactWriteItem {
        put: Some(s::Put { item: key("a"), table_name: "tab".into(), ..Default::default() }),
        ..Default::default()
    };
    let delete = s::TransactWriteItem {
        delete: Some(s::Delete { key: key("b"), table_name: "tab".into(), ..Default::default() }),
        ..Default::default()
    };
    let transact = |transact_items| s::TransactWriteItemsInput { transact_items, ..Default::default() };
    cloud.call::<op::TransactWriteItems>(&writer, transact(vec![put()])).await.unwrap();
    assert!(is_denied(cloud.call::<op::TransactWriteItems>(&writer, transact(vec![put(), delete])).await));
    let statement = s::ExecuteStatementInput { statement: "SELECT * FROM tab".into(), ..Default::default() };
    assert!(is_denied(cloud.call::<op::ExecuteStatement>(&writer, statement).await));
}

/// What each Region that takes part needs, that of the witness among them.
#[tokio::test]
async fn a_witness_needs_a_permission_in_every_region() {
    let cloud = Cloud::new().await;
    cloud.table().await;
    let input = |deletes: bool| {
        let (replica, witness) = match deletes {
            false => (
                s::ReplicationGroupUpdate {
                    create: Some(s::CreateReplicationGroupMemberAction {
                        region_name: "us-east-2".into(),
                        ..Default::default()
                    }),
                    ..Default::default()
                },
                s::GlobalTableWitnessGroupUpdate {
                    create: Some(s::CreateGlobalTableWitnessGroupMemberAction {
                        region_name: "us-west-2".into(),
                    }),
                    delete: None,
                },
            ),
            true => (
                s::ReplicationGroupUpdate {
                    delete: Some(s::DeleteReplicationGroupMemberAction { region_name: "us-east-2".into() }),
                    ..Default::default()
                },
                s::GlobalTableWitnessGroupUpdate {
                    create: None,
                    delete: Some(s::DeleteGlobalTableWitnessGroupMemberAction {
                        region_name: "us-west-2".into(),
                    }),
                },
            ),
        };
        s::UpdateTableInput {
            table_name: "tab".into(),
            replica_updates: Some(vec![replica]),
            global_table_witness_updates: Some(vec![witness]),
            multi_region_consistency: (!deletes).then(|| "STRONG".into()),
            ..Default::default()
        }
    };
    for (deletes, verb) in [(false, "Create"), (true, "Delete")] {
        let replicas = format!("\"dynamodb:{verb}Table\",\"dynamodb:{verb}TableReplica\"");
        let statement = |witness_in: &str| {
            format!(
                r#""Effect":"Allow","Action":["dynamodb:UpdateTable",{replicas}],"Resource":"*"}},
                   {{"Effect":"Allow","Action":"dynamodb:{verb}GlobalTableWitness","Resource":"arn:aws:dynamodb:{witness_in}:*:table/tab""#
            )
        };
        for (n, region) in ["us-east-1", "us-east-2", "us-west-2"].into_iter().enumerate() {
            let partly = cloud.user(OURS, &format!("{verb}{n}"), &statement(region)).await;
            assert!(is_denied(cloud.call::<op::UpdateTable>(&partly, input(deletes)).await), "{region}");
        }
        let able = cloud.user(OURS, &format!("{verb}All"), &statement("*")).await;
        cloud.call::<op::UpdateTable>(&able, input(deletes)).await.unwrap();
    }
}

#[tokio::test]
async fn a_user_of_the_same_name_is_not_the_one_whom_a_policy_names() {
    let cloud = Cloud::new().await;
    cloud.table().await;
    let arn = format!("arn:aws:dynamodb:us-east-1:{OURS}:table/tab");
    let bob = async || {
        let create = i::CreateUserRequest { user_name: "bob".into(), ..Default::default() };
        let made = cloud.call::<iam::CreateUser>(&root(OURS), create).await.unwrap().user.unwrap();
        let id = made.user_id.clone();
        let principal = Principal::User { path: "/".into(), name: "bob".into(), id: made.user_id };
        (Caller { principal, ..root(OURS) }, id)
    };
    let (first, id) = bob().await;
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"dynamodb:GetItem","Resource":"{arn}"}}]}}"#,
        first.arn()
    );
    let put =
        s::PutResourcePolicyInput { resource_arn: arn.clone(), policy: policy.clone(), ..Default::default() };
    cloud.call::<op::PutResourcePolicy>(&root(OURS), put).await.unwrap();
    let shown = async || {
        let get = s::GetResourcePolicyInput { resource_arn: arn.clone() };
        cloud.call::<op::GetResourcePolicy>(&root(OURS), get).await.unwrap().policy.unwrap()
    };
    cloud.call::<op::GetItem>(&first, get("tab", "a")).await.unwrap();
    assert_eq!(shown().await, policy);
    let delete = i::DeleteUserRequest { user_name: "bob".into() };
    cloud.call::<iam::DeleteUser>(&root(OURS), delete).await.unwrap();
    let (second, _) = bob().await;
    assert!(is_denied(cloud.call::<op::GetItem>(&second, get("tab", "a")).await));
    assert_eq!(shown().await, policy.replace(&first.arn(), &id));
}

#[tokio::test]
async fn tables_are_listed_by_whoever_may_on_all_of_them() {
    let cloud = Cloud::new().await;
    let statement = r#""Effect":"Allow","Action":"dynamodb:ListTables","Resource":"RESOURCE""#;
    for (name, resource, is_let) in [
        ("ours", "arn:aws:dynamodb:us-east-1:111111111111:table/*", true),
        ("theirs", "arn:aws:dynamodb:us-east-1:222222222222:table/*", false),
    ] {
        let user = cloud.user(OURS, name, &statement.replace("RESOURCE", resource)).await;
        let listed = cloud.call::<op::ListTables>(&user, Default::default()).await;
        assert_eq!(listed.is_ok(), is_let, "{resource}");
    }
}
