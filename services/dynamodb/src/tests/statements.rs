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
    let page = json!({"Statement": "SELECT * FROM tab WHERE p = 'a'", "Limit": 3});
    let token = world.ok("ExecuteStatement", page).await["NextToken"].clone();
    for (token, error) in
        [(token, "NextToken does not match request"), (json!("none"), "Given nextToken is invalid")]
    {
        let other = json!({"Statement": "SELECT * FROM tab WHERE p = 'b'", "NextToken": token});
        assert_eq!(world.err("ExecuteStatement", other).await, format!("ValidationException: {error}"));
    }
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
async fn a_delete_of_nothing_asks_nothing_else() {
    let world = World::new().await;
    world.table("tab", None).await;
    world.put("tab", json!({"p": {"S": "a"}, "v": {"N": "1"}})).await;
    let delete = |p: &str| format!("DELETE FROM tab WHERE p = '{p}' AND v = 2 RETURNING ALL OLD *");
    assert_eq!(run(&world, &delete("none"), json!([])).await, json!([]));
    assert_eq!(
        run(&world, &delete("a"), json!([])).await,
        "ConditionalCheckFailedException: The conditional request failed"
    );
    let transaction =
        json!({"TransactStatements": [{"Statement": "DELETE FROM tab WHERE p = 'none' AND v = 2"}]});
    world.ok("ExecuteTransaction", transaction).await;
}

#[tokio::test]
async fn parts_of_documents_are_answered_under_their_last_names() {
    let world = World::new().await;
    world.table("tab", None).await;
    let list = json!({"L": [{"N": "1"}, {"M": {"c": {"N": "2"}}}]});
    world.put("tab", json!({"p": {"S": "a"}, "m": {"M": {"l": list, "n": {"M": {"x": {"S": "y"}}}}}})).await;
    let expected =
        json!({"l[0]": {"N": "1"}, "c": {"N": "2"}, "n": {"M": {"x": {"S": "y"}}}, "p": {"S": "a"}});
    let select = "SELECT p, m.l[0], m.l[1].c, m.n, m.none, p.none FROM tab WHERE p = 'a'";
    assert_eq!(run(&world, select, json!([])).await, json!([expected]));
    let statements = json!({"TransactStatements": [{"Statement": select}]});
    let answer = world.ok("ExecuteTransaction", statements).await;
    assert_eq!(answer["Responses"], json!([{"Item": expected}]));
}

