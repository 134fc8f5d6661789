use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// `Action` and `Version` of a request in the query protocols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action<'q> {
    pub action: Option<Cow<'q, str>>,
    pub version: Option<Cow<'q, str>>,
}

/// Parameters before this many are looked at for a name; AWS's clients write them first.
const PAIRS_MAX: usize = 10_000;

impl<'q> Action<'q> {
    /// Reads a query string or a form body. The first of a name counts.
    pub fn read(form: &'q str) -> Action<'q> {
        let mut found = Action::default();
        for pair in form.split('&').take(PAIRS_MAX) {
            if !pair.starts_with(['A', 'V']) {
                continue;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let slot = match name {
                "Action" => &mut found.action,
                "Version" => &mut found.version,
                _ => continue,
            };
            if slot.is_none() {
                *slot = Some(decode(value));
            }
            if found.action.is_some() && found.version.is_some() {
                break;
            }
        }
        found
    }
}

/// Whether a form has this parameter.
pub fn has(form: &str, name: &str) -> bool {
    form.split('&').take(PAIRS_MAX).any(|pair| pair.split('=').next() == Some(name))
}

fn decode(value: &str) -> Cow<'_, str> {
    if !value.bytes().any(|b| matches!(b, b'%' | b'+')) {
        return Cow::Borrowed(value);
    }
    let spaced = value.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_and_version() {
        let cases = [
            ("Action=SendMessage&Version=2012-11-05&QueueUrl=x", Some("SendMessage"), Some("2012-11-05")),
            ("Version=2012-11-05&Action=Send%4dessage", Some("SendMessage"), Some("2012-11-05")),
            ("QueueUrl=x&Action=A&Action=B", Some("A"), None),
            ("Actions=A&XAction=B", None, None),
            ("Action", Some(""), None),
            ("Action=%ff%fe", Some("\u{fffd}\u{fffd}"), None),
            ("", None, None),
        ];
        for (form, action, version) in cases {
            let found = Action::read(form);
            assert_eq!((found.action.as_deref(), found.version.as_deref()), (action, version), "{form}");
        }
        assert!(has("A=1&QueueUrl=x", "QueueUrl") && !has("A=QueueUrl&XQueueUrl=1", "QueueUrl"));
    }
}
