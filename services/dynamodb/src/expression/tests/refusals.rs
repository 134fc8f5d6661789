use super::*;

fn syntax(token: &str, near: &str) -> String {
    format!("Syntax error; token: \"{token}\", near: \"{near}\"")
}

fn operand_type(name: &str, kind: &str) -> String {
    format!(
        "Incorrect operand type for operator or function; operator or function: {name}, operand type: {kind}"
    )
}

fn arity(name: &str, count: usize) -> String {
    format!(
        "Incorrect number of operands for operator or function; operator or function: {name}, number of operands: {count}"
    )
}

fn reserved(word: &str) -> String {
    format!("Attribute name is a reserved keyword; reserved keyword: {word}")
}

#[test]
fn conditions_that_are_refused() {
    let distinct = |name: &str, path: &str| {
        format!(
            "The first operand must be distinct from the remaining operands for this operator or function; operator: \
             {name}, first operand: {path}"
        )
    };
    let path_needed =
        |name: &str| format!("Operator or function requires a document path; operator or function: {name}");
    let misused = |name: &str| {
        format!("The function is not allowed to be used this way in an expression; function: {name}")
    };
    let unknown = |name: &str| format!("Invalid function name; function: {name}");
    let types = "valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}";
    let cases: Vec<(&str, String)> = vec![
        ("", "The expression can not be empty;".into()),
        ("a", syntax("<EOF>", "a")),
        ("a =", syntax("<EOF>", "=")),
        ("a = ", syntax("<EOF>", "=")),
        ("= :1", syntax("=", "= :1")),
        ("a = :1 AND", syntax("<EOF>", "AND")),
        ("a = :1 b = :2", syntax("b", ":1 b =")),
        ("a == :1", syntax("=", "== :1")),
        ("a != :1", syntax("!", "a !=")),
        ("a-b = :1", syntax("-", "a-b")),
        ("a = 1", syntax("1", "= 1")),
        ("a = 'x'", syntax("'", "= 'x")),
        ("a = \"x\"", syntax("\"", "= \"x")),
        ("a = :", syntax(":", "= :")),
        ("# = :1", syntax("#", "# =")),
        ("a = :1)", syntax(")", ":1)")),
        ("(a = :1", syntax("<EOF>", ":1")),
        ("a BETWEEN :1", syntax("<EOF>", ":1")),
        ("a BETWEEN :1 OR :2", syntax("OR", ":1 OR :2")),
        ("a IN :1", syntax(":1", "IN :1")),
        ("a IN ()", syntax(")", "()")),
        ("a IN (:1, )", syntax(")", ", )")),
        ("a[b] = :1", syntax("b", "[b]")),
        ("a[-1] = :1", syntax("-", "[-1")),
        ("a[0 = :1", syntax("=", "0 = :1")),
        ("a..b = :1", syntax(".", "..b")),
        (".a = :1", syntax(".", ".a")),
        ("a. = :1", syntax("=", ". = :1")),
        ("AND a = :1", syntax("AND", "AND a")),
        ("NOT", syntax("<EOF>", "NOT")),
        ("a = :1 OR OR a = :2", syntax("OR", "OR OR a")),
        ("a NOT IN (:1)", syntax("NOT", "a NOT IN")),
        ("size()", syntax(")", "()")),
        ("a = b = c", syntax("=", "b = c")),
        ("a + b = :1", syntax("+", "a + b")),
        ("é = :1", syntax("é", "é =")),
        ("a ; b", syntax(";", "a ; b")),
        ("a = @b", syntax("@", "= @b")),
        ("name = :1", reserved("name")),
        ("Name = :1", reserved("Name")),
        ("a = :1 AND status = :1", reserved("status")),
        ("a.name = :1", reserved("name")),
        ("attribute_exists(items)", reserved("items")),
        ("year BETWEEN :1 AND :2", reserved("year")),
        ("a IN (value)", reserved("value")),
        ("NOT date = :1", reserved("date")),
        ("size(region) > :1", reserved("region")),
        (
            "#missing = :1",
            "An expression attribute name used in the document path is not defined; attribute name: #missing".into(),
        ),
        (
            "a.#missing = :1",
            "An expression attribute name used in the document path is not defined; attribute name: #missing".into(),
        ),
        (
            "a = :missing",
            "An expression attribute value used in expression is not defined; attribute value: :missing".into(),
        ),
        (
            "a IN (:1, :missing)",
            "An expression attribute value used in expression is not defined; attribute value: :missing".into(),
        ),
        ("foo(a)", unknown("foo")),
        ("foo(a) = :1", unknown("foo")),
        ("Size(a) = :1", unknown("Size")),
        ("ATTRIBUTE_EXISTS(a)", unknown("ATTRIBUTE_EXISTS")),
        ("if_not_exists(a, :1)", unknown("if_not_exists")),
        ("list_append(a, :l) = :1", unknown("list_append")),
        ("a = foo(b)", unknown("foo")),
        ("size(a)", misused("size")),
        ("attribute_exists(a) = :true", misused("attribute_exists")),
        ("a = contains(b, :1)", misused("contains")),
        ("contains(attribute_exists(a), :1)", misused("attribute_exists")),
        ("attribute_exists(a, b)", arity("attribute_exists", 2)),
        ("attribute_not_exists(a, b, c)", arity("attribute_not_exists", 3)),
        ("attribute_type(a)", arity("attribute_type", 1)),
        ("begins_with(a)", arity("begins_with", 1)),
        ("begins_with(a, :he, :he)", arity("begins_with", 3)),
        ("contains(a)", arity("contains", 1)),
        ("size(a, b) = :1", arity("size", 2)),
        ("attribute_exists(:1)", path_needed("attribute_exists")),
        ("attribute_not_exists(:1)", path_needed("attribute_not_exists")),
        ("attribute_exists(size(a))", path_needed("attribute_exists")),
        ("attribute_type(:1, :S)", path_needed("attribute_type")),
        ("attribute_type(a, :1)", operand_type("attribute_type", "N")),
        ("attribute_type(a, :FOO)", format!("Invalid attribute type name found; type: FOO, {types}")),
        ("begins_with(a, :1)", operand_type("begins_with", "N")),
        ("begins_with(:1, a)", operand_type("begins_with", "N")),
        ("begins_with(a, :ss)", operand_type("begins_with", "SS")),
        ("begins_with(a, :null)", operand_type("begins_with", "NULL")),
        ("contains(:1, a)", operand_type("contains", "N")),
        ("contains(:true, a)", operand_type("contains", "BOOL")),
        ("size(:1) = :1", operand_type("size", "N")),
        ("size(:true) = :1", operand_type("size", "BOOL")),
        ("size(:null) = :1", operand_type("size", "NULL")),
        ("a < :true", operand_type("<", "BOOL")),
        ("a <= :null", operand_type("<=", "NULL")),
        ("a > :ss", operand_type(">", "SS")),
        ("a >= :l", operand_type(">=", "L")),
        (":m < a", operand_type("<", "M")),
        ("a BETWEEN :true AND :false", operand_type("BETWEEN", "BOOL")),
        ("a BETWEEN :ss AND :ss", operand_type("BETWEEN", "SS")),
        (
            "a BETWEEN :2 AND :1",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: \
             AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}".into(),
        ),
        (
            "a BETWEEN :z AND :a",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: \
             AttributeValue: {S:z}, upper bound operand: AttributeValue: {S:a}".into(),
        ),
        (
            "a BETWEEN :1 AND :a",
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: \
             {N:1}, upper bound operand: AttributeValue: {S:a}".into(),
        ),
        ("a = a", distinct("=", "[a]")),
        ("a <> a", distinct("<>", "[a]")),
        ("a.b[1] < a.b[1]", distinct("<", "[a, b, [1]]")),
        ("a BETWEEN a AND :1", distinct("BETWEEN", "[a]")),
        ("a IN (:1, a)", distinct("IN", "[a]")),
        ("begins_with(a, a)", distinct("begins_with", "[a]")),
        ("contains(a, a)", distinct("contains", "[a]")),
        ("n = #n", distinct("=", "[n]")),
        ("((a = :1))", "The expression has redundant parentheses;".into()),
        ("a = :1 AND ((b = :1))", "The expression has redundant parentheses;".into()),
        ("((a = :1 AND b = :1))", "The expression has redundant parentheses;".into()),
        ("((a)) = :1", "The expression has redundant parentheses;".into()),
    ];
    let placeholders = placeholders();
    let long = format!("a = :1 AND {}", "a".repeat(4096));
    let size =
        format!("Expression size has exceeded the maximum allowed size; expression size: {}", long.len());
    let in_many = format!("a IN ({})", vec![":1"; 101].join(","));
    let in_words = "The IN operator is provided with too many operands; number of operands: 101".to_owned();
    let all = |count: usize| vec!["a <> :1"; count].join(" OR ");
    let (some, many) = (all(150), all(151));
    // A function that is a condition by itself is one operator.
    let functions = |count: usize| vec!["contains(a, :1)"; count].join(" AND ");
    let (some_functions, many_functions) = (functions(150), functions(151));
    let operators = "The expression contains too many operators; operator count: 301".to_owned();
    let deep = format!("attribute_exists(a{})", ".b".repeat(32));
    let levels = "The document path has too many nesting levels; nesting levels: 33".to_owned();
    let index = |digits: &str| format!("List index is not within the allowable range; index: [{digits}]");
    let more = [
        (long.as_str(), size),
        (in_many.as_str(), in_words),
        (many.as_str(), operators.clone()),
        (many_functions.as_str(), operators),
        (deep.as_str(), levels),
        ("a[2147483648] = :1", index("2147483648")),
        ("a[99999999999999] = :1", index("99999999999999")),
    ];
    for text in [
        some.as_str(),
        &some_functions,
        &format!("attribute_exists(a{})", ".b".repeat(31)),
        "a[2147483647] = :1",
    ] {
        assert!(Condition::parse("FilterExpression", text, &placeholders).is_ok(), "{text}");
    }
    assert!(cases.len() >= 100, "{}", cases.len());
    for (text, why) in cases.iter().chain(&more) {
        match Condition::parse("FilterExpression", text, &placeholders) {
            Ok(condition) => panic!("{text} went through: {condition:?}"),
            Err(error) => assert_eq!(
                error.to_string(),
                format!("ValidationException: Invalid FilterExpression: {why}"),
                "{text}"
            ),
        }
    }
}

