//! Names, paths and selectors. Source: Systems Manager User Guide, "Creating Systems Manager parameters".

use haneul_kit::{Arn, Cx, Result};

use crate::error;
use crate::model::FullName;

/// Levels of a hierarchy.
const DEPTH_MAX: usize = 15;

/// Characters of a name together with those of the ARN before it.
const ARN_LENGTH_MAX: usize = 1011;

/// Which version a name asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    Latest,
    Version(u64),
    Label(String),
}

/// `name`, `name:3`, `name:label`, or an ARN of these.
pub(crate) struct Reference {
    pub(crate) name: FullName,
    pub(crate) selector: Selector,
    /// `:3`, as answers repeat it.
    pub(crate) suffix: Option<String>,
}

pub(crate) fn reference(cx: &Cx, text: &str) -> Result<Reference> {
    let text = text.trim();
    let (account, region, rest) = match text.starts_with("arn:") {
        true => {
            let arn = Arn::parse(text).map_err(|_| error::validation(format!("Invalid ARN {text}.")))?;
            let account = arn.account_id().filter(|_| arn.service() == "ssm");
            let path = arn.resource().strip_prefix("parameter").map(str::to_owned);
            let (Some(account), Some(path), true) = (account, path, arn.region() == cx.region().as_str())
            else {
                return Err(error::validation(format!("Invalid ARN {text}.")));
            };
            // One level: the slash belongs to the ARN.
            let single = path.matches('/').count() == 1;
            (account, cx.region(), if single { path[1..].to_owned() } else { path })
        }
        false => (cx.account(), cx.region(), text.to_owned()),
    };
    let (name, selector) = match rest.split_once(':') {
        Some((name, selector)) => (name.to_owned(), Some(selector.to_owned())),
        None => (rest, None),
    };
    let suffix = selector.as_ref().map(|selector| format!(":{selector}"));
    let selector = match selector {
        None => Selector::Latest,
        Some(text) => match text.parse() {
            Ok(version) => Selector::Version(version),
            Err(_) if text.is_empty() || text.contains(':') => {
                return Err(error::validation(format!("Invalid parameter selector in {name}:{text}.")));
            }
            Err(_) => Selector::Label(text),
        },
    };
    Ok(Reference { name: FullName { account, region, name }, selector, suffix })
}

/// Whether a parameter can have this name, but for its length and what is reserved.
fn is_well_formed(name: &str) -> bool {
    let valid = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    };
    let path = name.strip_prefix('/');
    path.unwrap_or(name).split('/').all(valid) && (path.is_some() || !name.contains('/'))
}

/// Checks the name of a parameter that is asked for by itself.
pub(crate) fn check_asked(cx: &Cx, text: &str) -> Result<()> {
    if is_well_formed(&reference(cx, text)?.name.name) { Ok(()) } else { Err(error::name()) }
}

/// Checks a name that a parameter is to have.
pub(crate) fn check_new(cx: &Cx, name: &str) -> Result<()> {
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_prefix('/').unwrap_or(&lower);
    if lower.starts_with("/aws/") || lower == "/aws" {
        return Err(error::reserved(name));
    }
    let segments: Vec<&str> = name.strip_prefix('/').unwrap_or(name).split('/').collect();
    if name.contains('/') && !name.starts_with('/') {
        return Err(error::validation("Parameter name must be a fully qualified name."));
    }
    if !is_well_formed(name) {
        return Err(error::name());
    }
    if bare.starts_with("aws") || bare.starts_with("ssm") {
        return Err(match segments.len() {
            1 => error::validation(
                "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).",
            ),
            _ => error::name(),
        });
    }
    if segments.len() > DEPTH_MAX {
        return Err(error::depth());
    }
    let full = FullName { account: cx.account(), region: cx.region(), name: name.to_owned() };
    if full.arn().as_str().len() > ARN_LENGTH_MAX {
        return Err(error::validation(
            "Parameter name can't be longer than 1011 characters, with the ARN that precedes it.",
        ));
    }
    Ok(())
}

/// A path for GetParametersByPath, ending in a slash.
pub(crate) fn path(text: &str) -> Result<String> {
    let text = text.trim();
    let valid = |segment: &str| segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if !text.starts_with('/') || text.contains("//") || !text.split('/').all(valid) {
        // The backslashes are AWS's.
        return Err(error::validation(
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward \
             slash \"/\". It can't be prefixed with \\\"aws\\\" or \\\"ssm\\\" (case-insensitive). It must use only letters, \
             numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not \
             allowed. All sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: \
             /get/parameters2-/by1./path0_.",
        ));
    }
    Ok(if text.ends_with('/') { text.to_owned() } else { format!("{text}/") })
}
