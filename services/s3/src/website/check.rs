use haneul_kit::Result;

use crate::error::{self, invalid_request};
use crate::model::features::Website;

const RULES_MAX: usize = 50;

pub(crate) fn check(website: &Website) -> Result<()> {
    if website.redirect_all.is_some() {
        if website.index.is_some() || website.error.is_some() || !website.rules.is_empty() {
            let message = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.";
            return Err(error::invalid_argument(message, "RedirectAllRequestsTo", "not null"));
        }
        return check_protocol(website.redirect_all.as_ref().and_then(|(_, protocol)| protocol.as_deref()));
    }
    match website.index.as_deref() {
        None => {
            let message =
                "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty";
            return Err(error::invalid_argument(message, "IndexDocument", "null"));
        }
        Some(suffix) if suffix.is_empty() || suffix.contains('/') => {
            let message = "The IndexDocument Suffix is not well formed";
            return Err(error::invalid_argument(message, "IndexDocument", suffix));
        }
        Some(_) => {}
    }
    if website.error.as_deref() == Some("") {
        return Err(error::malformed_xml());
    }
    let count = website.rules.len();
    if count > RULES_MAX {
        return Err(invalid_request(format!(
            "{count} routing rules provided, the number of routing rules in a website configuration is limited to 50."
        )));
    }
    for rule in &website.rules {
        if rule.conditional && rule.prefix.is_none() && rule.error_code.is_none() {
            let message = "Condition cannot be empty. To redirect all requests without a condition, the condition element \
                           shouldn't be present.";
            return Err(invalid_request(message));
        }
        if let Some(code) = rule.error_code.filter(|code| !(400..600).contains(code)) {
            let message =
                format!("The provided HTTP error code ({code}) is not valid. Valid codes are 4XX or 5XX.");
            return Err(invalid_request(message));
        }
        if let Some(code) = rule.code.filter(|code| !(301..400).contains(code)) {
            let message = format!(
                "The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300."
            );
            return Err(invalid_request(message));
        }
        if rule.replace_key.is_some() && rule.replace_prefix.is_some() {
            return Err(invalid_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both."));
        }
        let redirects = rule.host.is_some()
            || rule.protocol.is_some()
            || rule.code.is_some()
            || rule.replace_key.is_some()
            || rule.replace_prefix.is_some();
        if !redirects {
            return Err(error::malformed_xml());
        }
        check_protocol(rule.protocol.as_deref())?;
    }
    Ok(())
}

fn check_protocol(protocol: Option<&str>) -> Result<()> {
    match protocol {
        None | Some("http" | "https") => Ok(()),
        Some(_) => Err(invalid_request(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.",
        )),
    }
}