#[test]
fn updates_that_are_refused() {
    let twice =
        |clause: &str| format!("The \"{clause}\" section can only be used once in an update expression;");
    let overlap = |word: &str, one: &str, two: &str| {
        format!(
            "Two document paths {word} with each other; must remove or rewrite one of these paths; path one: {one}, path \
             two: {two}"
        )
    };
    let wrong_set = |clause: &str, kind: &str| {
        format!(
            "Incorrect operand type for operator or function; operator: {clause}, operand type: {kind}, typeSet: \
             ALLOWED_FOR_{clause}_OPERAND"
        )
    };
    let cases: Vec<(&str, String)> = vec![
        ("", "The expression can not be empty;".into()),
        ("SET", syntax("<EOF>", "SET")),
        ("a = :1", syntax("a", "a =")),
        ("SET a", syntax("<EOF>", "a")),
        ("SET a =", syntax("<EOF>", "=")),
        ("SET a = :1,", syntax("<EOF>", ",")),
        ("SET a = :1 b = :2", syntax("b", ":1 b =")),
        ("SET a :1", syntax(":1", "a :1")),
        ("SET :1 = a", syntax(":1", "SET :1 =")),
        ("SET a = 1", syntax("1", "= 1")),
        ("SET a = :1 + :2 + :3", syntax("+", ":2 + :3")),
        ("SET a = :1 * :2", syntax("*", ":1 * :2")),
        ("REMOVE", syntax("<EOF>", "REMOVE")),
        ("REMOVE a b", syntax("b", "a b")),
        ("REMOVE :1", syntax(":1", "REMOVE :1")),
        ("ADD a", syntax("<EOF>", "a")),
        ("ADD a = :1", syntax("=", "a = :1")),
        ("DELETE a", syntax("<EOF>", "a")),
        ("UPDATE a", syntax("UPDATE", "UPDATE a")),
        ("SET a = :1 SET b = :2", twice("SET")),
        ("REMOVE a REMOVE b", twice("REMOVE")),
        ("ADD a :1 SET b = :1 ADD c :1", twice("ADD")),
        ("DELETE a :ss DELETE b :ss", twice("DELETE")),
        ("SET name = :1", reserved("name")),
        ("SET a = name", reserved("name")),
        ("REMOVE a.status", reserved("status")),
        ("ADD count :1", reserved("count")),
        ("SET a = if_not_exists(date, :1)", reserved("date")),
        ("SET a = foo(b)", "Invalid function name; function: foo".into()),
        ("SET a = size(b)", "Invalid function name; function: size".into()),
        ("SET a = contains(b, :1)", "Invalid function name; function: contains".into()),
        (
            "SET #missing = :1",
            "An expression attribute name used in the document path is not defined; attribute name: #missing"
                .into(),
        ),
        (
            "SET a = :missing",
            "An expression attribute value used in expression is not defined; attribute value: :missing"
                .into(),
        ),
        (
            "ADD a :missing",
            "An expression attribute value used in expression is not defined; attribute value: :missing"
                .into(),
        ),
        ("SET a = if_not_exists(b)", arity("if_not_exists", 1)),
        ("SET a = if_not_exists(b, :1, :2)", arity("if_not_exists", 3)),
        ("SET a = list_append(:l)", arity("list_append", 1)),
        (
            "SET a = if_not_exists(:1, :2)",
            "Operator or function requires a document path; operator or function: if_not_exists".into(),
        ),
        ("SET a = list_append(:1, b)", operand_type("list_append", "N")),
        ("SET a = list_append(b, :ss)", operand_type("list_append", "SS")),
        ("SET a = list_append(b, :he)", operand_type("list_append", "S")),
        ("SET a = b + :he", operand_type("+", "S")),
        ("SET a = :l - b", operand_type("-", "L")),
        ("SET a = if_not_exists(a, :he) + :1", operand_type("+", "S")),
        ("ADD a :he", wrong_set("ADD", "STRING")),
        ("ADD a :l", wrong_set("ADD", "LIST")),
        ("ADD a :m", wrong_set("ADD", "MAP")),
        ("ADD a :true", wrong_set("ADD", "BOOLEAN")),
        ("ADD a :null", wrong_set("ADD", "NULL")),
        ("ADD a :bin", wrong_set("ADD", "BINARY")),
        ("DELETE a :1", wrong_set("DELETE", "NUMBER")),
        ("DELETE a :he", wrong_set("DELETE", "STRING")),
        ("DELETE a :l", wrong_set("DELETE", "LIST")),
        ("SET a = :1, a = :2", overlap("overlap", "[a]", "[a]")),
        ("SET a = :1 REMOVE a", overlap("overlap", "[a]", "[a]")),
        ("SET a = :1, a.b = :2", overlap("overlap", "[a]", "[a, b]")),
        ("SET a.b.c = :1 REMOVE a.b", overlap("overlap", "[a, b, c]", "[a, b]")),
        ("SET a[0] = :1 REMOVE a", overlap("overlap", "[a, [0]]", "[a]")),
        ("SET a[1] = :1, a[1].b = :2", overlap("overlap", "[a, [1]]", "[a, [1], b]")),
        ("SET a[0] = :1, a.b = :2", overlap("conflict", "[a, [0]]", "[a, b]")),
        ("SET n = :1 ADD #n :1", overlap("overlap", "[n]", "[n]")),
    ];
    let placeholders = placeholders();
    assert!(cases.len() >= 60, "{}", cases.len());
    for (text, why) in cases {
        match Update::parse(text, &placeholders) {
            Ok(update) => panic!("{text} went through: {update:?}"),
            Err(error) => assert_eq!(
                error.to_string(),
                format!("ValidationException: Invalid UpdateExpression: {why}"),
                "{text}"
            ),
        }
    }
}

