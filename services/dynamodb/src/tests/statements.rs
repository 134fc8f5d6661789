use serde_json::{Value, json};

use super::world::World;

async fn run(world: &World, statement: &str, parameters: Value) -> Value {
    let mut input = json!({"Statement": statement});
    if parameters.as_array().is_some_and(|all| !all.is_empty()) {
        input["Parameters"] = parameters;
    }
    match world.call("ExecuteStatement", input).await {
        Ok(answer) => answer["Items"].clone(),
        Err((error, _)) => Value::String(error),
    }
}

#[tokio::test]
async fn statements_do_what_they_say() {
    let world = World::new().await;
    world.table("tab", Some(("s", "N"))).await;
    for i in 1..=5 {
        let done = run(
            &world,
            "INSERT INTO tab VALUE {'p': 'a', 's': ?, 'v': ?}",
            json!([{"N": i.to_string()}, {"S": format!("v{i}")}]),
        )
        .await;
        assert_eq!(done, json!([]));
    }
    assert_eq!(
        run(&world, "INSERT INTO tab VALUE {'p': 'a', 's': 1}", json!([])).await,
        "DuplicateItemException: Duplicate primary key exists in table"
    );
    for (statement, sorts) in [
        ("SELECT s FROM tab WHERE p = 'a'", vec!["1", "2", "3", "4", "5"]),
        ("SELECT s FROM \"tab\" WHERE p = 'a' AND s > 3", vec!["4", "5"]),
        ("SELECT s FROM tab WHERE p = 'a' AND s BETWEEN 2 AND 3", vec!["2", "3"]),
        ("SELECT s FROM tab WHERE p = 'a' ORDER BY s DESC", vec!["5", "4", "3", "2", "1"]),
        ("SELECT s FROM tab WHERE p = 'a' AND v = 'v2'", vec!["2"]),
        ("SELECT s FROM tab WHERE v IN ['v1', 'v5']", vec!["1", "5"]),
        ("SELECT s FROM tab WHERE p IN ['a', 'b'] AND s = 4", vec!["4"]),
        ("SELECT s FROM tab WHERE begins_with(v, 'v') AND NOT s < 5", vec!["5"]),
        ("SELECT s FROM tab WHERE p = 'none'", vec![]),
        ("SELECT s FROM tab WHERE p = 'a' AND x IS MISSING AND s <= 1", vec!["1"]),
    ] {
        let items = run(&world, statement, json!([])).await;
        let found: Vec<_> = items
            .as_array()
            .unwrap_or_else(|| panic!("{statement}: {items}"))
            .iter()
            .map(|item| item["s"]["N"].as_str().unwrap())
            .collect();
        assert_eq!(found, sorts, "{statement}");
    }
    assert_eq!(
        run(
            &world,
            "UPDATE tab SET v = 'new' SET n = 1 WHERE p = 'a' AND s = 1 RETURNING MODIFIED NEW *",
            json!([])
        )
        .await,
        json!([{"v": {"S": "new"}, "n": {"N": "1"}}])
    );
    assert_eq!(
        run(
            &world,
            "UPDATE tab SET n = n + 1 REMOVE v WHERE p = 'a' AND s = 1 AND n = 1 RETURNING ALL NEW *",
            json!([])
        )
        .await,
        json!([{"p": {"S": "a"}, "s": {"N": "1"}, "n": {"N": "2"}}])
    );
    for (statement, error) in [
        (
            "UPDATE tab SET n = 1 WHERE p = 'a' AND s = 99",
            "ConditionalCheckFailedException: The conditional request failed",
        ),
        (
            "UPDATE tab SET n = 1 WHERE p = 'a' AND s = 1 AND n = 7",
            "ConditionalCheckFailedException: The conditional request failed",
        ),
        (
            "UPDATE tab SET n = 1 WHERE p = 'a'",
            "ValidationException: Where clause does not contain a mandatory equality on all key attributes",
        ),
        (
            "DELETE FROM tab WHERE s = 1",
            "ValidationException: Where clause does not contain a mandatory equality on all key attributes",
        ),
        (
            "DELETE FROM tab",
            "ValidationException: Where clause does not contain a mandatory equality on all key attributes",
        ),
        (
            "UPDATE tab SET n = 1",
            "ValidationException: Where clause does not contain a mandatory equality on all key attributes",
        ),
        (
            "SELECT * FROM tab WHERE s = 1 ORDER BY s",
            "ValidationException: Must have at least one non-optional hash key condition in WHERE clause when using ORDER \
             BY clause.",
        ),
        ("SELECT * FROM none", "ResourceNotFoundException: Requested resource not found"),
        (
            "SELECT * FROM",
            "ValidationException: Statement wasn't well formed, can't be processed: Unexpected end of statement",
        ),
    ] {
        assert_eq!(run(&world, statement, json!([])).await, error, "{statement}");
    }
    assert_eq!(
        run(&world, "DELETE FROM tab WHERE p = 'a' AND s = 1 RETURNING ALL OLD *", json!([])).await,
        json!([{"p": {"S": "a"}, "s": {"N": "1"}, "n": {"N": "2"}}])
    );
    // Pages.
    let (mut seen, mut input) = (0, json!({"Statement": "SELECT * FROM tab WHERE p = 'a'", "Limit": 3}));
    loop {
        let page = world.ok("ExecuteStatement", input.clone()).await;
        seen += page["Items"].as_array().unwrap().len();
        if page["NextToken"].is_null() {
            break;
        }
        input["NextToken"] = page["NextToken"].clone();
    }
    assert_eq!(seen, 4);
    let batch = world.ok("BatchExecuteStatement", json!({"Statements": [
        {"Statement": "SELECT * FROM tab WHERE p = 'a' AND s = 2"}, {"Statement": "SELECT * FROM tab WHERE p = 'a'"},
        {"Statement": "SELECT * FROM none WHERE p = 'a' AND s = 2"},
    ]})).await;
    assert_eq!(batch["Responses"][0]["Item"]["v"], json!({"S": "v2"}));
    assert_eq!(batch["Responses"][1]["Error"]["Code"], "ValidationError");
    assert_eq!(batch["Responses"][2]["Error"]["Code"], "ResourceNotFound");
    world.ok("ExecuteTransaction", json!({"TransactStatements": [
        {"Statement": "EXISTS(SELECT * FROM tab WHERE p = 'a' AND s = 2 AND v = 'v2')"}, {"Statement": "INSERT INTO tab VALUE {'p': 'b', 's': 1}"},
    ]})).await;
    let error = world.err("ExecuteTransaction", json!({"TransactStatements": [
        {"Statement": "INSERT INTO tab VALUE {'p': 'c', 's': 1}"}, {"Statement": "INSERT INTO tab VALUE {'p': 'b', 's': 1}"},
    ]})).await;
    assert!(error.ends_with("[None, DuplicateItem]"), "{error}");
    assert_eq!(world.get("tab", json!({"p": {"S": "c"}, "s": {"N": "1"}})).await, Value::Null);
}

