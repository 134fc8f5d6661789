use http::StatusCode;

use crate::model::features::RoutingRule;

/// The request that is redirected.
pub(super) struct From<'a> {
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
    pub(super) key: &'a str,
}

/// The first rule that is about the request, and where it leads. Before an object is looked for, rules without an error
/// code; after an error, those with its code.
pub(super) fn find(
    rules: &[RoutingRule],
    from: &From<'_>,
    error: Option<u16>,
) -> Option<(StatusCode, String)> {
    let rule = rules.iter().find(|rule| {
        rule.error_code == error && rule.prefix.as_deref().is_none_or(|prefix| from.key.starts_with(prefix))
    })?;
    let prefix = rule.prefix.as_deref().unwrap_or_default();
    let key = match (&rule.replace_key, &rule.replace_prefix) {
        (Some(key), _) => key.clone(),
        (None, Some(with)) => format!("{with}{}", &from.key[prefix.len()..]),
        (None, None) => from.key.to_owned(),
    };
    let scheme = rule.protocol.as_deref().unwrap_or(from.scheme);
    let host = rule.host.as_deref().unwrap_or(from.host);
    let status = rule.code.and_then(|code| StatusCode::from_u16(code).ok());
    Some((status.unwrap_or(StatusCode::MOVED_PERMANENTLY), format!("{scheme}://{host}/{key}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_rules_lead() {
        let rules = [
            RoutingRule {
                prefix: Some("docs/".into()),
                replace_prefix: Some("documents/".into()),
                ..Default::default()
            },
            RoutingRule {
                prefix: Some("old".into()),
                replace_key: Some("new.html".into()),
                code: Some(307),
                ..Default::default()
            },
            RoutingRule {
                error_code: Some(404),
                prefix: Some("x".into()),
                host: Some("other.example".into()),
                protocol: Some("https".into()),
                replace_prefix: Some("report-404/".into()),
                ..Default::default()
            },
        ];
        let to = |key: &str, error| {
            let from = From { scheme: "http", host: "site", key };
            find(&rules, &from, error).map(|(status, to)| format!("{} {to}", status.as_u16()))
        };
        for (key, error, expected) in [
            ("docs/a", None, Some("301 http://site/documents/a")),
            ("old/a", None, Some("307 http://site/new.html")),
            ("a", None, None),
            ("xa", None, None),
            ("xa", Some(404), Some("301 https://other.example/report-404/a")),
            ("xa", Some(403), None),
        ] {
            assert_eq!(to(key, error).as_deref(), expected, "{key} {error:?}");
        }
    }
}
