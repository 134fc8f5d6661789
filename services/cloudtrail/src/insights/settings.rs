use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::Result;
use serde::{Deserialize, Serialize};

use crate::error;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[serde(rename = "ApiCallRateInsight")]
    CallRate,
    #[serde(rename = "ApiErrorRateInsight")]
    ErrorRate,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::CallRate => "ApiCallRateInsight",
            Kind::ErrorRate => "ApiErrorRateInsight",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Kind> {
        [Kind::CallRate, Kind::ErrorRate].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One selector: a kind, and in which events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Selector {
    pub(crate) kind: Kind,
    pub(crate) management: bool,
    pub(crate) data: bool,
}

/// What a trail or an event data store looks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Insights {
    pub(crate) selectors: Vec<Selector>,
    /// The id of the event data store that takes what a store finds.
    pub(crate) destination: Option<String>,
    /// Where baselines begin.
    pub(crate) since_ms: i64,
}

impl Insights {
    pub(crate) fn looks(&self, kind: Option<Kind>, management: bool) -> bool {
        self.selectors.iter().any(|selector| {
            kind.is_none_or(|kind| selector.kind == kind)
                && if management { selector.management } else { selector.data }
        })
    }

    pub(crate) fn shapes(&self) -> Vec<s::InsightSelector> {
        let shape = |selector: &Selector| {
            let categories = [(selector.management, "Management"), (selector.data, "Data")];
            let categories = categories.into_iter().filter(|(on, _)| *on).map(|(_, name)| name.to_owned());
            s::InsightSelector {
                insight_type: Some(selector.kind.as_str().to_owned()),
                event_categories: Some(categories.collect()),
            }
        };
        self.selectors.iter().map(shape).collect()
    }
}

/// Selectors as clients give them.
pub(crate) fn parse(given: Vec<s::InsightSelector>) -> Result<Vec<Selector>> {
    let mut made: Vec<Selector> = Vec::new();
    for one in given {
        let kind = one.insight_type.as_deref().and_then(Kind::parse).ok_or_else(|| {
            error::insight_selectors("InsightType must be ApiCallRateInsight or ApiErrorRateInsight.")
        })?;
        if made.iter().any(|before| before.kind == kind) {
            return Err(error::insight_selectors(format!("{} is given more than once.", kind.as_str())));
        }
        let mut selector = Selector { kind, management: false, data: false };
        // AWS: without categories, on management events.
        let categories = one.event_categories.unwrap_or_default();
        selector.management = categories.is_empty();
        for category in categories {
            match &*category {
                "Management" => selector.management = true,
                "Data" => selector.data = true,
                other => {
                    return Err(error::insight_selectors(format!(
                        "EventCategory {other} is not valid. Valid values are Management and Data."
                    )));
                }
            }
        }
        made.push(selector);
    }
    Ok(made)
}
