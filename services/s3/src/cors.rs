//! Cross-origin resource sharing: which rule answers an origin, and what it lets a browser know.
//!
//! Source: S3 User Guide, "Elements of a CORS configuration" and "How does Amazon S3 evaluate the CORS configuration".

use haneul_kit::Result;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error;
use crate::model::configuration::CorsRule;

const RULES_MAX: usize = 100;
const ID_LENGTH_MAX: usize = 255;

/// Refuses rules that S3 would.
pub(crate) fn check(rules: &[CorsRule]) -> Result<()> {
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(error::malformed_xml());
    }
    for rule in rules {
        if rule.allowed_methods.is_empty() || rule.allowed_origins.is_empty() {
            return Err(error::malformed_xml());
        }
        if rule.id.as_ref().is_some_and(|id| id.len() > ID_LENGTH_MAX) {
            return Err(error::malformed_xml());
        }
        let known = ["GET", "PUT", "POST", "DELETE", "HEAD"];
        if let Some(method) = rule.allowed_methods.iter().find(|method| !known.contains(&method.as_str())) {
            let message =
                format!("Found unsupported HTTP method in CORS config. Unsupported method is {method}");
            return Err(error::invalid_request(message));
        }
        if let Some(origin) = rule.allowed_origins.iter().find(|origin| origin.matches('*').count() > 1) {
            return Err(error::invalid_request(format!(
                "AllowedOrigin \"{origin}\" can not have more than one wildcard."
            )));
        }
        if let Some(header) = rule.allowed_headers.iter().find(|header| header.matches('*').count() > 1) {
            return Err(error::invalid_request(format!(
                "AllowedHeader \"{header}\" can not have more than one wildcard."
            )));
        }
        if let Some(header) = rule.expose_headers.iter().find(|header| header.contains('*')) {
            let message = format!(
                "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
            );
            return Err(error::invalid_request(message));
        }
    }
    Ok(())
}

/// What a browser asks.
pub(crate) struct Asked<'a> {
    pub(crate) origin: &'a str,
    pub(crate) method: &'a str,
    /// `Access-Control-Request-Headers`, as of a preflight.
    pub(crate) headers: Option<&'a str>,
}

/// The first rule that matches origin, method and every header.
pub(crate) fn find<'a>(rules: &'a [CorsRule], asked: &Asked<'_>) -> Option<&'a CorsRule> {
    rules.iter().find(|rule| {
        rule.allowed_origins.iter().any(|pattern| matches(pattern, asked.origin, false))
            && rule.allowed_methods.iter().any(|method| method == asked.method)
            && headers(asked.headers)
                .all(|header| rule.allowed_headers.iter().any(|pattern| matches(pattern, header, true)))
    })
}

/// The headers of the answer. Who asks for headers is also told what is allowed.
pub(crate) fn answer(rule: &CorsRule, asked: &Asked<'_>, answer: &mut HeaderMap) {
    let any = rule.allowed_origins.iter().any(|origin| origin == "*");
    put(answer, ACCESS_CONTROL_ALLOW_ORIGIN, if any { "*" } else { asked.origin });
    put(answer, ACCESS_CONTROL_ALLOW_METHODS, &rule.allowed_methods.join(", "));
    if !rule.expose_headers.is_empty() {
        put(answer, ACCESS_CONTROL_EXPOSE_HEADERS, &rule.expose_headers.join(", "));
    }
    if let Some(age) = rule.max_age_s {
        put(answer, ACCESS_CONTROL_MAX_AGE, &age.to_string());
    }
    if !any {
        put(answer, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if asked.headers.is_some() {
        let allowed: Vec<String> = headers(asked.headers).map(str::to_ascii_lowercase).collect();
        put(answer, ACCESS_CONTROL_ALLOW_HEADERS, &allowed.join(", "));
    }
    answer.append(
        VARY,
        HeaderValue::from_static("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
    );
}

fn headers(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.into_iter().flat_map(|list| list.split(',')).map(str::trim).filter(|header| !header.is_empty())
}

fn matches(pattern: &str, text: &str, ignore_case: bool) -> bool {
    let (pattern, text) = if ignore_case {
        (pattern.to_ascii_lowercase(), text.to_ascii_lowercase())
    } else {
        (pattern.to_owned(), text.to_owned())
    };
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

fn put(answer: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> CorsRule {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        CorsRule {
            allowed_origins: owned(origins),
            allowed_methods: owned(methods),
            allowed_headers: owned(headers),
            ..CorsRule::default()
        }
    }

    #[test]
    fn the_first_rule_that_matches_all() {
        let rules = [
            rule(&["https://a.example"], &["PUT"], &["x-amz-*"]),
            rule(&["https://*.example"], &["GET", "PUT"], &[]),
            rule(&["*"], &["GET"], &["*"]),
        ];
        for (origin, method, headers, expected) in [
            ("https://a.example", "PUT", None, Some(0)),
            ("https://a.example", "PUT", Some("X-Amz-Date, x-amz-acl"), Some(0)),
            ("https://a.example", "PUT", Some("content-type"), None),
            ("https://a.example", "GET", None, Some(1)),
            ("https://b.example", "PUT", None, Some(1)),
            ("https://.example", "GET", None, Some(1)),
            ("https://example", "GET", None, Some(2)),
            ("http://elsewhere", "GET", Some("anything"), Some(2)),
            ("http://elsewhere", "DELETE", None, None),
        ] {
            let found = find(&rules, &Asked { origin, method, headers });
            let index = found.and_then(|found| rules.iter().position(|rule| rule == found));
            assert_eq!(index, expected, "{origin} {method} {headers:?}");
        }
    }

    #[test]
    fn refused_rules() {
        let good = rule(&["*"], &["GET"], &["*"]);
        let exposed = CorsRule { expose_headers: vec!["x-*".into()], ..good.clone() };
        for (rules, expected) in [
            (vec![good.clone()], "ok"),
            (vec![], "MalformedXML"),
            (vec![good.clone(); 101], "MalformedXML"),
            (vec![rule(&[], &["GET"], &[])], "MalformedXML"),
            (vec![rule(&["*"], &["PATCH"], &[])], "InvalidRequest"),
            (vec![rule(&["*.*"], &["GET"], &[])], "InvalidRequest"),
            (vec![rule(&["*"], &["GET"], &["*-*"])], "InvalidRequest"),
            (vec![exposed], "InvalidRequest"),
        ] {
            assert_eq!(check(&rules).map_or_else(|e| e.code().to_owned(), |()| "ok".into()), expected);
        }
    }

    #[test]
    fn a_wildcard_origin_never_goes_with_credentials() {
        let asked = Asked { origin: "https://a", method: "GET", headers: Some("X-A, x-b") };
        let mut any = HeaderMap::new();
        answer(&rule(&["*"], &["GET"], &["*"]), &asked, &mut any);
        assert_eq!(any[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!any.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
        assert_eq!(any[ACCESS_CONTROL_ALLOW_HEADERS], "x-a, x-b");
        let mut one = HeaderMap::new();
        let asked = Asked { headers: None, ..asked };
        answer(&rule(&["https://a"], &["GET"], &["*"]), &asked, &mut one);
        assert_eq!(one[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a");
        assert_eq!(one[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert!(!one.contains_key(ACCESS_CONTROL_ALLOW_HEADERS));
    }
}
