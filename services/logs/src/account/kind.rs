use haneul_kit::Result;

use super::Selection;
use super::selection::Groups;
use crate::error;

/// A type of policies that accounts can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    DataProtection,
    Subscription,
    FieldIndex,
    Transformer,
    MetricExtraction,
}

/// Policies of one type that each select groups by prefix, or a data source. Source: API Reference, PutAccountPolicy.
const SELECTING_MAX: usize = 20;
/// Of metric extraction. Source: the same.
const EXTRACTIONS_MAX: usize = 5;

impl Kind {
    pub(crate) fn parse(text: &str) -> Option<Kind> {
        match text {
            "DATA_PROTECTION_POLICY" => Some(Kind::DataProtection),
            "SUBSCRIPTION_FILTER_POLICY" => Some(Kind::Subscription),
            "FIELD_INDEX_POLICY" => Some(Kind::FieldIndex),
            "TRANSFORMER_POLICY" => Some(Kind::Transformer),
            "METRIC_EXTRACTION_POLICY" => Some(Kind::MetricExtraction),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::DataProtection => "DATA_PROTECTION_POLICY",
            Kind::Subscription => "SUBSCRIPTION_FILTER_POLICY",
            Kind::FieldIndex => "FIELD_INDEX_POLICY",
            Kind::Transformer => "TRANSFORMER_POLICY",
            Kind::MetricExtraction => "METRIC_EXTRACTION_POLICY",
        }
    }

    /// What else a policy asks permission for, to put, see and delete it. Of metric extraction AWS names only one.
    pub(crate) fn actions(self) -> [Option<&'static str>; 3] {
        match self {
            Kind::DataProtection => [
                Some("logs:PutDataProtectionPolicy"),
                Some("logs:GetDataProtectionPolicy"),
                Some("logs:DeleteDataProtectionPolicy"),
            ],
            Kind::Subscription => [
                Some("logs:PutSubscriptionFilter"),
                Some("logs:DescribeSubscriptionFilters"),
                Some("logs:DeleteSubscriptionFilter"),
            ],
            Kind::FieldIndex => [
                Some("logs:PutIndexPolicy"),
                Some("logs:DescribeIndexPolicies"),
                Some("logs:DeleteIndexPolicy"),
            ],
            Kind::Transformer => {
                [Some("logs:PutTransformer"), Some("logs:GetTransformer"), Some("logs:DeleteTransformer")]
            }
            Kind::MetricExtraction => [Some("logs:PutMetricExtractionPolicy"), None, None],
        }
    }

    /// Whether a policy can be beside others of its type.
    ///
    /// # Errors
    /// AWS's LimitExceededException for one too many, InvalidParameterException for groups that another one is for.
    pub(crate) fn check_beside(self, new: &Selection, others: &[Selection]) -> Result<()> {
        let most = match self {
            Kind::DataProtection | Kind::Subscription => 1,
            Kind::FieldIndex | Kind::Transformer => SELECTING_MAX,
            Kind::MetricExtraction => EXTRACTIONS_MAX,
        };
        // Those that select by data source are counted, and compared, apart.
        let alike = others.iter().filter(|other| other.is_of_source() == new.is_of_source());
        if alike.clone().count() >= most {
            return Err(error::limit());
        }
        for other in alike {
            match (new, other) {
                (Selection::All, _) | (_, Selection::All) => return Err(error::limit()),
                (Selection::Source(one), Selection::Source(other)) if one == other => {
                    return Err(overlap("data source name and type combination"));
                }
                (Selection::Groups(one), Selection::Groups(other)) if Groups::overlap(one, other) => {
                    return Err(overlap("log groups"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn overlap(what: &str) -> haneul_kit::ApiError {
    error::invalid(format!(
        "The selectionCriteria overlaps with that of an existing policy: both apply to the same {what}."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_beside_one_another() {
        use Kind::{FieldIndex, MetricExtraction, Subscription, Transformer};
        let (vpc, shop) = (
            r#"DataSourceName = "amazon_vpc" AND DataSourceType = "flow""#,
            r#"DataSourceName="shop" AND DataSourceType="a""#,
        );
        let not = r#"LogGroupNamePrefix NOT IN ["/aws/lambda"]"#;
        for (kind, new, others, good) in [
            (Subscription, "", &[][..], true),
            (Subscription, "", &[r#"LogGroupName NOT IN ["a"]"#], false),
            (Transformer, r#"LogGroupNamePrefix = "a""#, &[r#"LogGroupNamePrefix = "b""#], true),
            (Transformer, r#"LogGroupNamePrefix = "a""#, &[r#"LogGroupNamePrefix = "ab""#], false),
            (Transformer, r#"LogGroupNamePrefix = "ab""#, &[r#"LogGroupNamePrefix = "a""#], false),
            (Transformer, r#"LogGroupNamePrefix = "a""#, &[""], false),
            (Transformer, "", &[r#"LogGroupNamePrefix = "a""#], false),
            (FieldIndex, vpc, &["", shop], true),
            (FieldIndex, "", &[vpc, shop], true),
            (FieldIndex, vpc, &[vpc], false),
            (MetricExtraction, r#"LogGroupName IN ["/aws/lambda/f"]"#, &[not], true),
            (MetricExtraction, r#"LogGroupNamePrefix IN ["/aws"]"#, &[not], false),
            (MetricExtraction, r#"LogGroupNamePrefix NOT IN ["x"]"#, &[not], false),
            (MetricExtraction, r#"LogGroupName IN ["a","b"]"#, &[r#"LogGroupName IN ["b"]"#], false),
            (MetricExtraction, r#"LogGroupName IN ["a"]"#, &[r#"LogGroupName IN ["ab"]"#], true),
            (MetricExtraction, r#"LogGroupNamePrefix IN ["a"]"#, &[r#"LogGroupName IN ["ab"]"#], false),
        ] {
            let parse = |text: &str| Selection::parse(kind, Some(text)).unwrap();
            let others: Vec<Selection> = others.iter().map(|other| parse(other)).collect();
            assert_eq!(kind.check_beside(&parse(new), &others).is_ok(), good, "{new} beside {others:?}");
        }
        let prefix = |n: usize| {
            Selection::parse(Transformer, Some(&format!(r#"LogGroupNamePrefix = "{n:02}""#))).unwrap()
        };
        let many: Vec<Selection> = (0..20).map(prefix).collect();
        Transformer.check_beside(&prefix(20), &many[..19]).unwrap();
        let refused = Transformer.check_beside(&prefix(20), &many).unwrap_err();
        assert_eq!(refused.code(), "LimitExceededException");
    }
}
