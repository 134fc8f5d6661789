//! IAM User Guide, "Troubleshoot access denied error messages". The messages of each type of policy are in the
//! decision tables; here is how much a message says.

use haneul_policy::{
    Attached, Context, Detail, Inputs, Policy, Principal, Request, ResourceMode, Rules, decide,
    denial_message,
};

const ARN: &str = "arn:aws:iam::123456789012:policy/ExampleDenyPolicy";

fn message(effect: &str, arn: Option<&str>, resource: &str, detail: Detail) -> String {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"iam:CreateInstanceProfile","Resource":"*"}}}}"#
    );
    let policy = Policy::parse(&document, &Rules::IDENTITY).unwrap();
    let principal = Principal::user("arn:aws:iam::123456789012:user/janedoe");
    let context = Context::new();
    let request = Request {
        principal: &principal,
        action: "iam:CreateInstanceProfile",
        resource,
        resource_account: None,
        context: &context,
    };
    let identity = [Attached { name: "ExampleDenyPolicy", arn, policy: &policy }];
    denial_message(&request, &decide(&request, &Inputs { identity: &identity, ..Inputs::default() }), detail)
}

#[test]
fn how_much_a_message_says() {
    let resource = "arn:aws:iam::123456789012:instance-profile/p";
    let bare = format!(
        "User: arn:aws:iam::123456789012:user/janedoe is not authorized to perform: iam:CreateInstanceProfile on \
         resource: {resource}"
    );
    let typed = format!("{bare} with an explicit deny in an identity-based policy");
    assert_eq!(message("Deny", Some(ARN), resource, Detail::Bare), bare);
    assert_eq!(message("Deny", Some(ARN), resource, Detail::PolicyType), typed);
    assert_eq!(message("Deny", Some(ARN), resource, Detail::PolicyArn), format!("{typed}: {ARN}"));
    assert_eq!(message("Deny", None, resource, Detail::PolicyArn), typed);
    assert_eq!(
        message("Deny", None, "", Detail::PolicyType),
        "User: arn:aws:iam::123456789012:user/janedoe is not authorized to perform: iam:CreateInstanceProfile with \
         an explicit deny in an identity-based policy"
    );
    assert_eq!(message("Allow", Some(ARN), resource, Detail::PolicyArn), "");
}

