use serde_json::json;

use crate::Result;
use crate::cli::ClockCommand;
use crate::control::ask;

pub(crate) fn run(command: &ClockCommand) -> Result<()> {
    let (endpoint, body) = match command {
        ClockCommand::Now(endpoint) => (endpoint, None),
        ClockCommand::Advance { span, endpoint } => {
            (endpoint, Some(json!({ "advance_seconds": seconds(span)? })))
        }
        ClockCommand::Freeze { off, endpoint } => (endpoint, Some(json!({ "freeze": !off }))),
    };
    let answer = ask(endpoint, "/_haneul/clock", body)?;
    println!(
        "{}{}",
        answer["now"].as_str().unwrap_or("?"),
        if answer["frozen"] == true { " (frozen)" } else { "" }
    );
    Ok(())
}

/// `90`, `90s`, `15m`, `12h`, `30d` as seconds.
fn seconds(span: &str) -> Result<u64> {
    let (number, unit) = match span.char_indices().last() {
        Some((i, 's')) => (&span[..i], 1),
        Some((i, 'm')) => (&span[..i], 60),
        Some((i, 'h')) => (&span[..i], 3_600),
        Some((i, 'd')) => (&span[..i], 86_400),
        _ => (span, 1),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    seconds.ok_or_else(|| format!("{span}: give a number of seconds, or a number with s, m, h or d"))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn spans() {
        let cases = [("90", 90), ("90s", 90), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000)];
        for (text, number) in cases {
            assert_eq!(seconds(text), Ok(number));
        }
        for bad in ["", "d", "-1", "1w", "99999999999999999999d", "９"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
