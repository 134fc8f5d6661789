//! The rules of composite alarms: `ALARM("a") AND NOT (OK(b) OR FALSE)`. Source: PutCompositeAlarm, `AlarmRule`.

use crate::model::StateValue;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    Constant(bool),
    Is(StateValue, String),
    Not(Box<Rule>),
    And(Vec<Rule>),
    Or(Vec<Rule>),
    /// So many (or so many percent) of the alarms are, or are not, in a state.
    AtLeast {
        number: f64,
        percent: bool,
        state: StateValue,
        not: bool,
        alarms: Vec<String>,
    },
}

const DEPTH_MAX: usize = 50;

/// Alarms that a rule may name. Source: PutCompositeAlarm.
pub(crate) const ALARMS_MAX: usize = 100;

impl Rule {
    /// Alarms given by ARN are taken by their names.
    pub(crate) fn parse(text: &str) -> Result<Rule, String> {
        let mut parser = Parser { rest: text.trim_start(), depth: 0 };
        let rule = parser.any()?;
        if !parser.rest.is_empty() {
            return Err(format!(
                "unexpected input at {:?}",
                parser.rest.chars().take(20).collect::<String>()
            ));
        }
        Ok(rule)
    }

    /// The alarms that it names, each once.
    pub(crate) fn alarms(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect(&mut names);
        names.sort_unstable();
        names.dedup();
        names
    }

    fn collect<'r>(&'r self, names: &mut Vec<&'r str>) {
        match self {
            Rule::Constant(_) => {}
            Rule::Is(_, name) => names.push(name),
            Rule::Not(rule) => rule.collect(names),
            Rule::And(rules) | Rule::Or(rules) => rules.iter().for_each(|rule| rule.collect(names)),
            Rule::AtLeast { alarms, .. } => names.extend(alarms.iter().map(String::as_str)),
        }
    }

    /// Alarms that do not exist are in no state.
    pub(crate) fn holds(&self, state: &impl Fn(&str) -> Option<StateValue>) -> bool {
        match self {
            Rule::Constant(value) => *value,
            Rule::Is(wanted, name) => state(name) == Some(*wanted),
            Rule::Not(rule) => !rule.holds(state),
            Rule::And(rules) => rules.iter().all(|rule| rule.holds(state)),
            Rule::Or(rules) => rules.iter().any(|rule| rule.holds(state)),
            Rule::AtLeast { number, percent, state: wanted, not, alarms } => {
                let count =
                    alarms.iter().filter(|name| (state(name) == Some(*wanted)) != *not).count() as f64;
                let needed = if *percent { number / 100.0 * alarms.len() as f64 } else { *number };
                count >= needed
            }
        }
    }
}

struct Parser<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn word(&mut self, word: &str) -> bool {
        let Some((found, rest)) = self.rest.split_at_checked(word.len()) else { return false };
        let whole = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let found = found.eq_ignore_ascii_case(word) && whole;
        if found {
            self.rest = rest.trim_start();
        }
        found
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(symbol) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn expect(&mut self, symbol: char) -> Result<(), String> {
        if self.symbol(symbol) { Ok(()) } else { Err(format!("expected {symbol:?}")) }
    }

    fn any(&mut self) -> Result<Rule, String> {
        let mut rules = vec![self.all()?];
        while self.word("OR") {
            rules.push(self.all()?);
        }
        Ok(if rules.len() == 1 { rules.remove(0) } else { Rule::Or(rules) })
    }

    fn all(&mut self) -> Result<Rule, String> {
        let mut rules = vec![self.one()?];
        while self.word("AND") {
            rules.push(self.one()?);
        }
        Ok(if rules.len() == 1 { rules.remove(0) } else { Rule::And(rules) })
    }

    fn one(&mut self) -> Result<Rule, String> {
        if self.depth >= DEPTH_MAX {
            return Err("the rule nests too deeply".to_owned());
        }
        self.depth += 1;
        let rule = self.one_inside();
        self.depth -= 1;
        rule
    }

    fn one_inside(&mut self) -> Result<Rule, String> {
        if self.word("NOT") {
            return Ok(Rule::Not(Box::new(self.one()?)));
        }
        if self.symbol('(') {
            let rule = self.any()?;
            self.expect(')')?;
            return Ok(rule);
        }
        for (word, value) in [("TRUE", true), ("FALSE", false)] {
            if self.word(word) {
                return Ok(Rule::Constant(value));
            }
        }
        if self.word("AT_LEAST") {
            return self.at_least();
        }
        let state = self.state().ok_or("expected ALARM, OK, INSUFFICIENT_DATA, AT_LEAST, TRUE or FALSE")?;
        self.expect('(')?;
        let name = self.name()?;
        self.expect(')')?;
        Ok(Rule::Is(state, name))
    }

