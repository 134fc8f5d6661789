//! IAM User Guide, "Troubleshoot access denied error messages". The messages of each type of policy are in the
//! decision tables; here is how much a message says.

use haneul_policy::{
    Attached, Context, Detail, Inputs, Policy, Principal, Request, Rules, decide, denial_message,
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