#[tokio::test]
async fn lists_of_in_are_limited() {
    let world = World::new().await;
    world.table("tab", Some(("s", "N"))).await;
    world.put("tab", json!({"p": {"S": "1"}, "s": {"N": "1"}, "v": {"S": "1"}})).await;
    let list = |count: usize| (1..=count).map(|i| format!("'{i}'")).collect::<Vec<_>>().join(", ");
    let numbers = |count: usize| (1..=count).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let one = json!([{"v": {"S": "1"}}]);
    for where_ in [
        format!("p IN [{}]", list(50)),
        format!("p = '1' AND v IN ({})", list(100)),
        format!("p = '1' AND s IN [{}]", numbers(100)),
    ] {
        assert_eq!(
            run(&world, &format!("SELECT v FROM tab WHERE {where_}"), json!([])).await,
            one,
            "{where_}"
        );
    }
    let too_many = |count: usize| {
        format!(
            "ValidationException: The IN operator is provided with too many operands; number of operands: {count}"
        )
    };
    for (statement, count) in [
        (format!("SELECT v FROM tab WHERE p IN [{}]", list(51)), 51),
        (format!("SELECT v FROM tab WHERE s = 1 OR NOT p IN [{}]", list(51)), 51),
        (format!("SELECT v FROM tab WHERE v IN ({})", list(101)), 101),
        (format!("SELECT v FROM tab WHERE p.x IN ({})", list(101)), 101),
        (format!("UPDATE tab SET w = 1 WHERE p = '1' AND s = 1 AND v IN [{}]", list(101)), 101),
        (format!("DELETE FROM tab WHERE p = '1' AND s = 1 AND p IN [{}]", list(51)), 51),
    ] {
        assert_eq!(run(&world, &statement, json!([])).await, too_many(count), "{statement}");
    }
    let values: Vec<_> = (1..=51).map(|i| json!({"S": i.to_string()})).collect();
    let given = run(&world, "SELECT v FROM tab WHERE p IN ?", json!([{"L": values}])).await;
    assert_eq!(given, too_many(51));
    let read = format!("SELECT v FROM tab WHERE p = '1' AND s = 1 AND v IN [{}]", list(101));
    let batch = world.ok("BatchExecuteStatement", json!({"Statements": [{"Statement": read}]})).await;
    assert_eq!(batch["Responses"][0]["Error"]["Code"], "ValidationError");
    let transaction = json!({"TransactStatements": [{"Statement": read}]});
    assert_eq!(world.err("ExecuteTransaction", transaction).await, too_many(101));
}

#[tokio::test]
async fn a_transaction_of_reads_tells_of_each_table_once() {
    let world = World::new().await;
    world.table("tab", None).await;
    let read = |p: &str| json!({"Statement": format!("SELECT * FROM tab WHERE p = '{p}'")});
    let input = json!({"TransactStatements": [read("a"), read("b")], "ReturnConsumedCapacity": "TOTAL"});
    let answer = world.ok("ExecuteTransaction", input).await;
    let expected = json!([{"TableName": "tab", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}]);
    assert_eq!(answer["ConsumedCapacity"], expected);
}
