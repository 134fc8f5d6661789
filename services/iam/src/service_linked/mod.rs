//! Service-linked roles: which services have one, what it is called, and which policy it gets.
//!
//! `services.txt` has a line for each: the service's principal without `.amazonaws.com`, the role's name without
//! `AWSServiceRoleFor`, the name of AWS's managed policy, and `suffix` where a service may have several roles. Source:
//! each service's page on its service-linked roles.

use crate::managed;

static SERVICES: &str = include_str!("services.txt");

/// Below which all of them are, and nothing else.
pub(crate) const PATH_START: &str = "/aws-service-role/";

const PRINCIPAL_END: &str = ".amazonaws.com";
const NAME_START: &str = "AWSServiceRoleFor";

#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkedService {
    short: &'static str,
    role: &'static str,
    policy: &'static str,
    /// Whether a role of it may have a suffix.
    pub takes_suffix: bool,
}

impl LinkedService {
    /// By its principal: `autoscaling.amazonaws.com`.
    pub(crate) fn find(principal: &str) -> Option<LinkedService> {
        let short = principal.strip_suffix(PRINCIPAL_END)?;
        all().find(|service| service.short == short)
    }

    pub(crate) fn principal(&self) -> String {
        format!("{}{PRINCIPAL_END}", self.short)
    }

    pub(crate) fn path(&self) -> String {
        format!("{PATH_START}{}/", self.principal())
    }

    pub(crate) fn role_name(&self, suffix: Option<&str>) -> String {
        match suffix {
            Some(suffix) => format!("{NAME_START}{}_{suffix}", self.role),
            None => format!("{NAME_START}{}", self.role),
        }
    }

    pub(crate) fn policy_arn(&self) -> Option<String> {
        let arn = format!("arn:aws:iam::aws:policy{PATH_START}{}", self.policy);
        managed::by_arn(&arn).map(managed::AwsPolicy::arn)
    }

    pub(crate) fn trust_policy(&self) -> String {
        let principal = self.principal();
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Action":["sts:AssumeRole"],"Effect":"Allow","Principal":{{"Service":["{principal}"]}}}}]}}"#
        )
    }
}

/// The principal in the path of a service-linked role.
pub(crate) fn principal_in(path: &str) -> Option<&str> {
    path.strip_prefix(PATH_START).map(|rest| rest.trim_end_matches('/'))
}

fn all() -> impl Iterator<Item = LinkedService> {
    SERVICES.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (short, role, policy) = (words.next()?, words.next()?, words.next()?);
        Some(LinkedService { short, role, policy, takes_suffix: words.next() == Some("suffix") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn every_line_is_whole_and_names_a_policy_that_exists() {
        let mut roles = Vec::new();
        for (service, line) in all().zip(SERVICES.lines()) {
            assert!(line.starts_with(service.short) && matches!(line.split(' ').count(), 3 | 4), "{line}");
            assert!(service.policy_arn().is_some(), "{line}");
            assert!(document::check_trust(&service.trust_policy()).is_ok(), "{line}");
            assert!(service.role_name(None).len() <= 64, "{line}");
            assert!(!roles.contains(&service.role), "{line}");
            roles.push(service.role);
        }
        assert_eq!(roles.len(), SERVICES.lines().count());
        assert!(SERVICES.lines().is_sorted());
    }
}
