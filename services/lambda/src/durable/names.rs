//! How executions and callbacks are named.

use haneul_kit::{AccountId, Arn, Cx, Region, Result, Seal};
use serde::{Deserialize, Serialize};

use crate::error;
use crate::model::durable::{ExecutionRecord, Parent};
use crate::names::FunctionName;

/// An execution of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ExecutionName {
    pub(crate) function: FunctionName,
    pub(crate) name: String,
}

impl ExecutionName {
    pub(crate) fn of(account: AccountId, region: Region, function: String, name: String) -> ExecutionName {
        ExecutionName { function: FunctionName { account, region, name: function }, name }
    }

    pub(crate) fn row(&self) -> (AccountId, Region, &str, &str) {
        (self.function.account, self.function.region, &self.function.name, &self.name)
    }

    pub(crate) fn arn(&self, record: &ExecutionRecord) -> Arn {
        self.arn_of(&record.version, &record.id)
    }

    fn arn_of(&self, version: &str, id: &str) -> Arn {
        let FunctionName { account, region, name } = &self.function;
        let rest = format_args!("function:{name}:{version}/durable-execution/{}/{id}", self.name);
        Arn::new("lambda", *region, *account, rest)
    }

    pub(crate) fn of_parent(parent: &Parent) -> Option<ExecutionName> {
        let account = AccountId::new(parent.account)?;
        let (function, name) = (parent.function.clone(), parent.name.clone());
        Some(ExecutionName::of(account, parent.region.parse().ok()?, function, name))
    }
}

/// `arn:aws:lambda:us-east-1:123456789012:function:order:7/durable-execution/order-17/ID`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExecutionArn {
    pub(crate) name: ExecutionName,
    pub(crate) version: String,
    pub(crate) id: String,
}

impl ExecutionArn {
    /// What a request means, in its Region.
    ///
    /// # Errors
    /// ResourceNotFoundException for an execution of another Region, and as [`ExecutionArn::parse`].
    pub(crate) fn read(cx: &Cx, given: &str) -> Result<ExecutionArn> {
        let arn = ExecutionArn::parse(given)?;
        let (own, asked) = (arn.name.function.region, cx.region());
        if own != asked {
            return Err(error::not_found(format!(
                "Durable executions from '{own}' are not reachable in this region ('{asked}')"
            )));
        }
        Ok(arn)
    }

    /// # Errors
    /// InvalidParameterValueException for anything else.
    pub(crate) fn parse(given: &str) -> Result<ExecutionArn> {
        let parsed = Arn::parse(given).ok().and_then(|arn| {
            let (account, region) = (arn.account_id()?, arn.region().parse().ok()?);
            let rest = arn.resource().strip_prefix("function:")?;
            let mut parts = rest.split('/');
            let (function, version) = parts.next()?.split_once(':')?;
            let (kind, name, id) = (parts.next()?, parts.next()?, parts.next()?);
            let plain = |text: &str| {
                !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            };
            let numbered = version == crate::names::LATEST || version.bytes().all(|b| b.is_ascii_digit());
            let fits = arn.service() == "lambda"
                && kind == "durable-execution"
                && parts.next().is_none()
                && !version.is_empty()
                && numbered
                && [function, name, id].into_iter().all(plain);
            fits.then(|| ExecutionArn {
                name: ExecutionName::of(account, region, function.to_owned(), name.to_owned()),
                version: version.to_owned(),
                id: id.to_owned(),
            })
        });
        parsed.ok_or_else(|| error::parameter("The durable execution ARN is not well formed."))
    }

    pub(crate) fn arn(&self) -> Arn {
        self.name.arn_of(&self.version, &self.id)
    }

    /// Whether this is what it names, and not another execution of that name.
    pub(crate) fn is(&self, record: &ExecutionRecord) -> bool {
        record.id == self.id && record.version == self.version
    }
}

/// What a callback's id says: opaque to all but us, so that it finds its operation without a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallbackName {
    /// The execution's ARN.
    pub(crate) execution: String,
    pub(crate) operation: String,
}

const CALLBACK: &str = "lambda durable callback";

impl CallbackName {
    /// The id. It has the letters that the model wants, `+` and `/`.
    pub(crate) fn seal(&self, seal: &Seal) -> String {
        let content = format!("{}\n{}", self.execution, self.operation);
        seal.seal(CALLBACK, content.as_bytes()).replace('-', "+").replace('_', "/")
    }

    /// # Errors
    /// InvalidParameterValueException for what this cloud has not made.
    pub(crate) fn open(seal: &Seal, given: &str) -> Result<CallbackName> {
        let token = given.trim_end_matches('=').replace('+', "-").replace('/', "_");
        let content = seal.open(CALLBACK, &token).and_then(|content| String::from_utf8(content).ok());
        let parts = content.as_deref().and_then(|content| content.split_once('\n'));
        let (execution, operation) = parts.ok_or_else(|| error::parameter("Invalid callback token"))?;
        Ok(CallbackName { execution: execution.to_owned(), operation: operation.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use haneul_env::Rng;

    use super::*;

    #[test]
    fn arns_name_executions() {
        let text = "arn:aws:lambda:us-east-1:123456789012:function:order:7/durable-execution/order-17/ab-cd";
        let arn = ExecutionArn::parse(text).unwrap();
        assert_eq!(arn.arn().as_str(), text);
        assert_eq!(
            (arn.version.as_str(), arn.id.as_str(), arn.name.name.as_str()),
            ("7", "ab-cd", "order-17")
        );
        assert!(ExecutionArn::parse(&text.replace(":7/", ":$LATEST/")).is_ok());
        for wrong in [
            "",
            "x",
            "arn:aws:lambda:us-east-1:123456789012:function:order:7",
            &text.replace("lambda", "sqs"),
            &text.replace("durable-execution", "execution"),
            &text.replace(":7/", ":live/"),
            &text.replace(":7/", ":/"),
            &text.replace(":7/", "/"),
            &text.replace("order-17", ""),
            &text.replace("order-17", "a b"),
            &format!("{text}/more"),
            &text.replace("123456789012", "1"),
        ] {
            assert!(ExecutionArn::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn callbacks_are_opaque() {
        let seal = Seal::new(&[7; 32], Rng::seeded(1));
        let name = CallbackName { execution: "arn".into(), operation: "op".into() };
        let id = name.seal(&seal);
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b)), "{id}");
        assert_eq!(CallbackName::open(&seal, &id).unwrap(), name);
        for wrong in ["", "=", "AAAA", "é", &id[1..]] {
            assert!(CallbackName::open(&seal, wrong).is_err(), "{wrong}");
        }
    }
}