    fn state(&mut self) -> Option<StateValue> {
        StateValue::ALL.into_iter().find(|state| self.word(state.name()))
    }

    fn at_least(&mut self) -> Result<Rule, String> {
        self.expect('(')?;
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: f64 = self.rest[..length].parse().map_err(|_| "expected a number in AT_LEAST")?;
        self.rest = self.rest[length..].trim_start();
        let percent = self.symbol('%');
        self.expect(',')?;
        let not = self.word("NOT");
        let state = self.state().ok_or("expected a state in AT_LEAST")?;
        self.expect(',')?;
        self.expect('(')?;
        let mut alarms = vec![self.name()?];
        while self.symbol(',') {
            alarms.push(self.name()?);
        }
        self.expect(')')?;
        self.expect(')')?;
        let most = if percent { 100.0 } else { alarms.len() as f64 };
        if !(1.0..=most).contains(&number) {
            return Err("the number in AT_LEAST is out of range".to_owned());
        }
        Ok(Rule::AtLeast { number, percent, state, not, alarms })
    }

    /// In double quotes, in which a backslash escapes; or bare, up to what ends it.
    fn name(&mut self) -> Result<String, String> {
        let mut name = String::new();
        if let Some(rest) = self.rest.strip_prefix('"') {
            let mut chars = rest.char_indices();
            loop {
                match chars.next() {
                    None => return Err("a name is not closed".to_owned()),
                    Some((at, '"')) => {
                        self.rest = rest[at + 1..].trim_start();
                        break;
                    }
                    Some((_, '\\')) => name.extend(chars.next().map(|(_, c)| c)),
                    Some((_, c)) => name.push(c),
                }
            }
        } else {
            let end = self.rest.find([')', ',', '(', '"']).unwrap_or(self.rest.len());
            name.push_str(self.rest[..end].trim_end());
            self.rest = self.rest[end..].trim_start();
        }
        let name = by_arn(&name).unwrap_or(&name).to_owned();
        if name.is_empty() { Err("expected the name of an alarm".to_owned()) } else { Ok(name) }
    }
}

/// The name in an alarm's ARN.
pub(crate) fn by_arn(text: &str) -> Option<&str> {
    let mut parts = text.splitn(7, ':');
    let head = (parts.next()?, parts.next()?, parts.next()?);
    let (_, _, kind, name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (head.0 == "arn" && head.2 == "cloudwatch" && kind == "alarm").then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(name: &str) -> Option<StateValue> {
        match name.chars().next()? {
            'a' => Some(StateValue::Alarm),
            'o' => Some(StateValue::Ok),
            'i' => Some(StateValue::InsufficientData),
            _ => None,
        }
    }

    #[test]
    fn rules_and_their_values() {
        for (text, expected) in [
            ("TRUE", true),
            ("not true", false),
            ("ALARM(a)", true),
            ("ALARM(\"a b\\\"c\") AND OK(o1)", true),
            ("ALARM( o ) OR INSUFFICIENT_DATA(i)", true),
            ("ALARM(a) AND NOT ALARM(x) AND NOT OK(x)", true),
            ("(ALARM(a) OR TRUE) AND (FALSE)", false),
            ("FALSE AND FALSE OR TRUE", true),
            ("ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:a)", true),
            ("AT_LEAST(2, ALARM, (a1, a2, o1))", true),
            ("AT_LEAST(3, ALARM, (a1, a2, o1))", false),
            ("AT_LEAST(50%, NOT OK, (a1, \"o2\", x))", true),
        ] {
            let rule = Rule::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(rule.holds(&state), expected, "{text}");
        }
        let rule = Rule::parse("ALARM(b) OR OK(a) OR AT_LEAST(1, OK, (a, c))").unwrap();
        assert_eq!(rule.alarms(), ["a", "b", "c"]);
        for bad in [
            "",
            "ALARM",
            "ALARM()",
            "ALARM(a",
            "ALARM(a) ALARM(b)",
            "AND",
            "NOT",
            "ALARM(a) XOR OK(b)",
            "TRUEX",
            "(TRUE",
            "AT_LEAST(0, OK, (a))",
            "AT_LEAST(2, OK, (a))",
            "AT_LEAST(101%, OK, (a))",
            "\"",
            "ALARM(\"a)",
        ] {
            assert!(Rule::parse(bad).is_err(), "{bad}");
        }
        assert!(Rule::parse(&"(".repeat(5000)).is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "(ALARM|OK|NOT |AND |OR |AT_LEAST|TRUE|[()a-c,\"%\\\\0-9é ]){0,40}") {
            if let Ok(rule) = Rule::parse(&text) {
                rule.holds(&state);
            }
        }
    }
}
