use haneul_kit::{AccountId, Arn, Cx, Region, Result};

use crate::error;
use crate::plane::QueueKey;

const NAME_LENGTH_MAX: usize = 80;
const FIFO_SUFFIX: &str = ".fifo";

/// Checks the name of a queue that is to be made. Source: API reference, CreateQueue, QueueName.
pub(crate) fn check(name: &str, fifo: bool) -> Result<()> {
    let stem = if fifo { name.strip_suffix(FIFO_SUFFIX).unwrap_or_default() } else { name };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !stem.is_empty() && name.len() <= NAME_LENGTH_MAX && stem.bytes().all(allowed) {
        return Ok(());
    }
    Err(if fifo { error::fifo_name() } else { error::invalid_queue_name() })
}

/// The address of a queue, at the endpoint that the caller used.
pub(crate) fn url(cx: &Cx, account: AccountId, name: &str) -> String {
    format!("{}/{account}/{name}", cx.endpoint())
}

/// The queue that a URL names: `…/<account>/<name>` in the Region of the request, whatever the host. AWS takes a name alone
/// for a queue of the caller's (getmoto/moto pull request 5073), and so what has no more than a name in its path.
pub(crate) fn of_url(cx: &Cx, url: &str) -> Result<QueueKey> {
    if url.is_empty() {
        return Err(error::missing_parameter("QueueUrl"));
    }
    let url = url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let path =
        url.split_once("://").map_or(url, |(_, place)| place.split_once('/').map_or("", |(_, path)| path));
    let (account, name) = match path.rsplit_once('/') {
        None => (Some(cx.account()), path),
        Some((account, name)) => (account.rsplit('/').next().and_then(|account| account.parse().ok()), name),
    };
    let account = account.ok_or_else(|| error::invalid_address(cx))?;
    Ok(QueueKey { account, region: cx.region(), name: name.to_owned() })
}

/// The queue that an ARN names; `None` when it is not a queue's.
pub(crate) fn of_arn(arn: &str) -> Option<QueueKey> {
    let arn = Arn::parse(arn).ok()?;
    let region: Region = arn.region().parse().ok()?;
    let plain = arn.service() == "sqs" && arn.partition() == region.partition().as_str();
    let name = arn.resource();
    let name = (plain && !name.contains([':', '/'])).then(|| name.to_owned())?;
    Some(QueueKey { account: arn.account_id()?, region, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "a".repeat(80);
        for (name, fifo, good) in [
            ("q", false, true),
            ("Q-1_x", false, true),
            (long.as_str(), false, true),
            ("", false, false),
            ("a b", false, false),
            ("a.b", false, false),
            ("é", false, false),
            ("q.fifo", false, false),
            ("q.fifo", true, true),
            ("q", true, false),
            (".fifo", true, false),
            ("a.b.fifo", true, false),
        ] {
            assert_eq!(check(name, fifo).is_ok(), good, "{name} {fifo}");
        }
        assert!(check(&"a".repeat(81), false).is_err());
        assert!(check(&format!("{}.fifo", "a".repeat(76)), true).is_err());
    }

    #[test]
    fn arns() {
        let key = of_arn("arn:aws:sqs:us-east-1:000000000001:q.fifo").unwrap();
        assert_eq!((key.account.number(), key.name.as_str()), (1, "q.fifo"));
        for bad in [
            "",
            "q",
            "arn:aws:sns:us-east-1:000000000001:q",
            "arn:aws:sqs:us-east-1:1:q",
            "arn:aws:sqs:nowhere-1:000000000001:q",
            "arn:aws-cn:sqs:us-east-1:000000000001:q",
            "arn:aws:sqs:us-east-1:000000000001:a/b",
        ] {
            assert!(of_arn(bad).is_none(), "{bad}");
        }
    }
}
