//! Every issue with a policy that has it, and policies that have none.

use std::collections::BTreeSet;

use crate::validate::issues::ISSUES;
use crate::validate::{Kind, Step, validate};

fn one(rest: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{rest}}}]}}"#)
}

const OK: &str = r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#;

fn condition(text: &str) -> String {
    one(&format!(r#"{OK},"Condition":{text}"#))
}

/// Issue, kind, document.
fn cases() -> Vec<(&'static str, Kind, String)> {
    use Kind::{Identity, Resource, ResourceControl, ServiceControl, Trust};
    let allow = |action: &str, resource: &str| {
        one(&format!(r#""Effect":"Allow","Action":{action},"Resource":{resource}"#))
    };
    let get = |resource: &str| allow(r#""s3:GetObject""#, resource);
    let principal = |text: &str| one(&format!(r#"{OK},"Principal":{text}"#));
    vec![
        ("ARN_ACCOUNT_NOT_ALLOWED", Identity, get(r#""arn:aws:s3::123456789012:my-bucket""#)),
        ("ARN_REGION_NOT_ALLOWED", Identity, allow(r#""iam:GetUser""#, r#""arn:aws:iam:us-east-1:123456789012:user/a""#)),
        ("DATA_TYPE_MISMATCH", Identity, one(r#""Effect":7,"Action":"s3:GetObject","Resource":"*""#)),
        ("DUPLICATE_KEYS_WITH_DIFFERENT_CASE", Identity, condition(r#"{"StringEquals":{"aws:username":"a","aws:UserName":"b"}}"#)),
        ("EMPTY_VARIABLE", Identity, get(r#""arn:aws:s3:::b/${ }""#)),
        ("INVALID_ACTION", Identity, allow(r#""s3:GetObjekt""#, r#""*""#)),
        ("INVALID_ARN_ACCOUNT", Identity, allow(r#""sqs:SendMessage""#, r#""arn:aws:sqs:us-east-1:12345:q""#)),
        ("INVALID_ARN_PREFIX", Identity, get(r#""aws:s3:::b""#)),
        ("INVALID_ARN_REGION", Identity, allow(r#""sqs:SendMessage""#, r#""arn:aws:sqs:us-middle-1:123456789012:q""#)),
        ("INVALID_ARN_RESOURCE", Identity, allow(r#""iam:GetUser""#, r#""arn:aws:iam::123456789012:nobody/a""#)),
        ("INVALID_ARN_SERVICE_CASE", Identity, get(r#""arn:aws:S3:::b""#)),
        ("INVALID_CONDITION_DATA_TYPE", Identity, condition(r#"{"StringEquals":{"aws:username":["a",1]}}"#)),
        ("INVALID_CONDITION_KEY_FORMAT", Identity, condition(r#"{"StringEquals":{"username":"a"}}"#)),
        ("INVALID_CONDITION_MULTIPLE_BOOLEAN", Identity, condition(r#"{"Bool":{"aws:SecureTransport":["true","false"]}}"#)),
        ("INVALID_CONDITION_OPERATOR", Identity, condition(r#"{"StringMatches":{"aws:username":"a"}}"#)),
        ("INVALID_EFFECT", Identity, one(r#""Effect":"Permit","Action":"s3:GetObject","Resource":"*""#)),
        ("INVALID_GLOBAL_CONDITION_KEY", Identity, condition(r#"{"StringEquals":{"aws:nothing":"a"}}"#)),
        ("INVALID_PARTITION", Identity, get(r#""arn:azure:s3:::b""#)),
        ("INVALID_POLICY_ELEMENT", Identity, one(&format!(r#"{OK},"Comment":"x""#))),
        ("INVALID_PRINCIPAL_FORMAT", Resource, principal(r#""123456789012""#)),
        ("INVALID_PRINCIPAL_KEY", Resource, principal(r#"{"aws":"123456789012"}"#)),
        ("INVALID_REGION", Identity, condition(r#"{"StringEquals":{"aws:RequestedRegion":"us-middle-1"}}"#)),
        ("INVALID_SERVICE", Identity, condition(r#"{"StringEquals":{"nothing:key":"a"}}"#)),
        ("INVALID_SERVICE_CONDITION_KEY", Identity, condition(r#"{"StringEquals":{"s3:nothing":"a"}}"#)),
        ("INVALID_SERVICE_IN_ACTION", Identity, allow(r#""nothing:Do""#, r#""*""#)),
        ("INVALID_SERVICE_PRINCIPAL_FORMAT", Resource, principal(r#"{"Service":"lambda"}"#)),
        ("INVALID_VARIABLE_FOR_OPERATOR", Identity, condition(r#"{"NumericEquals":{"s3:max-keys":"${aws:userid}"}}"#)),
        ("INVALID_VERSION", Identity, r#"{"Version":"2012-10-18","Statement":[]}"#.into()),
        ("JSON_SYNTAX_ERROR", Identity, r#"{"Version":"2012-10-17","Statement":[}"#.into()),
        ("MISSING_ACTION", Identity, one(r#""Effect":"Allow","Resource":"*""#)),
        ("MISSING_ARN_FIELD", Identity, get(r#""arn:aws:s3""#)),
        ("MISSING_ARN_REGION", Identity, allow(r#""sqs:SendMessage""#, r#""arn:aws:sqs::123456789012:q""#)),
        ("MISSING_BRACE_IN_VARIABLE", Identity, get(r#""arn:aws:s3:::b/${aws:username/*""#)),
        ("MISSING_EFFECT", Identity, one(r#""Action":"s3:GetObject","Resource":"*""#)),
        ("MISSING_PRINCIPAL", Resource, one(OK)),
        ("MISSING_QUALIFIER", Identity, condition(r#"{"StringEquals":{"aws:TagKeys":["a"]}}"#)),
        ("MISSING_QUOTE_IN_VARIABLE", Identity, get(r#""arn:aws:s3:::b/${aws:username, anonymous}""#)),
        ("MISSING_RESOURCE", Identity, one(r#""Effect":"Allow","Action":"s3:GetObject""#)),
        ("MISSING_STATEMENT", Identity, r#"{"Version":"2012-10-17"}"#.into()),
        ("MISSING_TAG_KEY_IN_CONDITION", Identity, condition(r#"{"StringEquals":{"aws:ResourceTag":"a"}}"#)),
        ("NULL_WITH_IF_EXISTS", Identity, condition(r#"{"NullIfExists":{"aws:username":"true"}}"#)),
        ("POLICY_SIZE_EXCEEDS_RCP_QUOTA", ResourceControl, one(&format!(r#""Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["{}"]"#, "x".repeat(6000)))),
        ("POLICY_SIZE_EXCEEDS_SCP_QUOTA", ServiceControl, one(&format!(r#""Effect":"Deny","Action":"s3:*","Resource":["{}"]"#, "x".repeat(6000)))),
        ("PRIVATE_IP_ADDRESS", Identity, condition(r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#)),
        ("PRIVATE_NOT_IP_ADDRESS", Identity, condition(r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#)),
        ("RCP_SYNTAX_ERROR_ALLOW", ResourceControl, one(r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#)),
        ("RCP_SYNTAX_ERROR_NOTACTION", ResourceControl, one(r#""Effect":"Deny","Principal":"*","NotAction":"s3:*","Resource":"*""#)),
        ("RCP_SYNTAX_ERROR_PRINCIPAL", ResourceControl, one(r#""Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"*""#)),
        ("SCP_SYNTAX_ERROR_PRINCIPAL", ServiceControl, principal(r#""*""#)),
        ("UNIQUE_SIDS_REQUIRED", Identity, format!(r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"a",{OK}}},{{"Sid":"a",{OK}}}]}}"#)),
        ("UNSUPPORTED_ELEMENT_COMBINATION", Identity, one(&format!(r#"{OK},"NotAction":"s3:PutObject""#))),
        ("UNSUPPORTED_GLOBAL_CONDITION_KEY", Identity, condition(r#"{"ArnEquals":{"aws:ARN":"arn:aws:iam::123456789012:user/a"}}"#)),
        ("UNSUPPORTED_PRINCIPAL", Identity, principal(r#""*""#)),
        ("UNSUPPORTED_RESOURCE_ELEMENT", Trust, one(r#""Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole","Resource":"*""#)),
        ("UNSUPPORTED_SID", Identity, one(&format!(r#""Sid":"a b",{OK}"#))),
        ("UNSUPPORTED_SPACE_IN_VARIABLE", Identity, get(r#""arn:aws:s3:::b/${aws: username}""#)),
        ("UNSUPPORTED_SYMBOL_IN_VARIABLE", Identity, get(r#""arn:aws:s3:::b/${aws:user!name}""#)),
        ("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", Resource, principal(r#"{"AWS":"arn:aws:iam::123456789012:user/*"}"#)),
        ("VARIABLE_UNSUPPORTED_IN_ELEMENT", Identity, allow(r#""s3:${aws:username}""#, r#""*""#)),
        ("VARIABLE_UNSUPPORTED_IN_VERSION", Identity, r#"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}"}}"#.into()),
        ("CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE", Identity, one(r#""Effect":"Allow","NotAction":"s3:*","NotResource":"arn:aws:s3:::b""#)),
        ("CREATE_SLR_WITH_NOT_RESOURCE", Identity, one(r#""Effect":"Allow","Action":"iam:CreateServiceLinkedRole","NotResource":"arn:aws:s3:::b""#)),
        ("CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", Identity, one(r#""Effect":"Allow","Action":"iam:Create*","NotResource":"arn:aws:s3:::b""#)),
        ("CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE", Identity, allow(r#""iam:Create*""#, r#""*""#)),
        ("CREATE_SLR_WITH_STAR_IN_RESOURCE", Identity, allow(r#""iam:CreateServiceLinkedRole""#, r#""*""#)),
        ("CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", Identity, one(r#""Effect":"Allow","NotAction":"s3:*","Resource":"*""#)),
        ("DEPRECATED_GLOBAL_CONDITION_KEY", Identity, condition(r#"{"StringEquals":{"aws:ARN":"arn:aws:iam::123456789012:user/a"}}"#)),
        ("INVALID_DATE_VALUE", Identity, condition(r#"{"DateLessThan":{"aws:CurrentTime":"1700000000"}}"#)),
        ("INVALID_ROLE_REFERENCE", Resource, principal(r#"{"AWS":"AROAABCDEFGHIJKLMNOPQ"}"#)),
        ("INVALID_USER_REFERENCE", Resource, principal(r#"{"AWS":"AIDAABCDEFGHIJKLMNOPQ"}"#)),
        ("MISSING_VERSION", Identity, format!(r#"{{"Statement":[{{{OK}}}]}}"#)),
        ("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", Identity, get(&format!(r#"["arn:aws:s3:::{}"]"#, "x".repeat(6200)))),
        ("TYPE_MISMATCH", Identity, condition(r#"{"StringEquals":{"aws:SecureTransport":"true"}}"#)),
        ("TYPE_MISMATCH_BOOLEAN", Identity, condition(r#"{"Bool":{"aws:SecureTransport":"yes"}}"#)),
        ("TYPE_MISMATCH_DATE", Identity, condition(r#"{"DateLessThan":{"aws:CurrentTime":"soon"}}"#)),
        ("TYPE_MISMATCH_IP_RANGE", Identity, condition(r#"{"IpAddress":{"aws:SourceIp":"203.0.113"}}"#)),
        ("TYPE_MISMATCH_NUMBER", Identity, condition(r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"hour"}}"#)),
        ("TYPE_MISMATCH_STRING", Identity, condition(r#"{"BinaryEquals":{"aws:username":"not base64!"}}"#)),
        ("UNIQUE_SIDS_RECOMMENDED", Resource, r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"s3:GetObject","Resource":"*"},{"Sid":"a","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"s3:PutObject","Resource":"*"}]}"#.into()),
        ("WILDCARD_WITHOUT_LIKE_OPERATOR", Identity, condition(r#"{"StringEquals":{"aws:username":"a*"}}"#)),
        ("ALLOW_WITH_NOT_PRINCIPAL", Resource, one(&format!(r#"{OK},"NotPrincipal":{{"AWS":"123456789012"}}"#))),
        ("DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", Identity, one(r#""Effect":"Deny","NotAction":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/a":"b"}}"#)),
        ("DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", Identity, one(r#""Effect":"Deny","Action":"sts:GetCallerIdentity","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/a":"b"}}"#)),
        ("FORALLVALUES_WITH_SINGLE_VALUED_KEY", Identity, condition(r#"{"ForAllValues:StringEquals":{"aws:username":"a"}}"#)),
        ("MISSING_PAIRED_CONDITION_KEYS", Identity, condition(r#"{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/16"}}"#)),
        ("PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE", Identity, one(r#""Effect":"Allow","NotAction":"s3:*","NotResource":"arn:aws:s3:::b""#)),
        ("PASS_ROLE_WITH_NOT_RESOURCE", Identity, one(r#""Effect":"Allow","Action":"iam:PassRole","NotResource":"arn:aws:s3:::b""#)),
        ("PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", Identity, one(r#""Effect":"Allow","Action":"iam:*","NotResource":"arn:aws:s3:::b""#)),
        ("PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", Identity, allow(r#""*""#, r#""*""#)),
        ("PASS_ROLE_WITH_STAR_IN_RESOURCE", Identity, allow(r#""iam:PassRole""#, r#""*""#)),
        ("PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", Identity, one(r#""Effect":"Allow","NotAction":"s3:*","Resource":"*""#)),
        ("ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", Identity, one(r#""Effect":"Allow","NotAction":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/a":"b"}}"#)),
        ("ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", Identity, one(r#""Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/a":"b"}}"#)),
        ("EMPTY_ARRAY_ACTION", Identity, allow("[]", r#""*""#)),
        ("EMPTY_ARRAY_CONDITION", Identity, condition(r#"{"StringEquals":{"aws:username":[]}}"#)),
        ("EMPTY_ARRAY_CONDITION_FORALLVALUES", Identity, condition(r#"{"ForAllValues:StringEquals":{"aws:TagKeys":[]}}"#)),
        ("EMPTY_ARRAY_CONDITION_FORANYVALUE", Identity, condition(r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":[]}}"#)),
        ("EMPTY_ARRAY_CONDITION_IFEXISTS", Identity, condition(r#"{"StringEqualsIfExists":{"aws:username":[]}}"#)),
        ("EMPTY_ARRAY_PRINCIPAL", Resource, principal(r#"{"AWS":[]}"#)),
        ("EMPTY_ARRAY_RESOURCE", Identity, get("[]")),
        ("EMPTY_OBJECT_CONDITION", Identity, condition("{}")),
        ("EMPTY_OBJECT_PRINCIPAL", Resource, principal("{}")),
        ("EMPTY_SID_VALUE", Identity, one(&format!(r#""Sid":"",{OK}"#))),
        ("IMPROVE_IP_RANGE", Identity, condition(r#"{"IpAddress":{"aws:SourceIp":"203.0.113.9/24"}}"#)),
        ("NULL_WITH_QUALIFIER", Identity, condition(r#"{"ForAnyValue:Null":{"aws:TagKeys":"true"}}"#)),
        ("PRIVATE_IP_ADDRESS_SUBSET", Identity, condition(r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.0/24"]}}"#)),
        ("PRIVATE_NOT_IP_ADDRESS_SUBSET", Identity, condition(r#"{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.0/24"]}}"#)),
        ("REDUNDANT_ACTION", Identity, allow(r#"["iam:Get*","iam:GetCredentialReport"]"#, r#""*""#)),
        ("REDUNDANT_CONDITION_VALUE_NUM", Identity, condition(r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":["2700","3600"]}}"#)),
        ("REDUNDANT_RESOURCE", Identity, get(r#"["arn:aws:s3:::b/*","arn:aws:s3:::b/x"]"#)),
        ("REDUNDANT_STATEMENT", Identity, format!(r#"{{"Version":"2012-10-17","Statement":[{{{OK}}},{{{OK}}}]}}"#)),
        ("WILDCARD_IN_SERVICE_NAME", Identity, allow(r#""s*:GetObject""#, r#""*""#)),
    ]
}

#[test]
fn every_issue_has_a_case_that_finds_it() {
    let mut found = BTreeSet::new();
    for (code, kind, document) in cases() {
        let codes: Vec<&str> = validate(&document, kind).iter().map(|finding| finding.issue.code).collect();
        assert!(codes.contains(&code), "{code}: {codes:?} in {document}");
        found.insert(code);
    }
    let all: BTreeSet<&str> = ISSUES.iter().map(|issue| issue.code).collect();
    assert_eq!(found, all);
    assert!(all.len() >= 100, "{}", all.len());
}

#[test]
fn sentences_are_filled_in() {
    for (code, kind, document) in cases() {
        for finding in validate(&document, kind) {
            assert!(!finding.details.contains("{}"), "{code}: {}", finding.details);
        }
    }
}

#[test]
fn good_policies_have_no_findings() {
    let good = [
        (Kind::Identity, one(OK)),
        (
            Kind::Identity,
            one(
                r#""Effect":"Allow","Action":["s3:Get*","sqs:SendMessage"],"Resource":["arn:aws:s3:::b/${aws:username}/*","arn:aws:sqs:*:123456789012:q*"]"#,
            ),
        ),
        (
            Kind::Identity,
            one(
                r#""Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/app","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}"#,
            ),
        ),
        (
            Kind::Identity,
            condition(
                r#"{"Bool":{"aws:SecureTransport":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"ForAnyValue:StringEquals":{"aws:TagKeys":["a"]}}"#,
            ),
        ),
        (
            Kind::Resource,
            one(
                r#""Sid":"a b","Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:123456789012:q","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012:t"}}"#,
            ),
        ),
        (
            Kind::Trust,
            one(
                r#""Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}"#,
            ),
        ),
        (
            Kind::ServiceControl,
            one(
                r#""Effect":"Deny","NotAction":"iam:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1"]}}"#,
            ),
        ),
        (
            Kind::ResourceControl,
            one(
                r#""Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-1234567890"}}"#,
            ),
        ),
    ];
    for (kind, document) in good {
        let codes: Vec<&str> = validate(&document, kind).iter().map(|finding| finding.issue.code).collect();
        assert!(codes.is_empty(), "{codes:?} in {document}");
    }
}

#[test]
fn findings_say_where() {
    let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\"Effect\": \"Allow\", \"Action\": [\"s3:GetObjekt\"], \"Resource\": \"*\"}]\n}";
    let finding = validate(text, Kind::Identity).remove(0);
    let key = |name: &str| Step::Key(name.to_owned());
    assert_eq!(finding.path, [key("Statement"), Step::Index(0), key("Action"), Step::Index(0)]);
    assert_eq!((finding.start.line, finding.start.column), (3, 47));
    assert!(finding.issue.link().ends_with("#access-analyzer-reference-policy-checks-error-invalid-action"));
}

proptest::proptest! {
    #[test]
    fn no_document_makes_it_panic(text in "[\\{\\}\\[\\]:,\"a-zA-Z*?$/0-9 .]{0,80}") {
        for kind in [Kind::Identity, Kind::Resource, Kind::Trust, Kind::ServiceControl, Kind::ResourceControl] {
            validate(&text, kind);
            let inside = format!(r#"{{"Statement":{{"Effect":"Allow","Action":"{0}","Resource":"{0}","Condition":{{"StringLike":{{"{0}":"{0}"}}}}}}}}"#, text.replace(['"', '\\'], ""));
            validate(&inside, kind);
        }
    }
}
