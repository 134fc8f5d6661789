//! Metrics Insights: `SELECT AVG(CPUUtilization) FROM SCHEMA("AWS/EC2", InstanceId) WHERE … GROUP BY … ORDER BY … LIMIT …`.
//! Source: CloudWatch User Guide, "Metrics Insights query components and syntax".

mod parse;

use haneul_kit::metrics::Summary;

use crate::series::Identity;

/// Time series that a query returns, at most.
pub(crate) const SERIES_MAX: usize = 500;
/// Metrics that a query looks at, at most.
pub(crate) const METRICS_MAX: usize = 10_000;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Select {
    pub(crate) function: Aggregate,
    pub(crate) metric: String,
    pub(crate) namespace: String,
    /// The dimensions that a metric must have, no more and no fewer, sorted; `None` without SCHEMA.
    schema: Option<Vec<String>>,
    condition: Option<Condition>,
    pub(crate) group_by: Vec<String>,
    pub(crate) order_by: Option<(Aggregate, bool)>,
    pub(crate) limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Avg,
    Count,
    Max,
    Min,
    Sum,
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Compare { key: String, equal: bool, value: String },
}

/// Whether an expression is a query of this language rather than metric math.
pub(crate) fn is_select(expression: &str) -> bool {
    let rest = expression.trim_start();
    rest.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
        && rest[6..].starts_with(|c: char| c.is_whitespace())
}

impl Select {
    pub(crate) fn parse(text: &str) -> Result<Select, String> {
        parse::parse(text)
    }

    pub(crate) fn finds(&self, identity: &Identity) -> bool {
        let schema = self.schema.as_ref().is_none_or(|names| {
            names.len() == identity.dimensions.len()
                && names.iter().zip(&identity.dimensions).all(|(wanted, (name, _))| wanted == name)
        });
        schema
            && self.condition.as_ref().is_none_or(|condition| condition.holds(identity))
            && self.group_by.iter().all(|key| identity.dimension(key).is_some())
    }

    /// The values by which metrics are grouped.
    pub(crate) fn group(&self, identity: &Identity) -> Vec<String> {
        self.group_by.iter().filter_map(|key| identity.dimension(key).map(str::to_owned)).collect()
    }
}

impl Condition {
    fn holds(&self, identity: &Identity) -> bool {
        match self {
            Condition::All(all) => all.iter().all(|one| one.holds(identity)),
            Condition::Any(any) => any.iter().any(|one| one.holds(identity)),
            Condition::Compare { key, equal, value } => match identity.dimension(key) {
                Some(found) => (found == value) == *equal,
                // What has no such dimension is different from every value.
                None => !equal,
            },
        }
    }
}

impl Aggregate {
    fn parse(name: &str) -> Option<Aggregate> {
        Some(match name.to_ascii_uppercase().as_str() {
            "AVG" => Aggregate::Avg,
            "COUNT" => Aggregate::Count,
            "MAX" => Aggregate::Max,
            "MIN" => Aggregate::Min,
            "SUM" => Aggregate::Sum,
            _ => return None,
        })
    }

    pub(crate) fn of(self, summary: &Summary) -> f64 {
        match self {
            Aggregate::Avg => summary.sum / summary.count,
            Aggregate::Count => summary.count,
            Aggregate::Max => summary.max,
            Aggregate::Min => summary.min,
            Aggregate::Sum => summary.sum,
        }
    }

    /// Of the points of a series, to put it in order among others.
    pub(crate) fn over(self, values: impl Iterator<Item = f64>) -> Option<f64> {
        let values: Vec<f64> = values.collect();
        if values.is_empty() {
            return None;
        }
        let sum: f64 = values.iter().sum();
        Some(match self {
            Aggregate::Avg => sum / values.len() as f64,
            Aggregate::Count => values.len() as f64,
            Aggregate::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Aggregate::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
            Aggregate::Sum => sum,
        })
    }
}

#[cfg(test)]
mod tests {
    use haneul_kit::{AccountId, Region};
    use proptest::prelude::*;

    use super::*;

    fn metric(dimensions: &[(&str, &str)]) -> Identity {
        let dimensions = dimensions.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Identity::new(AccountId::DEFAULT, Region::US_EAST_1, "AWS/EC2", "CPU", dimensions)
    }

    #[test]
    fn conditions_and_schemas() {
        let metrics = [
            metric(&[]),
            metric(&[("InstanceId", "i-1")]),
            metric(&[("InstanceId", "i-2"), ("Type", "t2.micro")]),
            metric(&[("Type", "it's"), ("InstanceId", "i-3")]),
        ];
        for (query, expected) in [
            ("SELECT AVG(CPU) FROM \"AWS/EC2\"", "0123"),
            ("select avg(CPU) from SCHEMA(\"AWS/EC2\")", "0"),
            ("SELECT MAX(CPU) FROM SCHEMA(\"AWS/EC2\", Type, InstanceId)", "23"),
            ("SELECT SUM(CPU) FROM \"AWS/EC2\" WHERE InstanceId = 'i-2'", "2"),
            ("SELECT SUM(CPU) FROM \"AWS/EC2\" WHERE InstanceId != 'i-2' AND Type = 'it''s'", "3"),
            ("SELECT SUM(CPU) FROM \"AWS/EC2\" WHERE \"InstanceId\" = 'i-1' OR Type = 't2.micro'", "12"),
            (
                "SELECT SUM(CPU) FROM \"AWS/EC2\" WHERE (InstanceId = 'i-1' OR InstanceId = 'i-2') AND Type != 'x' GROUP BY Type",
                "2",
            ),
            (
                "SELECT COUNT(\"CPU\") FROM \"AWS/EC2\" GROUP BY InstanceId, Type ORDER BY COUNT() DESC LIMIT 5;",
                "23",
            ),
        ] {
            let select = Select::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
            let found: String = metrics
                .iter()
                .enumerate()
                .filter(|(_, m)| select.finds(m))
                .map(|(i, _)| i.to_string())
                .collect();
            assert_eq!(found, expected, "{query}");
        }
        let select = Select::parse("SELECT MIN(CPU) FROM x GROUP BY a ORDER BY MAX() LIMIT 3").unwrap();
        assert_eq!((select.order_by, select.limit), (Some((Aggregate::Max, false)), 3));
        for bad in [
            "SELECT",
            "SELECT AVG(CPU)",
            "SELECT P99(CPU) FROM x",
            "SELECT AVG() FROM x",
            "SELECT AVG(a) FROM x WHERE",
            "SELECT AVG(a) FROM x WHERE b > 'c'",
            "SELECT AVG(a) FROM x LIMIT 0",
            "SELECT AVG(a) FROM x LIMIT 501",
            "SELECT AVG(a) FROM x extra",
            "SELECT AVG(a) FROM AWS/EC2",
            "SELECT AVG(a) FROM x ORDER BY b",
            "SELECT AVG(a) FROM SCHEMA()",
            "SELECT AVG(a) FROM x WHERE b = \"c\"",
        ] {
            assert!(Select::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "SELECT AVG\\(a\\) FROM x (WHERE |GROUP BY |ORDER BY |LIMIT |[a-c'\"=!(), 0-9é]){0,20}") {
            if let Ok(select) = Select::parse(&text) {
                select.finds(&metric(&[("a", "b")]));
            }
        }
    }
}