#[test]
fn projections_that_are_refused() {
    let overlap = |one: &str, two: &str| {
        format!(
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: {one}, path \
             two: {two}"
        )
    };
    for (text, why) in [
        ("", "The expression can not be empty;".to_owned()),
        ("a,", syntax("<EOF>", ",")),
        ("a b", syntax("b", "a b")),
        (",a", syntax(",", ",a")),
        ("a..b", syntax(".", "..b")),
        ("a[", syntax("<EOF>", "[")),
        ("a[]", syntax("]", "[]")),
        (":1", syntax(":1", ":1")),
        ("a-b", syntax("-", "a-b")),
        ("size(a)", syntax("(", "size(a")),
        ("name", reserved("name")),
        ("a, b.value", reserved("value")),
        ("a, a", overlap("[a]", "[a]")),
        ("a, b, a.c", overlap("[a]", "[a, c]")),
        ("a[0].b, a[0]", overlap("[a, [0], b]", "[a, [0]]")),
        (
            "#missing",
            "An expression attribute name used in the document path is not defined; attribute name: #missing"
                .into(),
        ),
    ] {
        match Projection::parse(text, &placeholders()) {
            Ok(projection) => panic!("{text} went through: {projection:?}"),
            Err(error) => assert_eq!(
                error.to_string(),
                format!("ValidationException: Invalid ProjectionExpression: {why}"),
                "{text}"
            ),
        }
    }
}

