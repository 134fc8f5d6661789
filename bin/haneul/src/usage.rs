use serde_json::Value;

use crate::Result;
use crate::cli::UsageOptions;
use crate::control::ask;

pub(crate) fn run(options: &UsageOptions) -> Result<()> {
    let wanted = [
        ("from", &options.from),
        ("to", &options.to),
        ("account", &options.account),
        ("service", &options.service),
    ];
    let given = wanted.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let query: Vec<String> = given.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let answer = ask(&options.endpoint, &format!("/_haneul/usage?{}", query.join("&")), None)?;
    if options.json {
        println!("{answer:#}");
        return Ok(());
    }
    for row in answer["usage"].as_array().into_iter().flatten() {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        println!(
            "{:<20}  {}  {:<14}  {:<16}  {:<28}  {:<22}  {:>14} {:<8}  {}",
            when(row),
            text("account"),
            text("region"),
            text("service"),
            text("operation"),
            text("usage_type"),
            row["amount"],
            text("unit"),
            resource(row)
        );
    }
    if answer["truncated"] == true {
        println!("… there is more: narrow it by --from, --to, --account or --service");
    }
    Ok(())
}

/// The hour, the day, or the month.
fn when(row: &Value) -> &str {
    let hour = row["hour"].as_str().unwrap_or_default();
    let length = match row["granularity"].as_str() {
        Some("MONTHLY") => "2026-11".len(),
        Some("DAILY") => "2026-11-24".len(),
        _ => hour.len(),
    };
    hour.get(..length).unwrap_or(hour)
}

/// The resource and its tags.
fn resource(row: &Value) -> String {
    let tags: Vec<String> = row["tags"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let arn = row["resource"].as_str().unwrap_or_default();
    if tags.is_empty() { arn.to_owned() } else { format!("{arn} ({})", tags.join(", ")) }
}

fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
