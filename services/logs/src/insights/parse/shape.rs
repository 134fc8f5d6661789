use super::{Parsed, Parser};
use crate::insights::lexer::Kind;
use crate::insights::patterns::{DIFFERENCE, SHOWN};
use crate::insights::plan::{Command, Earlier, Expr, Plan, Source};

/// Source: User Guide, "SOURCE".
const PREFIXES_MAX: usize = 5;
const ACCOUNTS_MAX: usize = 20;

impl Parser<'_> {
    /// `SOURCE logGroups(namePrefix: ['a', 'b'], class: ['STANDARD'], accountIdentifiers: ['…'])`
    pub(super) fn source(&mut self, plan: &mut Plan) -> Parsed<()> {
        self.keyword("logGroups")?;
        self.expect("(")?;
        let mut source = Source::default();
        while !self.take(")") {
            let Kind::Word(word) = self.peek().clone() else { return Err(self.unexpected()) };
            let place = self.place();
            self.at += 1;
            let list = self.texts()?;
            let most = match word.trim_end_matches(':').to_ascii_lowercase().as_str() {
                "nameprefix" => {
                    source.prefixes = list.clone();
                    PREFIXES_MAX
                }
                "accountidentifier" | "accountidentifiers" => {
                    source.accounts = list.clone();
                    ACCOUNTS_MAX
                }
                "class" | "loggroupclass" => {
                    source.class = list.first().cloned();
                    1
                }
                _ => return Err((format!("unexpected symbol found {word}"), place)),
            };
            if list.is_empty() || list.len() > most {
                return Err((format!("{word} takes 1 to {most} values"), place));
            }
            if !self.take(",") && self.peek() != &Kind::Sign(")") {
                return Err(self.unexpected());
            }
        }
        if !matches!(source.class.as_deref(), None | Some("STANDARD" | "INFREQUENT_ACCESS")) {
            return Err(self.fault("a class is STANDARD or INFREQUENT_ACCESS"));
        }
        plan.source = Some(source);
        Ok(())
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
        match plan.commands.last() {
            Some(Command::Pattern(_)) => {}
            _ if plan.events => self.patterns_of(plan, Expr::Field("@message".into())),
            _ => {
                return Err(("diff compares log events, or the patterns of a pattern command".into(), place));
            }
        }
        plan.earlier = Some(earlier);
        plan.shown.extend(DIFFERENCE.map(str::to_owned));
        Ok(())
    }

    fn patterns_of(&mut self, plan: &mut Plan, of: Expr) {
        plan.shown = SHOWN.map(str::to_owned).to_vec();
        plan.looked_up.clear();
        plan.events = false;
        plan.commands.push(Command::Pattern(of));
    }
}