#[test]
fn placeholders_that_are_refused() {
    let names = |entries: &[(&str, &str)]| -> Option<Map<String>> {
        Some(entries.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    };
    let values = |entries: &[(&str, &str)]| -> Option<Map<AttributeValue>> {
        let value = |json: &str| short(&serde_json::from_str(json).unwrap());
        Some(entries.iter().map(|(name, json)| (*name, value(json))).collect())
    };
    let given = [("UpdateExpression", true), ("ConditionExpression", false)];
    let neither = [("UpdateExpression", false), ("ConditionExpression", false)];
    let only_condition = [("ConditionExpression", false)];
    let projected = [("ProjectionExpression", true), ("FilterExpression", false)];
    for (names, values, expressions, why) in [
        (
            names(&[("#a", "a")]),
            None,
            &neither[..],
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            None,
            values(&[(":a", "1")]),
            &neither[..],
            "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and \
             ConditionExpression are null",
        ),
        (
            None,
            values(&[(":a", "1")]),
            &only_condition[..],
            "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
        ),
        (
            None,
            values(&[(":a", "1")]),
            &projected[..],
            "ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null",
        ),
        (names(&[]), None, &given[..], "ExpressionAttributeNames must not be empty"),
        (None, values(&[]), &given[..], "ExpressionAttributeValues must not be empty"),
        (
            names(&[("a", "a")]),
            None,
            &given[..],
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"",
        ),
        (
            names(&[("#", "a")]),
            None,
            &given[..],
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#\"",
        ),
        (
            names(&[("#a-b", "a")]),
            None,
            &given[..],
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#a-b\"",
        ),
        (
            None,
            values(&[("a", "1")]),
            &given[..],
            "ExpressionAttributeValues contains invalid key: Syntax error; key: \"a\"",
        ),
        (
            None,
            values(&[("#a", "1")]),
            &given[..],
            "ExpressionAttributeValues contains invalid key: Syntax error; key: \"#a\"",
        ),
        (
            None,
            values(&[(":a", r#"{"SS": []}"#)]),
            &given[..],
            "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  \
             may not be empty for key :a",
        ),
        (
            None,
            values(&[(":a", r#"{"N": "x"}"#)]),
            &given[..],
            "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for \
             key :a",
        ),
    ] {
        let error = Placeholders::of(names, values, expressions).err().unwrap();
        assert_eq!(error.to_string(), format!("ValidationException: {why}"));
    }
    let placeholders =
        Placeholders::of(names(&[("#a", "a"), ("#b", "b")]), values(&[(":a", "1"), (":b", "2")]), &given)
            .unwrap();
    let unused = |what: &str, key: &str| {
        format!("ValidationException: Value provided in {what} unused in expressions: keys: {{{key}}}")
    };
    Update::parse("SET #a = :a", &placeholders).unwrap();
    assert_eq!(placeholders.check_used().unwrap_err().to_string(), unused("ExpressionAttributeNames", "#b"));
    Projection::parse("#b", &placeholders).unwrap();
    assert_eq!(placeholders.check_used().unwrap_err().to_string(), unused("ExpressionAttributeValues", ":b"));
    Condition::parse("ConditionExpression", "c = :b", &placeholders).unwrap();
    placeholders.check_used().unwrap();
}
