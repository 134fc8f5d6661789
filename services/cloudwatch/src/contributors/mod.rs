//! Contributor Insights: rules that count, in log events, who contributes most. Source: CloudWatch User Guide, "Contributor Insights
//! rule syntax".
//!
//! [`field`] (where in an event a value is), [`definition`] (what a rule says, checked), [`filter`] (which events count), [`rules`] (the rules that
//! watch a group of Logs, which has them count), [`report`] (what is told of the counts). Tallies and rules themselves are
//! `haneul_kit::contributors`.

pub(crate) mod definition;
mod field;
mod filter;
pub(crate) mod report;
pub(crate) mod rules;

#[cfg(test)]
mod tests;

pub(crate) use definition::Definition;

/// The text as a definition, and as an event that rules look at.
pub(crate) fn fuzz(text: &str) {
    use haneul_kit::{AccountId, Region};

    let clf = r#"{"Schema": {"Name": "CloudWatchLogRule", "Version": 1}, "LogGroupNames": ["*"], "LogFormat": "CLF",
        "Contribution": {"Keys": ["1", "3"]}, "AggregateOn": "Count"}"#;
    let json = clf.replace("CLF", "JSON").replace("\"1\", \"3\"", "\"$.a.b[0]\", \"$.c\"");
    for definition in [text, clf, &json] {
        if let Ok(definition) = Definition::parse(definition, AccountId::DEFAULT, Region::US_EAST_1) {
            definition.observe(&field::Event::new(text));
            definition.watches(text);
        }
    }
}
