//! Encoded authorisation messages: why a request was denied, for DecodeAuthorizationMessage only.
//!
//! Source: STS API Reference, "DecodeAuthorizationMessage"; the JSON is as AWS's examples have it.

use haneul_base::AccountId;
use serde_json::{Value, json};

use crate::{Caller, Seal};

/// A decision that a denied caller is not told openly.
#[derive(Clone, Debug)]
pub struct AuthorizationMessage<'a> {
    pub caller: &'a Caller,
    pub action: &'a str,
    pub resource: &'a str,
    pub explicit_deny: bool,
    /// Statements that matched, each as its JSON.
    pub matched_statements: Vec<Value>,
    /// The context keys of the request with their values.
    pub conditions: Vec<(String, Vec<String>)>,
}

impl AuthorizationMessage<'_> {
    /// What goes into an error as `Encoded authorization failure message: …`. Only the account of the caller can have
    /// it decoded.
    pub fn encode(&self, seal: &Seal) -> String {
        seal.seal(&purpose(self.caller.account), self.json().to_string().as_bytes())
    }

    fn json(&self) -> Value {
        let conditions = self.conditions.iter().map(|(key, values)| {
            let values: Vec<Value> = values.iter().map(|value| json!({ "value": value })).collect();
            json!({ "key": key, "values": { "items": values } })
        });
        json!({
            "allowed": false,
            "explicitDeny": self.explicit_deny,
            "matchedStatements": { "items": self.matched_statements },
            "failures": { "items": [] },
            "context": {
                "principal": { "id": self.caller.user_id(), "arn": self.caller.arn() },
                "action": self.action,
                "resource": self.resource,
                "conditions": { "items": conditions.collect::<Vec<_>>() },
            },
        })
    }
}

/// The JSON of a message that was made for `account`; `None` for anything else.
pub fn decode(seal: &Seal, account: AccountId, message: &str) -> Option<String> {
    String::from_utf8(seal.open(&purpose(account), message)?).ok()
}

fn purpose(account: AccountId) -> String {
    format!("authorization-message {account}")
}
