//! The users and roles that a document names, by their places in its text, so that another name can be put there and
//! nothing else is touched.

use std::ops::Range;

use crate::json::{self, Json};

/// The document, which is a policy, with other names for the principals under `AWS` that `rename` gives one for; the same
/// to the byte everywhere else.
pub fn rename_principals(document: &str, mut rename: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(document.len());
    let mut copied = 0;
    for (at, name) in aws_principals(document) {
        if let Some(new) = rename(&name) {
            out.push_str(&document[copied..at.start]);
            json::write_string(&mut out, &new);
            copied = at.end;
        }
    }
    out.push_str(&document[copied..]);
    out
}

/// The strings under `AWS` of `Principal` and `NotPrincipal`, and where they stand, quotes included.
fn aws_principals(document: &str) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    // The key that comes next in each object that is open; none in an array.
    let mut open: Vec<Option<String>> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = document.as_bytes().get(at) {
        match byte {
            b'{' => open.push(Some(String::new())),
            b'[' => open.push(None),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let end = end_of_string(document, at);
                let Ok(Json::String(text)) = json::parse(&document[at..end]) else { return found };
                let is_key = document[end..].trim_start().starts_with(':');
                if is_key {
                    open.last_mut().into_iter().flatten().for_each(|key| key.clone_from(&text));
                } else if is_aws_principal(&open) {
                    found.push((at..end, text));
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn is_aws_principal(open: &[Option<String>]) -> bool {
    let mut keys = open.iter().flatten().map(String::as_str);
    let keys = [keys.next(), keys.next(), keys.next(), keys.next()];
    matches!(keys, [Some("Statement"), Some("Principal" | "NotPrincipal"), Some("AWS"), None])
}

/// Behind the quote that ends the string that begins at `start`.
fn end_of_string(document: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, byte) in document.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    document.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_principals_are_renamed_and_the_rest_stays_as_it_was_sent() {
        let rename = |name: &str| (name == "a/b").then(|| String::from("X\"1"));
        for (document, expected) in [
            (
                r#"{ "Statement" : [ {"Sid":"a/b", "Principal" : {"AWS" : [ "*", "a\/b" ]}, "Resource":"a/b" } ] }"#,
                r#"{ "Statement" : [ {"Sid":"a/b", "Principal" : {"AWS" : [ "*", "X\"1" ]}, "Resource":"a/b" } ] }"#,
            ),
            (
                r#"{"Id":"\"{","Statement":{"NotPrincipal":{"AWS":"a/b","Service":"a/b"},"Action":["a/b"]}}"#,
                r#"{"Id":"\"{","Statement":{"NotPrincipal":{"AWS":"X\"1","Service":"a/b"},"Action":["a/b"]}}"#,
            ),
            (
                r#"{"Statement":[{"Principal":"a/b","Condition":{"StringEquals":{"AWS":"a/b"}}}]}"#,
                r#"{"Statement":[{"Principal":"a/b","Condition":{"StringEquals":{"AWS":"a/b"}}}]}"#,
            ),
            ("no \"json", "no \"json"),
            ("", ""),
            (r#"]}{"Statement":{"Principal":{"AWS":"\"#, r#"]}{"Statement":{"Principal":{"AWS":"\"#),
        ] {
            assert_eq!(rename_principals(document, rename), expected);
        }
    }
}
