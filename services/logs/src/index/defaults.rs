//! Fields that all groups of the STANDARD class are indexed by, without a policy. Source: CloudWatch Logs API Reference,
//! PutAccountPolicy, "default field indexes".

use crate::data_source::DataSource;
use crate::insights::record::OfGroup;
use crate::insights::value::Value;
use crate::names::GroupName;

/// Which stream an event is in: known of every chunk.
pub(crate) const STREAM: &str = "@logStream";

/// The same in all events of a group.
pub(crate) const OF_GROUPS: [&str; 6] =
    ["@aws.account", "@aws.region", "@source.log", "@data_source_name", "@data_source_type", "@data_format"];

/// Found in events.
pub(crate) const OF_EVENTS: [&str; 3] = ["traceId", "severityText", "attributes.session.id"];

/// What each of them has in its events.
const TRACES: [&str; 3] = ["\"traceId\"", "\"severityText\"", "\"attributes"];

/// Whether some of the messages may have such a field.
pub(crate) fn may_be_in(events: &[(i64, &str)]) -> bool {
    let has = |message: &str| TRACES.iter().any(|trace| message.contains(trace));
    events.iter().any(|(_, message)| message.trim_start().starts_with('{') && has(message))
}

/// Whether chunks need no index of it.
pub(crate) fn is_known(field: &str) -> bool {
    field == STREAM || OF_GROUPS.contains(&field)
}

/// What the events of a group have in common. Events that tags give a source have no format.
pub(crate) fn of_group(name: &GroupName, source: Option<&DataSource>) -> OfGroup {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut fields = vec![
        ("@aws.account", text(&name.account.to_string())),
        ("@aws.region", text(name.region.as_str())),
        ("@source.log", text(&name.name)),
    ];
    if let Some(source) = source {
        fields.push(("@data_source_name", text(&source.name)));
        fields.push(("@data_source_type", text(&source.kind)));
    }
    fields.into()
}
