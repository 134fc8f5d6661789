//! Search expressions: `SEARCH('{AWS/EC2,InstanceId} MetricName="CPUUtilization"', 'Average')` finds metrics by schema and words.
//! Source: CloudWatch User Guide, "CloudWatch search expression syntax".

mod parse;
mod words;

use crate::series::Identity;

/// A parsed query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Search {
    schema: Option<Schema>,
    term: Option<Term>,
}

#[derive(Clone, Debug, PartialEq)]
struct Schema {
    namespace: String,
    /// Sorted. `None` when only the namespace is given: metrics without dimensions do not count as having those of any.
    dimensions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    And(Vec<Term>),
    Or(Vec<Term>),
    Not(Box<Term>),
    /// `MetricName=`, `Namespace=`, a dimension's name, or `None` for anywhere.
    Match {
        property: Option<String>,
        text: String,
        exact: bool,
    },
}

impl Search {
    pub(crate) fn parse(text: &str) -> Result<Search, String> {
        parse::parse(text)
    }

    /// The namespace that the schema names, to narrow a listing.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.schema.as_ref().map(|schema| schema.namespace.as_str())
    }

    pub(crate) fn finds(&self, identity: &Identity) -> bool {
        let schema = self.schema.as_ref().is_none_or(|schema| schema.fits(identity));
        schema && self.term.as_ref().is_none_or(|term| term.fits(identity))
    }
}

impl Schema {
    fn fits(&self, identity: &Identity) -> bool {
        self.namespace == identity.namespace
            && self.dimensions.len() == identity.dimensions.len()
            && self.dimensions.iter().zip(&identity.dimensions).all(|(wanted, (name, _))| wanted == name)
    }
}

impl Term {
    fn fits(&self, identity: &Identity) -> bool {
        match self {
            Term::And(all) => all.iter().all(|term| term.fits(identity)),
            Term::Or(any) => any.iter().any(|term| term.fits(identity)),
            Term::Not(term) => !term.fits(identity),
            Term::Match { property, text, exact } => {
                let fits = |value: &str| if *exact { value == text } else { words::contains(value, text) };
                match property.as_deref() {
                    Some("MetricName") => fits(&identity.name),
                    Some("Namespace") => fits(&identity.namespace),
                    Some(dimension) => identity.dimension(dimension).is_some_and(fits),
                    None => {
                        fits(&identity.name)
                            || fits(&identity.namespace)
                            || identity.dimensions.iter().any(|(name, value)| fits(name) || fits(value))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use haneul_kit::{AccountId, Region};
    use proptest::prelude::*;

    use super::*;

    fn metric(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Identity {
        let dimensions = dimensions.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Identity::new(AccountId::DEFAULT, Region::US_EAST_1, namespace, name, dimensions)
    }

    #[test]
    fn queries_and_what_they_find() {
        let metrics = [
            metric("AWS/EC2", "CPUUtilization", &[("InstanceId", "i-1234567")]),
            metric("AWS/EC2", "CPUUtilization", &[("InstanceType", "t2.micro")]),
            metric("AWS/EC2", "NetworkPacketsIn", &[("InstanceId", "i-1234567")]),
            metric("AWS/Lambda", "Invocations", &[("FunctionName", "my-function_one"), ("Resource", "live")]),
            metric("Custom space", "cpu time", &[]),
        ];
        for (query, expected) in [
            ("{AWS/EC2,InstanceId}", "02"),
            ("{AWS/EC2,InstanceId} MetricName=\"CPUUtilization\"", "0"),
            ("{AWS/EC2, InstanceType} micro", "1"),
            ("{\"Custom space\"}", "4"),
            ("cpu", "014"),
            ("CPUUtilization", "01"),
            ("cpuutilization", "01"),
            ("Utilization", "01"),
            ("network packets", "2"),
            ("PacketsIn", "2"),
            ("\"CPUUtilization\"", "01"),
            ("\"CPU\"", ""),
            ("InstanceId=\"i-1234567\"", "02"),
            ("InstanceId=1234567", "02"),
            ("MetricName=(Network OR Invocations)", "23"),
            ("CPUUtilization NOT micro", "0"),
            ("cpu AND NOT InstanceType", "04"),
            ("cpu -InstanceId", "14"),
            ("(lambda OR custom) NOT time", "3"),
            ("Namespace=\"AWS/Lambda\" function", "3"),
            ("{AWS/Lambda,Resource,FunctionName}", "3"),
            ("{AWS/Lambda,FunctionName}", ""),
        ] {
            let search = Search::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
            let found: String = metrics
                .iter()
                .enumerate()
                .filter(|(_, metric)| search.finds(metric))
                .map(|(i, _)| i.to_string())
                .collect();
            assert_eq!(found, expected, "{query}");
        }
        for bad in ["", "  ", "{}", "{AWS/EC2", "(a", "a )", "\"open", "OR a", "a OR", "MetricName=", "NOT"] {
            assert!(Search::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "[-{}()=\",a-cA-Z0-9 é/]{0,60}|(NOT |OR |\\(|a){0,300}") {
            if let Ok(search) = Search::parse(&text) {
                search.finds(&metric("a/b", "Cpu", &[("a", "b c")]));
            }
        }
    }
}
