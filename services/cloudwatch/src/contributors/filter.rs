use serde_json::Value;

use super::field::{Event, Field};

/// A condition that an event has to meet to count.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filter {
    field: Field,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    StartsWith(Vec<String>),
    GreaterThan(f64),
    LessThan(f64),
    EqualTo(f64),
    NotEqualTo(f64),
    IsPresent(bool),
}

/// Source: "Contributor Insights rule syntax", Filters.
const VALUES_MAX: usize = 10;

impl Filter {
    /// # Errors
    /// What is wrong, as a sentence without a period.
    pub(super) fn parse(
        given: &Value,
        field: impl Fn(&str) -> Result<Field, String>,
    ) -> Result<Filter, String> {
        let filter = given.as_object().ok_or("each of Filters must be an object")?;
        let matched = filter.get("Match").and_then(Value::as_str).ok_or("a filter needs a string Match")?;
        let field = field(matched)?;
        let mut tests = filter.iter().filter(|(name, _)| *name != "Match");
        let (Some((operator, operand)), None) = (tests.next(), tests.next()) else {
            return Err(format!("the filter of {matched} must have exactly one operator"));
        };
        let texts = || {
            let list = operand.as_array().filter(|list| (1..=VALUES_MAX).contains(&list.len()));
            let texts: Option<Vec<String>> =
                list.and_then(|list| list.iter().map(|one| one.as_str().map(str::to_owned)).collect());
            texts.ok_or_else(|| format!("{operator} takes an array of 1 to {VALUES_MAX} strings"))
        };
        let number = || operand.as_f64().ok_or_else(|| format!("{operator} takes a number"));
        let test = match operator.as_str() {
            "In" => Test::In(texts()?),
            "NotIn" => Test::NotIn(texts()?),
            "StartsWith" => Test::StartsWith(texts()?),
            "GreaterThan" => Test::GreaterThan(number()?),
            "LessThan" => Test::LessThan(number()?),
            "EqualTo" => Test::EqualTo(number()?),
            "NotEqualTo" => Test::NotEqualTo(number()?),
            "IsPresent" => Test::IsPresent(operand.as_bool().ok_or("IsPresent takes true or false")?),
            other => return Err(format!("{other} is no operator of a filter")),
        };
        Ok(Filter { field, test })
    }

    /// A field that is not there meets no condition but that it is not there.
    pub(super) fn holds(&self, event: &Event<'_>) -> bool {
        let number = || self.field.number(event);
        let Some(text) = self.field.text(event) else { return self.test == Test::IsPresent(false) };
        match &self.test {
            Test::In(list) => list.iter().any(|one| *one == text),
            Test::NotIn(list) => list.iter().all(|one| *one != text),
            Test::StartsWith(list) => list.iter().any(|one| text.starts_with(one)),
            Test::GreaterThan(bound) => number().is_some_and(|number| number > *bound),
            Test::LessThan(bound) => number().is_some_and(|number| number < *bound),
            Test::EqualTo(bound) => number().is_some_and(|number| number == *bound),
            Test::NotEqualTo(bound) => number().is_some_and(|number| number != *bound),
            Test::IsPresent(present) => *present,
        }
    }
}