#[tokio::test]
async fn alternatives_of_the_partition_key_are_queried_in_order() {
    let world = World::new().await;
    world.table("tab", Some(("s", "N"))).await;
    for (p, s) in [("a", 1), ("a", 2), ("b", 1), ("c", 1), ("c", 3), ("d", 1)] {
        world.put("tab", json!({"p": {"S": p}, "s": {"N": s.to_string()}})).await;
    }
    for (rest, found) in [
        ("p = 'c' OR p = 'a'", "c1 c3 a1 a2"),
        ("p = 'c' OR p = 'a' ORDER BY p", "a1 a2 c1 c3"),
        ("p IN ['b', 'c', 'a'] ORDER BY p DESC", "c1 c3 b1 a1 a2"),
        ("p IN ['b', 'c', 'a'] ORDER BY p DESC, s DESC", "c3 c1 b1 a2 a1"),
        ("(p = 'c' OR p IN ['a', 'b']) AND s > 1 ORDER BY p", "a2 c3"),
        ("p = 'a' AND s = 2 OR p = 'c' AND s = 1 ORDER BY p", "a2 c1"),
    ] {
        let items = run(&world, &format!("SELECT * FROM tab WHERE {rest}"), json!([])).await;
        let items = items.as_array().unwrap_or_else(|| panic!("{rest}: {items}"));
        let name = |item: &Value| {
            format!("{}{}", item["p"]["S"].as_str().unwrap(), item["s"]["N"].as_str().unwrap())
        };
        assert_eq!(items.iter().map(name).collect::<Vec<_>>().join(" "), found, "{rest}");
    }
    // A page may end where a partition does.
    for limit in 1..=5 {
        let statement = "SELECT * FROM tab WHERE p = 'c' OR p = 'x' OR p = 'a' ORDER BY p";
        let mut input = json!({"Statement": statement, "Limit": limit});
        let mut seen = String::new();
        loop {
            let page = world.ok("ExecuteStatement", input.clone()).await;
            let items = page["Items"].as_array().unwrap();
            assert!(items.len() <= limit);
            seen.extend(items.iter().map(|item| item["p"]["S"].as_str().unwrap()));
            if page["NextToken"].is_null() {
                break;
            }
            input["NextToken"] = page["NextToken"].clone();
        }
        assert_eq!(seen, "aacc", "{limit}");
    }
    // What may be any partition is looked for in all of them.
    let order = "SELECT * FROM tab WHERE p = 'c' OR s = 1 ORDER BY p";
    assert!(
        run(&world, order, json!([])).await.as_str().unwrap().contains("non-optional hash key condition")
    );
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

#[tokio::test]
async fn what_has_no_order_is_not_compared() {
    let world = World::new().await;
    world.table("tab", None).await;
    for (where_, operator, kind) in [
        ("v < true", "<", "BOOL"),
        ("v >= null", ">=", "NULL"),
        ("p = 'a' AND NOT (v > [1] OR v = 1)", ">", "L"),
        ("v BETWEEN 1 AND <<2>>", "BETWEEN", "NS"),
    ] {
        let wrong = format!(
            "ValidationException: Incorrect operand type for operator or function; operator or function: {operator}, operand \
             type: {kind}"
        );
        assert_eq!(
            run(&world, &format!("SELECT * FROM tab WHERE {where_}"), json!([])).await,
            wrong,
            "{where_}"
        );
    }
    assert_eq!(run(&world, "SELECT * FROM tab WHERE v = true AND v <> [1]", json!([])).await, json!([]));
    let twice = run(&world, "INSERT INTO tab VALUE {'p': 'a', 's': <<'x', 'y', 'x'>>}", json!([])).await;
    assert!(twice.as_str().unwrap().contains("duplicates"), "{twice}");
}

#[tokio::test]
async fn what_a_list_finds_comes_in_pages_of_ten() {
    let world = World::new().await;
    world.table("tab", Some(("s", "N"))).await;
    for i in 0..24 {
        world.put("tab", json!({"p": {"S": (i / 2).to_string()}, "s": {"N": i.to_string()}})).await;
    }
    let list: Vec<_> = (0..12).map(|i| format!("'{i}'")).collect();
    let mut input = json!({"Statement": format!("SELECT * FROM tab WHERE p IN [{}]", list.join(", "))});
    let mut pages = Vec::new();
    loop {
        let page = world.ok("ExecuteStatement", input.clone()).await;
        pages.push(page["Items"].as_array().unwrap().len());
        if page["NextToken"].is_null() {
            break;
        }
        input["NextToken"] = page["NextToken"].clone();
    }
    assert_eq!(pages, [10, 10, 4]);
    // Not so where there is one partition, or none that is named.
    for where_ in ["p = '0' OR p = '1'", "s IN [1, 2, 3]", "p IN ['0']"] {
        let page = world
            .ok("ExecuteStatement", json!({"Statement": format!("SELECT * FROM tab WHERE {where_}")}))
            .await;
        assert!(page["NextToken"].is_null(), "{where_}");
    }
}

#[tokio::test]
async fn a_statement_of_a_batch_that_is_throttled_says_so() {
    let world = World::new().await;
    world.table("tab", None).await;
    let bounds = json!({"TableName": "tab", "OnDemandThroughput": {"MaxReadRequestUnits": 1}});
    world.ok("UpdateTable", bounds).await;
    let read = json!({"Statement": "SELECT * FROM tab WHERE p = 'a'", "ConsistentRead": true});
    let mut codes = Vec::new();
    for _ in 0..20 {
        let batch = world.ok("BatchExecuteStatement", json!({"Statements": vec![read.clone(); 25]})).await;
        let responses = batch["Responses"].as_array().unwrap().iter();
        codes.extend(responses.filter_map(|response| response["Error"]["Code"].as_str().map(str::to_owned)));
    }
    codes.dedup();
    assert_eq!(codes, ["ThrottlingError"]);
}

#[tokio::test]
async fn indexes_are_refused_in_the_words_of_statements() {
    let world = World::new().await;
    let create = json!({
        "TableName": "tab", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "idx", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    world.ok("CreateTable", create).await;
    for (index, error) in [
        ("none", "The table does not have the specified index"),
        ("idx", "Strongly consistent read is not supported on Global Secondary Indexes"),
    ] {
        let select = format!("SELECT * FROM \"tab\".\"{index}\"");
        let input = json!({"Statement": select, "ConsistentRead": true});
        assert_eq!(world.err("ExecuteStatement", input).await, format!("ValidationException: {error}"));
    }
    assert_eq!(run(&world, "SELECT * FROM \"tab\".\"idx\"", json!([])).await, json!([]));
}
