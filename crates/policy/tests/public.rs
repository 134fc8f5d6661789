//! S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of public".

use haneul_policy::{Policy, Rules, is_public};

fn check(public: bool, statements: &[&str]) {
    for statement in statements {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        let policy =
            Policy::parse(&document, &Rules::RESOURCE).unwrap_or_else(|e| panic!("{statement}: {e}"));
        assert_eq!(is_public(&policy), public, "{statement}");
    }
}

fn to_all(condition: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{condition}}}"#
    )
}

#[test]
fn principals() {
    check(
        true,
        &[
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":{"AWS":["123456789012","*"]},"Action":"s3:GetObject","Resource":"*"}"#,
            r#"{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"s3:GetObject","Resource":"*"}"#,
            r#"[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"},
                {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]"#,
        ],
    );
    check(
        false,
        &[
            r#"{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"s3:GetObject","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"*"}"#,
            r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#,
            r#"{"Effect":"Deny","NotPrincipal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"*"}"#,
        ],
    );
}

#[test]
fn conditions() {
    for (public, condition) in [
        (true, r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#),
        (false, r#"{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}"#),
        (false, r#"{"StringLike":{"aws:SourceVpc":"vpc-91237329"}}"#),
        (true, r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-91237329"}}"#),
        (true, r#"{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-91237329"}}"#),
        (true, r#"{"ForAllValues:StringEquals":{"aws:SourceVpc":"vpc-91237329"}}"#),
        (false, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#),
        (true, r#"{"StringEquals":{"aws:UserAgent":"me"}}"#),
        (true, r#"{"StringEquals":{"aws:SourceVpc":"${aws:x}"}}"#),
        (false, r#"{"IpAddress":{"aws:SourceIp":"54.240.143.0/24"}}"#),
        (false, r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#),
        (true, r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#),
        (true, r#"{"IpAddress":{"aws:SourceIp":["54.240.143.0/24","0.0.0.0/1"]}}"#),
        (true, r#"{"IpAddress":{"aws:SourceIp":"2001::/16"}}"#),
        (false, r#"{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}"#),
        (false, r#"{"IpAddress":{"aws:SourceIp":"fc00::/7"}}"#),
        (true, r#"{"NotIpAddress":{"aws:SourceIp":"54.240.143.0/24"}}"#),
        (false, r#"{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012:t"}}"#),
        (true, r#"{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}}"#),
        (true, r#"{"StringLike":{"aws:userid":"AROAEXAMPLE:*"}}"#),
        (false, r#"{"StringEquals":{"aws:userid":"AIDAEXAMPLE"}}"#),
        (false, r#"{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:123456789012:accesspoint/*"}}"#),
        (true, r#"{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:*:accesspoint/a"}}"#),
        (false, r#"{"StringEquals":{"s3:DataAccessPointAccount":"123456789012"}}"#),
        (
            false,
            r#"{"StringLike":{"aws:SourceVpc":"vpc-*"},"StringEquals":{"aws:SourceAccount":"123456789012"}}"#,
        ),
    ] {
        check(public, &[&to_all(condition)]);
    }
}
