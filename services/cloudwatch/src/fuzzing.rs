//! The parsers, for the fuzz target and for nobody else.

use std::collections::HashMap;

use haneul_kit::{AccountId, Instant, Region};

use crate::math::{self, Line, Scope, Value};
use crate::series::window::Window;
use crate::series::{Identity, chunk};

/// Everything that reads a text of a client's; none may panic, hang or take memory without end.
pub fn text(text: &str) {
    let identity = Identity::new(
        AccountId::DEFAULT,
        Region::US_EAST_1,
        "AWS/EC2",
        "CPUUtilization",
        vec![("InstanceId".to_owned(), "i-1".to_owned())],
    );
    if let Ok(search) = crate::search::Search::parse(text) {
        search.finds(&identity);
    }
    if let Ok(select) = crate::insights::Select::parse(text) {
        select.finds(&identity);
    }
    if let Ok(rule) = crate::alarms::rule::Rule::parse(text) {
        rule.holds(&|_| None);
    }
    let _ = crate::statistic::Statistic::parse(text);
    crate::contributors::fuzz(text);
    let _ = crate::dashboard::check(text);
    let _ = crate::image::Widget::parse(text, Instant::from_secs(1_700_000_000));
    if let Ok(expr) = math::parse(text) {
        expr.needs();
        let line = Line::new("m1", 60, vec![(0, 1.0), (60, -2.0), (180, 0.0)]);
        let results = HashMap::from([("m1".to_owned(), Value::Line(line.clone()))]);
        let scope = Scope {
            window: Window { start: 0, end: 240, period: 60, now: 240 },
            results: &results,
            metrics: &[("m1".to_owned(), line)],
            searches: &HashMap::new(),
            rules: &HashMap::new(),
            functions: &HashMap::new(),
            bands: &HashMap::new(),
        };
        let _ = math::evaluate(&expr, &scope);
    }
}

/// What is read back from the store.
pub fn bytes(bytes: &[u8]) {
    let _ = (chunk::decode(bytes), chunk::decode_batch(bytes));
}
