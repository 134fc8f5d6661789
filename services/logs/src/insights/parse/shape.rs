use haneul_kit::Instant;

use super::{Parsed, Parser};
use crate::insights::lexer::Kind;
use crate::insights::patterns::unusual;
use crate::insights::patterns::{DIFFERENCE, SHOWN};
use crate::insights::plan::{Command, Earlier, Expr, Plan, Source, When};

/// Source: User Guide, "SOURCE".
const PREFIXES_MAX: usize = 5;
const ACCOUNTS_MAX: usize = 20;
const DATA_SOURCES_MAX: usize = 10;
/// As many as a request names.
const NAMES_MAX: usize = 50;

impl Parser<'_> {
    /// `SOURCE logGroups(namePrefix: ['a', 'b'], class: ['STANDARD'], accountIdentifiers: ['…'])`,
    /// `SOURCE dataSource(['name.type'])` with or without that, or `SOURCE 'name', 'ARN'`; behind it may stand `START=-1h END=now`.
    pub(super) fn source(&mut self, plan: &mut Plan) -> Parsed<()> {
        let place = self.place();
        let mut source = if self.word_before_parenthesis("logGroups") {
            self.log_groups()?
        } else if self.word_before_parenthesis("dataSource") {
            let data_sources = self.texts()?;
            self.expect(")")?;
            if data_sources.is_empty() || data_sources.len() > DATA_SOURCES_MAX {
                return Err((format!("dataSource takes 1 to {DATA_SOURCES_MAX} values"), place));
            }
            self.take(",");
            let groups = match self.word_before_parenthesis("logGroups") {
                true => self.log_groups()?,
                false => Source::default(),
            };
            Source { data_sources, ..groups }
        } else {
            let names = match self.peek() {
                Kind::Sign("[") => self.texts()?,
                _ => self.names()?,
            };
            if names.is_empty() || names.len() > NAMES_MAX {
                return Err((format!("SOURCE takes 1 to {NAMES_MAX} log groups"), place));
            }
            Source { names, ..Source::default() }
        };
        loop {
            if self.option("start") {
                source.start = Some(self.when()?);
            } else if self.option("end") {
                source.end = Some(self.when()?);
            } else {
                break;
            }
        }
        plan.source = Some(source);
        Ok(())
    }

    fn log_groups(&mut self) -> Parsed<Source> {
        let mut source = Source::default();
        while !self.take(")") {
            let Kind::Word(word) = self.peek().clone() else { return Err(self.unexpected()) };
            let place = self.place();
            self.at += 1;
            let list = match self.peek() {
                Kind::Text(_) => vec![self.name()?],
                _ => self.texts()?,
            };
            let (least, most) = match word.trim_end_matches(':').to_ascii_lowercase().as_str() {
                "nameprefix" => {
                    source.prefixes = list.clone();
                    (0, PREFIXES_MAX)
                }
                "accountidentifier" | "accountidentifiers" => {
                    source.accounts = list.clone();
                    (1, ACCOUNTS_MAX)
                }
                "class" | "loggroupclass" => {
                    source.class = list.first().cloned();
                    (1, 1)
                }
                _ => return Err((format!("unexpected symbol found {word}"), place)),
            };
            if !(least..=most).contains(&list.len()) {
                return Err((format!("{word} takes 1 to {most} values"), place));
            }
            if !self.take(",") && self.peek() != &Kind::Sign(")") {
                return Err(self.unexpected());
            }
        }
        if !matches!(source.class.as_deref(), None | Some("STANDARD" | "INFREQUENT_ACCESS")) {
            return Err(self.fault("a class is STANDARD or INFREQUENT_ACCESS"));
        }
        Ok(source)
    }

    /// `now`, `-1h`, `0s`, a time in quotes, or seconds since 1970.
    fn when(&mut self) -> Parsed<When> {
        if self.take_word("now") {
            return Ok(When::Ago(0));
        }
        let is_past = self.take("-");
        let place = self.place();
        match self.next() {
            Kind::Span { ms, .. } => Ok(When::Ago(if is_past { ms } else { -ms })),
            Kind::Number(seconds) if !is_past => Ok(When::At((seconds * 1000.0) as i64)),
            Kind::Text(text) if !is_past => match Instant::parse_iso8601(&text) {
                Some(at) => Ok(When::At(at.millis())),
                None => Err((format!("{text} is not a time"), place)),
            },
            _ => Err(("a time is missing".into(), place)),
        }
    }

    /// `['a', 'b']`
    fn texts(&mut self) -> Parsed<Vec<String>> {
        self.expect("[")?;
        let mut list = Vec::new();
        while !self.take("]") {
            let Kind::Text(text) = self.peek().clone() else { return Err(self.unexpected()) };
            self.at += 1;
            list.push(text);
            if !self.take(",") && self.peek() != &Kind::Sign("]") {
                return Err(self.unexpected());
            }
        }
        Ok(list)
    }

    /// `unnest LIST into FIELD`
    pub(super) fn unnest(&mut self, plan: &mut Plan) -> Parsed<()> {
        let list = self.expr()?;
        self.keyword("into")?;
        let field = self.name()?;
        plan.commands.push(Command::Unnest { list, field });
        Ok(())
    }

    /// `pattern TEXT`
    pub(super) fn pattern(&mut self, plan: &mut Plan) -> Parsed<()> {
        let of = self.expr()?;
        self.patterns_of(plan, of);
        Ok(())
    }

    /// `diff`, `diff previousDay`: compares the patterns of a query, or those of its messages.
    pub(super) fn diff(&mut self, plan: &mut Plan, place: (usize, usize)) -> Parsed<()> {
        let earlier = match self.peek() {
            Kind::Word(word) => match word.to_ascii_lowercase().as_str() {
                "previousday" => Earlier::Day,
                "previousweek" => Earlier::Week,
                "previousmonth" => Earlier::Month,
                _ => return Err(self.unexpected()),
            },
            _ => Earlier::Preceding,
        };
        self.at += usize::from(earlier != Earlier::Preceding);
        self.compare(plan, earlier, place)
    }

    /// `logcompare timeshift SPAN`: as `diff`, with a time so much earlier.
    pub(super) fn log_compare(&mut self, plan: &mut Plan, place: (usize, usize)) -> Parsed<()> {
        self.keyword("timeshift")?;
        let shift_ms = self.span()?;
        self.compare(plan, Earlier::By(shift_ms), place)
    }

    fn compare(&mut self, plan: &mut Plan, earlier: Earlier, place: (usize, usize)) -> Parsed<()> {
        if self.is_nested {
            return Err(("a subquery is of one time".into(), place));
        }
        match plan.commands.last() {
            Some(Command::Pattern { .. }) => {}
            _ if plan.events => self.patterns_of(plan, Expr::Field("@message".into())),
            _ => {
                return Err(("diff compares log events, or the patterns of a pattern command".into(), place));
            }
        }
        plan.earlier = Some(earlier);
        plan.shown.extend(DIFFERENCE.map(str::to_owned));
        Ok(())
    }

    /// `anomaly`: which of the patterns that were found are unusual; without `pattern`, those of the messages.
    pub(super) fn anomaly(&mut self, plan: &mut Plan, place: (usize, usize)) -> Parsed<()> {
        let is_pattern = |command: &Command| matches!(command, Command::Pattern { .. });
        if !plan.commands.iter().any(is_pattern) {
            if !plan.events {
                return Err(("anomaly analyzes the patterns of a pattern command".into(), place));
            }
            self.patterns_of(plan, Expr::Field("@message".into()));
        }
        for command in &mut plan.commands {
            if let Command::Pattern { is_watched, .. } = command {
                *is_watched = true;
            }
        }
        unusual::SHOWN.iter().for_each(|name| plan.adds(name));
        Ok(())
    }

    fn patterns_of(&mut self, plan: &mut Plan, of: Expr) {
        plan.shown = SHOWN.map(str::to_owned).to_vec();
        plan.looked_up.clear();
        plan.events = false;
        plan.commands.push(Command::Pattern { of, is_watched: false });
    }
}
