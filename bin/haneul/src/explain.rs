use serde_json::Value;

use crate::Result;
use crate::cli::{ExplainOptions, LeastPrivilegeOptions};
use crate::control::ask;

pub(crate) fn run(options: &ExplainOptions) -> Result<()> {
    let id = escaped(&options.request_id);
    let report = ask(&options.endpoint, &format!("/_haneul/explain/{id}"), None)?;
    if options.json {
        println!("{report:#}");
    } else {
        print!("{}", told(&report));
    }
    Ok(())
}

pub(crate) fn least_privilege(options: &LeastPrivilegeOptions) -> Result<()> {
    let path = format!("/_haneul/least-privilege?principal={}", escaped(&options.principal));
    let answer = ask(&options.endpoint, &path, None)?;
    if answer["policy"].is_null() {
        return Err(format!("{} did nothing that was allowed, as far as is known", options.principal));
    }
    println!("{:#}", answer["policy"]);
    Ok(())
}

fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The report for a person.
fn told(report: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let verdict = if report["allowed"] == true { "allowed" } else { "denied" };
    let mut out = format!(
        "{verdict}: {} in {} at {}\n",
        text(&report["principal"]),
        text(&report["region"]),
        text(&report["time"])
    );
    for access in list(&report["accesses"]) {
        out += &format!("\n{} on {}\n", text(&access["action"]), text(&access["resource"]));
        out += &format!("  {}: {}\n", text(&access["decision"]), text(&access["why"]));
        for matched in list(&access["matched"]) {
            out += &format!("  {} by {}\n", text(&matched["effect"]), statement(&matched));
        }
        for near in list(&access["near"]) {
            out += &format!("  not matched: {}\n    {}\n", statement(&near), text(&near["because"]));
        }
    }
    out
}

fn statement(value: &Value) -> String {
    let sid = value["sid"].as_str().map(|sid| format!(" ({sid})")).unwrap_or_default();
    let (kind, policy) = (value["policy_type"].as_str(), value["policy"].as_str());
    format!("{} {}, statement {}{sid}", kind.unwrap_or("?"), policy.unwrap_or("?"), value["statement"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_told() {
        let report = serde_json::json!({
            "allowed": false, "principal": "arn:aws:iam::1:user/ann", "region": "us-east-1", "time": "now",
            "accesses": [{
                "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "decision": "implicitDeny",
                "why": "because", "matched": [],
                "near": [{"policy_type": "identity-based policy", "policy": "own", "statement": 2, "sid": "Blue",
                    "because": "its resource is another"}],
            }],
        });
        let expected = "denied: arn:aws:iam::1:user/ann in us-east-1 at now\n\ns3:GetObject on arn:aws:s3:::b/k\n  \
                        implicitDeny: because\n  not matched: identity-based policy own, statement 2 (Blue)\n    \
                        its resource is another\n";
        assert_eq!(told(&report), expected);
        assert_eq!(escaped("arn:aws:iam::1:user/é"), "arn%3Aaws%3Aiam%3A%3A1%3Auser%2F%C3%A9");
    }
}
