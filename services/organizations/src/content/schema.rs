//! Which settings each type has, as data. Source: the syntax page of each type in the AWS Organizations User Guide. Of
//! types whose page names no fixed set, any tree is taken.

use serde_json::Value;

/// What may be at one place of a tree.
pub(crate) enum Schema {
    /// Any tree.
    Any,
    /// These settings and no others.
    Keys(&'static [(&'static str, Schema)]),
    /// A name of the user's own, and below each the same.
    Each(&'static Schema),
    /// One value.
    One(&'static [&'static str]),
    /// A list of strings.
    Many,
}

use Schema::{Any, Each, Keys, Many, One};

/// Any string.
const TEXT: Schema = One(&[]);

impl Schema {
    pub(crate) fn below(&self, key: &str) -> Option<&Schema> {
        match self {
            Any => Some(self),
            Keys(keys) => keys.iter().find(|(name, _)| *name == key).map(|(_, schema)| schema),
            Each(schema) => Some(schema),
            One(_) | Many => None,
        }
    }

    /// Whether an operator may set `value` here.
    pub(crate) fn takes(&self, assigns: bool, value: &Value) -> bool {
        match self {
            Any => assigns || value.is_array() || value.is_string(),
            Keys(_) | Each(_) => false,
            // Only lists are appended to.
            One(allowed) => {
                let text = match value {
                    Value::String(text) => Some(text.clone()),
                    Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
                    _ => None,
                };
                assigns && text.is_some_and(|text| allowed.is_empty() || allowed.contains(&text.as_str()))
            }
            Many => match value {
                Value::Array(items) => items.iter().all(Value::is_string),
                Value::String(_) => true,
                _ => false,
            },
        }
    }
}

pub(crate) fn of(kind: &str) -> &'static Schema {
    match kind {
        "TAG_POLICY" => &TAGS,
        "BACKUP_POLICY" => &PLANS,
        "AISERVICES_OPT_OUT_POLICY" => &SERVICES,
        "CHATBOT_POLICY" => &CHATBOT,
        "DECLARATIVE_POLICY_EC2" => &EC2,
        "SECURITYHUB_POLICY" => &SECURITY_HUB,
        _ => &Any,
    }
}

static TAGS: Schema = Each(&Keys(&[
    ("tag_key", TEXT),
    ("tag_value", Many),
    ("enforced_for", Many),
    ("report_required_tag_for", Many),
]));

static SERVICES: Schema = Each(&Keys(&[("opt_out_policy", One(&["optIn", "optOut"]))]));

static TAG: Schema = Keys(&[("tag_key", TEXT), ("tag_value", TEXT)]);

static PLANS: Schema = Each(&Keys(&[
    ("regions", Many),
    (
        "rules",
        Each(&Keys(&[
            ("schedule_expression", TEXT),
            ("schedule_expression_timezone", TEXT),
            ("start_backup_window_minutes", TEXT),
            ("complete_backup_window_minutes", TEXT),
            ("enable_continuous_backup", One(&["true", "false"])),
            ("target_backup_vault_name", TEXT),
            ("target_logically_air_gapped_backup_vault_arn", TEXT),
            (
                "lifecycle",
                Keys(&[
                    ("move_to_cold_storage_after_days", TEXT),
                    ("delete_after_days", TEXT),
                    ("opt_in_to_archive_for_supported_resources", One(&["true", "false"])),
                    ("delete_after_event", TEXT),
                ]),
            ),
            (
                "copy_actions",
                Each(&Keys(&[("target_backup_vault_arn", TEXT), ("lifecycle", Each(&One(&[])))])),
            ),
            ("recovery_point_tags", Each(&TAG)),
            ("index_actions", Any),
            ("scan_actions", Any),
        ])),
    ),
    (
        "selections",
        Keys(&[
            (
                "tags",
                Each(&Keys(&[
                    ("iam_role_arn", TEXT),
                    ("tag_key", TEXT),
                    ("tag_value", Many),
                    ("conditions", Any),
                ])),
            ),
            (
                "resources",
                Each(&Keys(&[
                    ("iam_role_arn", TEXT),
                    ("resource_types", Many),
                    ("not_resource_types", Many),
                    ("conditions", Any),
                ])),
            ),
        ]),
    ),
    ("advanced_backup_settings", Keys(&[("ec2", Keys(&[("windows_vss", One(&["enabled", "disabled"]))]))])),
    ("backup_plan_tags", Each(&TAG)),
    ("scan_settings", Any),
]));

static CHATBOT: Schema = Keys(&[
    ("platforms", Keys(&[("slack", Any), ("microsoft_teams", Any), ("chime", Any)])),
    ("default", Any),
]);

static EC2: Schema = Keys(&[
    ("serial_console_access", Any),
    ("image_block_public_access", Any),
    ("allowed_images_settings", Any),
    ("instance_metadata_defaults", Any),
    ("snapshot_block_public_access", Any),
    ("vpc_block_public_access", Any),
    ("exception_message", TEXT),
]);

static SECURITY_HUB: Schema = Keys(&[("enable_in_regions", Many), ("disable_in_regions", Many)]);

/// What a whole effective policy must have, and what it breaks: code, message and path.
pub(crate) fn broken(kind: &str, effective: &Value) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    let top = effective.as_object().and_then(|top| top.iter().next());
    let Some((key, Value::Object(entries))) = top else { return found };
    for (name, entry) in entries {
        let path = format!("{key}/{name}");
        let require = |member: &str, found: &mut Vec<_>| {
            if entry.get(member).is_none() {
                let message = format!("'{member}' is required and is missing from the effective policy.");
                found.push(("REQUIRED_ELEMENT_MISSING", message, path.clone()));
            }
        };
        match kind {
            "BACKUP_POLICY" => {
                require("regions", &mut found);
                require("rules", &mut found);
                let rules = entry.get("rules").and_then(Value::as_object).map_or(0, serde_json::Map::len);
                if rules > BACKUP_RULES_MAX {
                    let message = format!("'rules' exceeds the allowed maximum limit {BACKUP_RULES_MAX}.");
                    found.push(("ELEMENTS_TOO_MANY", message, format!("{path}/rules")));
                }
            }
            "TAG_POLICY" => require("tag_key", &mut found),
            _ => {}
        }
    }
    found
}

const BACKUP_RULES_MAX: usize = 10;
