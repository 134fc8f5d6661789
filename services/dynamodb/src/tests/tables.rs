use serde_json::{Value, json};

use super::world::World;

fn create(change: Value) -> Value {
    let mut input = json!({
        "TableName": "tab",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    for (name, value) in change.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

#[tokio::test]
async fn a_table_from_its_beginning_to_its_end() {
    let world = World::new().await;
    let made = world.ok("CreateTable", create(json!({}))).await;
    assert_eq!(made["TableDescription"]["TableStatus"], "CREATING");
    assert_eq!(
        world.err("CreateTable", create(json!({}))).await,
        "ResourceInUseException: Table already exists: tab"
    );
    world.put("tab", json!({"p": {"S": "k"}})).await;
    let described = world.ok("DescribeTable", json!({"TableName": "tab"})).await;
    let table = &described["Table"];
    assert_eq!(table["TableStatus"], "ACTIVE");
    assert_eq!(table["ItemCount"], 1);
    assert_eq!(table["TableSizeBytes"], 2);
    assert_eq!(table["TableArn"], "arn:aws:dynamodb:us-east-1:000000000000:table/tab");
    assert_eq!(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    let by_arn = json!({"TableName": table["TableArn"]});
    assert_eq!(world.ok("DescribeTable", by_arn).await["Table"]["TableName"], "tab");
    let gone = world.ok("DeleteTable", json!({"TableName": "tab"})).await;
    assert_eq!(gone["TableDescription"]["TableStatus"], "DELETING");
    assert_eq!(
        world.err("DescribeTable", json!({"TableName": "tab"})).await,
        "ResourceNotFoundException: Requested resource not found: Table: tab not found"
    );
    // The items of one that had the name are not those of the next.
    world.ok("CreateTable", create(json!({}))).await;
    assert_eq!(world.get("tab", json!({"p": {"S": "k"}})).await, Value::Null);
    world.settle().await;
}

#[tokio::test]
async fn names_are_listed_in_pages() {
    let world = World::new().await;
    for name in ["bbb", "aaa", "ccc"] {
        world.table(name, None).await;
    }
    let first = world.ok("ListTables", json!({"Limit": 2})).await;
    assert_eq!(first, json!({"TableNames": ["aaa", "bbb"], "LastEvaluatedTableName": "bbb"}));
    let second = world.ok("ListTables", json!({"Limit": 2, "ExclusiveStartTableName": "bbb"})).await;
    assert_eq!(second, json!({"TableNames": ["ccc"]}));
}

#[tokio::test]
async fn tables_that_are_refused() {
    let world = World::new().await;
    let one = "One or more parameter values were invalid:";
    let index = |keys: Value, projection: Value| json!([{"IndexName": "idx", "KeySchema": keys, "Projection": projection}]);
    let both =
        json!([{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "S"}]);
    let all = json!({"ProjectionType": "ALL"});
    for (change, message) in [
        (
            json!({"TableName": "ab"}),
            "TableName must be at least 3 characters long and at most 255 characters long".to_owned(),
        ),
        (
            json!({"AttributeDefinitions": both}),
            format!(
                "{one} Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"
            ),
        ),
        (
            json!({"KeySchema": [{"AttributeName": "q", "KeyType": "HASH"}]}),
            format!(
                "{one} Some index key attributes are not defined in AttributeDefinitions. Keys: [q], AttributeDefinitions: [p]"
            ),
        ),
        (
            json!({"KeySchema": [{"AttributeName": "p", "KeyType": "RANGE"}]}),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type".into(),
        ),
        (
            json!({"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "HASH"}],
                   "AttributeDefinitions": both}),
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type".into(),
        ),
        (
            json!({"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "p", "KeyType": "RANGE"}]}),
            "Invalid KeySchema: Some index key attribute have no definition".into(),
        ),
        (
            json!({"BillingMode": "PROVISIONED"}),
            format!(
                "{one} ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
            ),
        ),
        (
            json!({"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}),
            format!(
                "{one} Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            ),
        ),
        (json!({"LocalSecondaryIndexes": []}), format!("{one} List of LocalSecondaryIndexes is empty")),
        (json!({"GlobalSecondaryIndexes": []}), format!("{one} List of GlobalSecondaryIndexes is empty")),
        (
            json!({"LocalSecondaryIndexes": index(json!([{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]), all.clone()), "AttributeDefinitions": both}),
            format!(
                "{one} Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
            ),
        ),
        (
            json!({"GlobalSecondaryIndexes": index(json!([{"AttributeName": "s", "KeyType": "HASH"}]), json!({})), "AttributeDefinitions": both}),
            format!("{one} Unknown ProjectionType: null"),
        ),
        (
            json!({"GlobalSecondaryIndexes": index(json!([{"AttributeName": "s", "KeyType": "HASH"}]), json!({"ProjectionType": "ALL", "NonKeyAttributes": ["x"]})), "AttributeDefinitions": both}),
            format!("{one} ProjectionType is ALL, but NonKeyAttributes is specified"),
        ),
        (
            json!({"GlobalSecondaryIndexes": index(json!([{"AttributeName": "s", "KeyType": "HASH"}]), json!({"ProjectionType": "INCLUDE"})), "AttributeDefinitions": both}),
            format!("{one} ProjectionType is INCLUDE, but NonKeyAttributes is not specified"),
        ),
        (
            json!({"StreamSpecification": {"StreamEnabled": true}}),
            format!("{one} Table is being created with a stream enabled, UpdateViewType is required"),
        ),
    ] {
        assert_eq!(world.err("CreateTable", create(change)).await, format!("ValidationException: {message}"));
    }
}
