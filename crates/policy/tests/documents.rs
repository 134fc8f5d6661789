//! What is refused, where, and in which words; and what is accepted.

use haneul_policy::{ErrorKind, Policy, Presence, PrincipalKind, PrincipalRef, Rules};

const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";
const VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const NO_PRINCIPAL: &str = "Policy document should not specify a principal.";

fn refused(rules: &Rules, rows: &[(&str, &str, &str)]) {
    for (document, path, message) in rows {
        let error = Policy::parse(document, rules).expect_err(document);
        assert_eq!((error.path.as_str(), error.message.as_str()), (*path, *message), "{document}");
    }
}

fn accepted(rules: &Rules, documents: &[&str]) {
    for document in documents {
        let policy =
            Policy::parse(document, rules).unwrap_or_else(|e| panic!("{document}: {e} at {}", e.path));
        let again = Policy::parse(&policy.to_json(), rules).expect("its own text");
        assert_eq!(policy, again, "{document}");
        assert_eq!(policy.to_json(), again.to_json());
    }
}

/// An identity policy of one statement.
fn with(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

fn refused_statements(rules: &Rules, rows: &[(&str, &str, &str)]) {
    for (statement, path, message) in rows {
        refused(rules, &[(&with(statement), path, message)]);
    }
}

#[test]
fn documents() {
    let s = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let doc = |text: &str| text.replace('S', s).replace("tatement", "Statement").replace("ersion", "Version");
    refused(
        &Rules::IDENTITY,
        &[
            ("", "", SYNTAX),
            ("{", "", SYNTAX),
            ("[]", "", SYNTAX),
            ("\"x\"", "", SYNTAX),
            ("{}", "Statement", SYNTAX),
            (&doc(r#"{"ersion":"2012-10-17","tatement":S,}"#), "", SYNTAX),
            (&doc(r#"{"ersion":"2012-10-17","ersion":"2012-10-17","tatement":S}"#), "", SYNTAX),
            (&doc(r#"{"ersion":"2012-10-17","tatement":S,"Extra":1}"#), "Extra", SYNTAX),
            (&doc(r#"{"ersion":"2012-10-18","tatement":S}"#), "Version", SYNTAX),
            (&doc(r#"{"ersion":2012,"tatement":S}"#), "Version", SYNTAX),
            (&doc(r#"{"ersion":"2012-10-17","tatement":[]}"#), "Statement", SYNTAX),
            (&doc(r#"{"ersion":"2012-10-17","tatement":["x"]}"#), "Statement[0]", SYNTAX),
            (&doc(r#"{"ersion":"2012-10-17","tatement":"x"}"#), "Statement", SYNTAX),
            (&doc(" {\"ersion\":\"2012-10-17\",\"tatement\":S}"), "", LEGACY),
        ],
    );
    let version = "Policy document must be version 2012-10-17 or greater.";
    refused(
        &Rules::MANAGED,
        &[
            (&doc(r#"{"tatement":S}"#), "Version", version),
            (&doc(r#"{"ersion":"2008-10-17","tatement":S}"#), "Version", version),
        ],
    );
    accepted(
        &Rules::IDENTITY,
        &[
            &doc(r#"{"tatement":S}"#),
            &doc(r#"{"tatement":[S,S],"ersion":"2012-10-17"}"#),
            &doc(r#"{"ersion":"2008-10-17","Id":"x y","tatement":S}"#),
            &doc("{\n \"ersion\" : \"2012-10-17\", \"tatement\" : [ S ]\n}\n"),
        ],
    );
}

#[test]
fn statements() {
    refused_statements(
        &Rules::IDENTITY,
        &[
            (r#"{"Action":"*","Resource":"*"}"#, "Statement[0].Effect", SYNTAX),
            (r#"{"Effect":"allow","Action":"*","Resource":"*"}"#, "Statement[0].Effect", LEGACY),
            (r#"{"Effect":"perhaps","Action":"*","Resource":"*"}"#, "Statement[0].Effect", SYNTAX),
            (
                r#"{"Effect":"Allow","Resource":"*"}"#,
                "Statement[0].Action",
                "Policy statement must contain actions.",
            ),
            (
                r#"{"Effect":"Allow","Action":[],"Resource":"*"}"#,
                "Statement[0].Action",
                "Policy statement must contain actions.",
            ),
            (
                r#"{"Effect":"Allow","Action":"*"}"#,
                "Statement[0].Resource",
                "Policy statement must contain resources.",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":[]}"#,
                "Statement[0].Resource",
                "Policy statement must contain resources.",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}"#,
                "Statement[0].NotAction",
                SYNTAX,
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"}"#,
                "Statement[0].NotResource",
                SYNTAX,
            ),
            (r#"{"Effect":"Allow","Action":"*","Resource":"*","Foo":1}"#, "Statement[0].Foo", SYNTAX),
            (r#"{"Effect":"Allow","Action":1,"Resource":"*"}"#, "Statement[0].Action", SYNTAX),
            (r#"{"Effect":"Allow","Action":{"a":1},"Resource":"*"}"#, "Statement[0].Action", SYNTAX),
            (r#"{"Effect":"Allow","Action":"*","Resource":{"a":"b"}}"#, "Statement[0].Resource", SYNTAX),
            (
                r#"{"Sid":"a-b","Effect":"Allow","Action":"*","Resource":"*"}"#,
                "Statement[0].Sid",
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
            ),
            (
                r#"{"Sid":"a","Effect":"Allow"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}"#,
                "Statement",
                "Statement IDs (SID) in a single policy must be unique.",
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#,
                "Statement[0].Principal",
                NO_PRINCIPAL,
            ),
            (
                r#"{"Effect":"Allow","NotPrincipal":"*","Action":"*","Resource":"*"}"#,
                "Statement[0].NotPrincipal",
                NO_PRINCIPAL,
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":[]}"#,
                "Statement[0].Condition",
                SYNTAX,
            ),
        ],
    );
}

#[test]
fn actions_and_resources() {
    refused_statements(
        &Rules::IDENTITY,
        &[
            (r#"{"Effect":"Allow","Action":"GetObject","Resource":"*"}"#, "Statement[0].Action", VENDOR),
            // One sort of fault after another, and not one statement after another.
            (
                r#"{"Effect":"Allow","Action":"x","Resource":"y"},{"Effect":"Allow","Action":"*","Resource":"z"}"#,
                "Statement[0].Resource",
                "Resource y must be in ARN format or \"*\".",
            ),
            (
                r#"{"Effect":"Allow","Action":"x","Resource":"y"},{"Effect":"Allow","Action":"*"}"#,
                "Statement[1].Resource",
                "Policy statement must contain resources.",
            ),
            (
                r#"{"Effect":"Allow","Resource":"y"},{"Effect":"allow","Action":"*"}"#,
                "Statement[1].Effect",
                LEGACY,
            ),
            (r#"{"Effect":"Allow","Action":":Get","Resource":"*"}"#, "Statement[0].Action", VENDOR),
            (
                r#"{"Effect":"Allow","Action":"s3*:Get","Resource":"*"}"#,
                "Statement[0].Action",
                "Vendor s3* is not valid",
            ),
            (
                r#"{"Effect":"Allow","Action":"a b:Get","Resource":"*"}"#,
                "Statement[0].Action",
                "Vendor a b is not valid",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:us-east-1::bucket/*"}"#,
                "Statement[0].Resource",
                "Resource arn:aws:s3:us-east-1::bucket/* can not contain region information.",
            ),
            (
                r#"{"Effect":"Allow","Action":"ec2:ec2:Run","Resource":"*"}"#,
                "Statement[0].Action",
                "Actions/Condition can contain only one colon.",
            ),
            (r#"{"Effect":"Allow","Action":"s3:","Resource":"*"}"#, "Statement[0].Action", SYNTAX),
            (r#"{"Effect":"Allow","Action":"s3:Get Object","Resource":"*"}"#, "Statement[0].Action", SYNTAX),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"bucket"}"#,
                "Statement[0].Resource",
                "Resource bucket must be in ARN format or \"*\".",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":""}"#,
                "Statement[0].Resource",
                "Resource  must be in ARN format or \"*\".",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3"}"#,
                "Statement[0].Resource",
                "Resource arn:aws:s3 can not contain region information.",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn::s3:::b"}"#,
                "Statement[0].Resource",
                "Partition \"\" is not valid for resource \"arn::s3:::b\".",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"bucket:name"}"#,
                "Statement[0].Resource",
                "Partition \"name\" is not valid for resource \"arn:name:*:*:*:*\".",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::b","arn:x:s3::b","arn:y:s3:::b"]}"#,
                "Statement[0].Resource",
                "Partition \"x\" is not valid for resource \"arn:x:s3::b:*\".",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws"}"#,
                "Statement[0].Resource",
                "Resource vendor must be fully qualified and cannot contain regexes.",
            ),
            (r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws::::b"}"#, "Statement[0].Resource", LEGACY),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3::b"}"#,
                "Statement[0].Resource",
                LEGACY,
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn:${P}:s3:::b"}"#,
                "Statement[0].Resource",
                "Partition \"${P}\" is not valid for resource \"arn:${P}:s3:::b\".",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s*:::b"}"#,
                "Statement[0].Resource",
                "Resource vendor must be fully qualified and cannot contain regexes.",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:us-east-1:1234:q"}"#,
                "Statement[0].Resource",
                LEGACY,
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam:us-east-1:123456789012:user/a"}"#,
                "Statement[0].Resource",
                "IAM resource arn:aws:iam:us-east-1:123456789012:user/a cannot contain region information.",
            ),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::123456789012:*/*"}"#,
                "Statement[0].Resource",
                "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.",
            ),
        ],
    );
    let ok = [
        r#"{"Effect":"Allow","NotAction":["s3:*","a4b-c:x_Y.z/?"],"NotResource":["arn:aws:s3:::b","arn:aws-cn:s3:::b/*"]}"#,
        r#"{"Effect":"Allow","Action":"*","Resource":["arn:aws:iam::*:role/x","arn:aws:iam::123456789012:root","arn:aws:logs:*:*:*","arn:aws:s3:*"]}"#,
        r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::aws:policy/ReadOnly*"}"#,
        r#"{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:us-east-1:123456789012:accesspoint/a","arn:aws:s3:*:*:*"]}"#,
        r#"{"Effect":"Allow","Action":"*","Resource":["arn:aws:dynamodb","arn:aws:sqs:us-east-1"]}"#,
        r#"{"Sid":"","Effect":"Deny","Action":"*","Resource":"*","Condition":{}}"#,
    ];
    let ok: Vec<String> = ok.iter().map(|s| with(s)).collect();
    accepted(&Rules::IDENTITY, &ok.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn conditions() {
    let row = |condition: &str| {
        with(&format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#))
    };
    for (condition, path, message) in [
        (r#"{"StringEqual":{"a:b":"c"}}"#, "StringEqual", SYNTAX),
        (r#"{"NullIfExists":{"a:b":"true"}}"#, "NullIfExists", SYNTAX),
        (r#"{"StringEquals":{"username":"c"}}"#, "StringEquals.username", VENDOR),
        (
            r#"{"StringEquals":{"https://idp/x:sub":"c"}}"#,
            "StringEquals.https://idp/x:sub",
            "Condition can contain only one colon.",
        ),
        (r#"{"StringEquals":"x"}"#, "StringEquals", SYNTAX),
        (r#"{"StringEquals":{"a:b":{"c":1}}}"#, "StringEquals.a:b", SYNTAX),
        (r#"{"StringEquals":{"a:b":null}}"#, "StringEquals.a:b", SYNTAX),
        (r#"{"NumericEquals":{"a:b":"ten"}}"#, "NumericEquals.a:b", SYNTAX),
        (r#"{"DateEquals":{"a:b":"soon"}}"#, "DateEquals.a:b", LEGACY),
        (r#"{"Bool":{"a:b":"maybe"}}"#, "Bool.a:b", SYNTAX),
        (r#"{"Null":{"a:b":"maybe"}}"#, "Null.a:b", SYNTAX),
        (r#"{"BinaryEquals":{"a:b":"%"}}"#, "BinaryEquals.a:b", SYNTAX),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}"#, "IpAddress.aws:SourceIp", SYNTAX),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0"}}"#, "IpAddress.aws:SourceIp", SYNTAX),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/+8"}}"#, "IpAddress.aws:SourceIp", SYNTAX),
    ] {
        refused(&Rules::IDENTITY, &[(&row(condition), &format!("Statement[0].Condition.{path}"), message)]);
    }
    let twice = row(r#"{"StringEquals":{"a:b":"c"},"StringEquals":{"a:c":"c"}}"#);
    assert_eq!(Policy::parse(&twice, &Rules::IDENTITY).unwrap_err().kind, ErrorKind::Json);
    let ok = row(
        r#"{"StringEquals":{"a:b":["c",1,true,1.50],"kms:EncryptionContext:aws:s3:arn":"x"},"Bool":{"a:b":false,"a:c":"${a:d}"},
            "ForAllValues:StringLikeIfExists":{"aws:TagKeys":[]},"NumericLessThan":{"a:n":10}}"#,
    );
    accepted(&Rules::IDENTITY, &[&ok]);
    let text = Policy::parse(&ok, &Rules::IDENTITY).unwrap().to_json();
    assert!(text.contains(r#""a:b":["c","1","true","1.50"]"#), "{text}");
}

#[test]
fn principals() {
    let row = |principal: &str| {
        with(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"*"}}"#))
    };
    for (principal, path, message) in [
        (
            r#""arn:aws:iam::123456789012:root""#,
            "",
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:root""#,
        ),
        (
            r#"{"AWS":"arn:aws:iam::123456789012:user/*"}"#,
            ".AWS",
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/*""#,
        ),
        (
            r#"{"AWS":"arn:aws:iam::123456789012:group/g"}"#,
            ".AWS",
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:group/g""#,
        ),
        (
            r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/r"}"#,
            ".AWS",
            r#"Invalid principal in policy: "AWS":"arn:aws:sts::123456789012:assumed-role/r""#,
        ),
        (r#"{"AWS":"12345"}"#, ".AWS", r#"Invalid principal in policy: "AWS":"12345""#),
        (r#"{"AWS":""}"#, ".AWS", r#"Invalid principal in policy: "AWS":"""#),
        (r#"{"Service":"lambda"}"#, ".Service", r#"Invalid principal in policy: "SERVICE":"lambda""#),
        (r#"{"CanonicalUser":"*"}"#, ".CanonicalUser", r#"Invalid principal in policy: "CANONICALUSER":"*""#),
        (r#"{"aws":"*"}"#, ".aws", SYNTAX),
        (r#"{}"#, "", "Missing required field Principal"),
        (r#"{"AWS":[]}"#, "", "Missing required field Principal"),
        (r#"["*"]"#, "", SYNTAX),
    ] {
        refused(&Rules::RESOURCE, &[(&row(principal), &format!("Statement[0].Principal{path}"), message)]);
    }
    refused_statements(
        &Rules::RESOURCE,
        &[(
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
            "Statement[0].Principal",
            "Missing required field Principal",
        )],
    );
    let names = r#"{"AWS":["123456789012","arn:aws:iam::123456789012:role/p/r","arn:aws:sts::123456789012:federated-user/f","AROAEXAMPLE0000000001",
        "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"],"Service":["sns.amazonaws.com","*"],
        "Federated":"cognito-identity.amazonaws.com","CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#;
    accepted(&Rules::RESOURCE, &[&row(r#""*""#), &row(r#"{"AWS":"*"}"#), &row(names)]);
    let policy =
        Policy::parse(&row(r#"{"Service":"a.b","AWS":["123456789012"]}"#), &Rules::RESOURCE).unwrap();
    let found: Vec<_> = policy.principals().collect();
    let expected = [(PrincipalKind::Service, "a.b"), (PrincipalKind::Aws, "123456789012")];
    assert_eq!(found, expected.map(|(kind, value)| PrincipalRef { kind, value }));
}

#[test]
fn kinds() {
    let trust = r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
    let provider = |name: &str| with(&trust.replace(r#""Service":"ec2.amazonaws.com""#, name));
    let named = provider(r#""Federated":"accounts.google.com""#);
    accepted(&Rules::TRUST, &[&with(trust), &named, &provider(r#""Federated":"*""#)]);
    let okta = provider(r#""Federated":"okta""#);
    let why = r#"Invalid principal in policy: "FEDERATED":"okta""#;
    refused(&Rules::TRUST, &[(&okta, "Statement[0].Principal.Federated", why)]);
    accepted(&Rules { strict_providers: false, ..Rules::TRUST }, &[&okta]);
    refused(
        &Rules::TRUST,
        &[
            ("policy.json", "", "This policy contains invalid Json"),
            (&format!(" {}", with(trust)), "", "JSON strings must not have leading spaces"),
        ],
    );
    for action in ["sts:*", "sts:AssumeRole*", "STS:assumerole", "sts:SetSourceIdentity"] {
        accepted(&Rules::TRUST, &[&with(&trust.replace("sts:AssumeRole", action))]);
    }
    for action in ["*", "sts:GetCallerIdentity", "sts:Foo", "sts:Get*"] {
        let other = with(&trust.replace("sts:AssumeRole", action));
        let why = "AssumeRole policy may only specify STS AssumeRole actions.";
        refused(&Rules::TRUST, &[(&other, "Statement[0].Action", why)]);
    }
    let without = |element: &str| trust.replace(element, "");
    let foo = trust.replace("Effect", "Efect");
    refused_statements(
        &Rules::TRUST,
        &[
            (&without(r#""Effect":"Allow","#), "Statement[0].Effect", "Missing required field Effect"),
            (
                &without(r#","Action":"sts:AssumeRole""#),
                "Statement[0].Action",
                "Missing required field Action",
            ),
            (&foo, "Statement[0].Efect", "Unknown field Efect"),
        ],
    );
    refused_statements(
        &Rules::TRUST,
        &[
            (
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
                "Statement[0].Resource",
                "Has prohibited field Resource",
            ),
            (
                &trust.replace("Principal", "NotPrincipal"),
                "Statement[0].NotPrincipal",
                "Has prohibited field NotPrincipal",
            ),
            (
                &trust.replace("sts:AssumeRole", "s3:*"),
                "Statement[0].Action",
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ),
            (
                &trust.replace('}', r#","x":1}"#).replace(r#""x":1"#, r#""Resource":"*""#).replacen(
                    r#","Resource":"*"}"#,
                    "}",
                    1,
                ),
                "Statement[0].Resource",
                "Has prohibited field Resource",
            ),
        ],
    );
    let rcp = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#;
    accepted(&Rules::RCP, &[&with(rcp)]);
    refused_statements(
        &Rules::RCP,
        &[
            (&rcp.replace("Deny", "Allow"), "Statement[0].Effect", SYNTAX),
            (&rcp.replace(r#""*","Action"#, r#"{"AWS":"*"},"Action"#), "Statement[0].Principal", SYNTAX),
            (&rcp.replace("Action", "NotAction"), "Statement[0].NotAction", SYNTAX),
            (
                &rcp.replace("Principal", "NotPrincipal"),
                "Statement[0].NotPrincipal",
                "Has prohibited field NotPrincipal",
            ),
        ],
    );
    let scp = r#"{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
    refused(&Rules::SCP, &[(scp, "Version", "Policy document must be version 2012-10-17 or greater.")]);
    let no_resource = Rules { resource: Presence::Optional, ..Rules::RESOURCE };
    accepted(&no_resource, &[&with(r#"{"Effect":"Allow","Principal":"*","Action":"ecr:*"}"#)]);
}

#[test]
fn sizes() {
    let long = |n: usize| {
        with(&format!(r#"{{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::{}"}}"#, "x".repeat(n)))
    };
    let error = Policy::parse(&long(6144), &Rules::IDENTITY).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::TooLong { length_max: 6144, length } if length > 6144));
    assert_eq!(error.message, "Cannot exceed quota for PolicySize: 6144");
    assert!(Policy::parse(&long(6000), &Rules::IDENTITY).is_ok());
    assert!(Policy::parse(&long(6000), &Rules::SESSION).is_err());
    // White space is free for managed policies, and counts for session policies.
    let airy = format!("{}{}", with(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#), " ".repeat(10_000));
    assert!(Policy::parse(&airy, &Rules::IDENTITY).is_ok());
    assert!(Policy::parse(&airy, &Rules::SESSION).is_err());
    assert!(Policy::parse(&" ".repeat(2_000_000), &Rules::IDENTITY).is_err());
}