/// Every example of the page: by type of policy, how it says that none allows, how that one denies, and whether it
/// names the policy that denies. (An RCP that does not allow is not among them, as AWS's own cannot be detached.)
#[test]
fn the_documented_examples() {
    const USER: &str = "User: arn:aws:iam::123456789012:user/John is not authorized to perform: ";
    let read = |effect: &str, rules: &Rules, rest: &str| {
        let text =
            format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"*"{rest}}}}}"#);
        Policy::parse(&text, rules).unwrap()
    };
    let own = r#","Resource":"*""#;
    let theirs = r#","Principal":"*","Resource":"*""#;
    let allow = read("Allow", &Rules::IDENTITY, own);
    let deny = read("Deny", &Rules::IDENTITY, own);
    let allow_to = read("Allow", &Rules::RESOURCE, theirs);
    let deny_to = read("Deny", &Rules::RESOURCE, theirs);
    let sts = r#","Principal":"*""#;
    let deny_trust = Policy::parse(
        &format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"sts:AssumeRole"{sts}}}}}"#
        ),
        &Rules::TRUST,
    )
    .unwrap();
    let nothing = Policy::parse(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"x:None","Resource":"*"}}"#,
        &Rules::IDENTITY,
    )
    .unwrap();
    let plain = |policy| Attached { name: "p", arn: None, policy };
    let named = |arn, policy| Attached { name: "p", arn: Some(arn), policy };
    let identity = [plain(&allow)];
    let all = Inputs { identity: &identity, ..Inputs::default() };
    let said = |action: &str, resource: &str, inputs: Inputs<'_>| {
        let principal = Principal::user("arn:aws:iam::123456789012:user/John");
        let context = Context::new();
        let request =
            Request { principal: &principal, action, resource, resource_account: None, context: &context };
        denial_message(&request, &decide(&request, &inputs), Detail::PolicyArn)
    };
    let group = "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:*";
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:*";

    // A service control policy.
    assert_eq!(
        said("codecommit:ListRepositories", "", Inputs { scps: &[&[plain(&nothing)]], ..all }),
        format!(
            "{USER}codecommit:ListRepositories because no service control policy allows the \
             codecommit:ListRepositories action"
        )
    );
    let arn = "arn:aws:organizations::777788889999:policy/o-exampleorgid/service_control_policy/p-examplepolicyid123";
    for (arn, end) in [(None, String::new()), (Some(arn), format!(": {arn}"))] {
        let denies = Attached { name: "p", arn, policy: &deny };
        assert_eq!(
            said("codecommit:ListRepositories", "", Inputs { scps: &[&[denies]], ..all }),
            format!(
                "{USER}codecommit:ListRepositories with an explicit deny in a service control policy{end}"
            )
        );
    }
    // A resource control policy.
    let arn = "arn:aws:organizations::777788889999:policy/o-exampleorgid/resource_control_policy/p-examplepolicyid456";
    assert_eq!(
        said("secretsmanager:GetSecretValue", secret, Inputs { rcps: &[&[named(arn, &deny_to)]], ..all }),
        format!(
            "{USER}secretsmanager:GetSecretValue on resource: {secret} with an explicit deny in a resource control \
             policy: {arn}"
        )
    );
    // A VPC endpoint policy.
    assert_eq!(
        said("codecommit:ListRepositories", "", Inputs { vpc_endpoint: Some(plain(&nothing)), ..all }),
        format!(
            "{USER}codecommit:ListRepositories because no VPC endpoint policy allows the codecommit:ListRepositories \
             action"
        )
    );
    assert_eq!(
        said("codedeploy:ListDeployments", group, Inputs { vpc_endpoint: Some(plain(&deny_to)), ..all }),
        format!(
            "{USER}codedeploy:ListDeployments on resource: {group} with an explicit deny in a VPC endpoint policy"
        )
    );
    // A permissions boundary.
    assert_eq!(
        said("codedeploy:ListDeployments", group, Inputs { boundary: Some(plain(&nothing)), ..all }),
        format!(
            "{USER}codedeploy:ListDeployments on resource: {group} because no permissions boundary allows the \
             codedeploy:ListDeployments action"
        )
    );
    let arn = "arn:aws:iam::123456789012:policy/DeveloperPermissionBoundary";
    assert_eq!(
        said("sagemaker:ListModels", "", Inputs { boundary: Some(named(arn, &deny)), ..all }),
        format!("{USER}sagemaker:ListModels with an explicit deny in a permissions boundary: {arn}")
    );
    // A session policy.
    assert_eq!(
        said("codecommit:ListRepositories", "", Inputs { session: Some(&[plain(&nothing)]), ..all }),
        format!(
            "{USER}codecommit:ListRepositories because no session policy allows the codecommit:ListRepositories \
             action"
        )
    );
    let arn = "arn:aws:iam::123456789012:policy/DeveloperSessionPolicy";
    assert_eq!(
        said("codedeploy:ListDeployments", group, Inputs { session: Some(&[named(arn, &deny)]), ..all }),
        format!(
            "{USER}codedeploy:ListDeployments on resource: {group} with an explicit deny in a session policy: {arn}"
        )
    );
    // A resource-based policy.
    let required = Inputs { resource_mode: ResourceMode::Required, ..all };
    assert_eq!(
        said("secretsmanager:GetSecretValue", "", required),
        format!(
            "{USER}secretsmanager:GetSecretValue because no resource-based policy allows the \
             secretsmanager:GetSecretValue action"
        )
    );
    assert_eq!(
        said("secretsmanager:GetSecretValue", secret, Inputs { resource: &[plain(&deny_to)], ..all }),
        format!(
            "{USER}secretsmanager:GetSecretValue on resource: {secret} with an explicit deny in a resource-based \
             policy"
        )
    );
    // The trust policy of a role.
    let trust = Inputs { resource_mode: ResourceMode::RoleTrust, ..all };
    assert_eq!(
        said("sts:AssumeRole", "", trust),
        format!("{USER}sts:AssumeRole because no role trust policy allows the sts:AssumeRole action")
    );
    assert_eq!(
        said("sts:AssumeRole", "", Inputs { resource: &[plain(&deny_trust)], ..trust }),
        format!("{USER}sts:AssumeRole with an explicit deny in the role trust policy")
    );
    // An identity-based policy.
    assert_eq!(
        said("codecommit:ListRepositories", "", Inputs::default()),
        format!(
            "{USER}codecommit:ListRepositories because no identity-based policy allows the \
             codecommit:ListRepositories action"
        )
    );
    let arn = "arn:aws:iam::123456789012:policy/HRAccessPolicy";
    assert_eq!(
        said("codedeploy:ListDeployments", group, Inputs { identity: &[named(arn, &deny)], ..all }),
        format!(
            "{USER}codedeploy:ListDeployments on resource: {group} with an explicit deny in an identity-based policy: \
             {arn}"
        )
    );
    assert_eq!(said("s3:GetObject", "arn:aws:s3:::b/k", Inputs { resource: &[plain(&allow_to)], ..all }), "");
}
