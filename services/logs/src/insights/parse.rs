mod extract;
mod lookup;
mod nested;
mod rows;
mod shape;
mod stats;

use haneul_kit::Result;
use regex::{Regex, RegexBuilder};

use super::functions::Function;
use super::lexer::{Kind, Malformed, Token, tokens};
use super::need::{indexed, makes};
use super::plan::{Command, Expr, Operator, Plan};
use super::subquery::{SUBQUERIES_MAX, Subquery};
use super::value::Value;
use crate::error;
use crate::index::defaults::is_known;

/// Nesting of one expression.
const DEPTH_MAX: usize = 64;
const COMMANDS_MAX: usize = 100;
const LIMIT_MAX: usize = 100_000;
const REGEX_SIZE_MAX: usize = 512 * 1024;

/// Compiles a query.
///
/// # Errors
/// MalformedQueryException with the place of the fault; a command that we do not have is one.
pub(crate) fn compile(text: &str) -> Result<Plan> {
    let compiled = tokens(text).and_then(|tokens| Parser::new(&tokens).query());
    let mut plan = compiled.map_err(|(message, at)| error::malformed_query(&message, at))?;
    plan.point(text);
    Ok(plan)
}

type Parsed<T> = std::result::Result<T, Malformed>;

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    /// Where the query begins that is being read: `SOURCE` stands there and nowhere else.
    begins: usize,
    /// Whether it is within another.
    is_nested: bool,
    /// Subqueries of the command at hand, which are the plan's when it is read.
    subqueries: Vec<Subquery>,
}

impl<'t> Parser<'t> {
    fn new(tokens: &'t [Token]) -> Parser<'t> {
        Parser { tokens, at: 0, depth: 0, begins: 0, is_nested: false, subqueries: Vec::new() }
    }

    fn query(mut self) -> Parsed<Plan> {
        let mut plan = Plan::new();
        if self.peek() == &Kind::End {
            return Ok(plan);
        }
        self.commands(&mut plan)?;
        if self.peek() != &Kind::End {
            return Err(self.unexpected());
        }
        Ok(plan)
    }

    fn commands(&mut self, plan: &mut Plan) -> Parsed<()> {
        loop {
            if plan.commands.len() > COMMANDS_MAX {
                return Err(self.fault("the query has too many commands"));
            }
            self.command(plan)?;
            plan.subqueries.append(&mut self.subqueries);
            if plan.subqueries.len() > SUBQUERIES_MAX {
                return Err(self.fault("the query has too many subqueries"));
            }
            if !self.take("|") {
                return Ok(());
            }
        }
    }

    fn command(&mut self, plan: &mut Plan) -> Parsed<()> {
        let Kind::Word(word) = self.peek().clone() else { return Err(self.unexpected()) };
        let place = self.place();
        self.at += 1;
        match word.to_ascii_lowercase().as_str() {
            "fields" | "display" => {
                let list = self.named_list()?;
                if word.eq_ignore_ascii_case("display") {
                    plan.shown.clear();
                    plan.looked_up.clear();
                }
                for (name, _) in &list {
                    if !plan.shown.contains(name) {
                        plan.shown.push(name.clone());
                    }
                }
                let computed = |(_, expr): &(String, Expr)| !matches!(expr, Expr::Field(_));
                let aliased =
                    |(name, expr): &(String, Expr)| !matches!(expr, Expr::Field(field) if field == name);
                let list: Vec<_> = list.into_iter().filter(|one| computed(one) || aliased(one)).collect();
                plan.commands.push(Command::Compute(list));
            }
            "filter" | "where" => {
                let expr = self.expr()?;
                plan.commands.push(Command::Filter(expr));
            }
            "filterindex" => {
                let expr = self.expr()?;
                let fields = indexed(&expr).ok_or_else(|| {
                    (String::from("filterIndex takes field = value, or field in [values]"), place)
                })?;
                if let Some(field) = fields.iter().find(|field| makes(&plan.commands, field)) {
                    let made = format!("filterIndex takes fields of log events, and the query makes {field}");
                    return Err((made, place));
                }
                plan.indexed.extend(fields.into_iter().filter(|field| !is_known(field)));
                plan.commands.push(Command::Filter(expr));
            }
            "parse" => self.parse(plan)?,
            "lookup" => self.lookup(plan)?,
            "unnest" => self.unnest(plan)?,
            "pattern" => self.pattern(plan)?,
            "diff" => self.diff(plan, place)?,
            "source" if self.at == self.begins + 1 => self.source(plan)?,
            "stats" => {
                plan.looked_up.clear();
                self.stats(plan)?;
            }
            "json" => self.json(plan)?,
            "anomaly" => self.anomaly(plan, place)?,
            "logcompare" => self.log_compare(plan, place)?,
            "expand" => self.expand(plan)?,
            "join" => self.join(plan, place)?,
            "appendcols" => self.append_cols(plan, place)?,
            "addtotals" => self.add_totals(plan)?,
            "accum" => self.accum(plan)?,
            "autoregress" => self.autoregress(plan)?,
            "filldown" => self.fill_down(plan)?,
            "fillmissing" => self.fill_missing(plan, place)?,
            "outlier" => self.outlier(plan)?,
            "sessionize" => self.sessionize(plan)?,
            "cidrlookup" => self.cidr_lookup(plan)?,
            "countfrequent" | "count_frequent" => self.count_frequent(plan)?,
            "relevantfields" => self.relevant_fields(plan)?,
            "sort" | "order" => {
                if word.eq_ignore_ascii_case("order") {
                    self.keyword("by")?;
                }
                let mut keys = Vec::new();
                loop {
                    let expr = self.expr()?;
                    let up = self.take_word("asc");
                    let down = !up && self.take_word("desc");
                    keys.push((expr, down));
                    if !self.take(",") {
                        break;
                    }
                }
                plan.commands.push(Command::Sort(keys));
            }
            "limit" | "head" => {
                plan.any |= self.take_word("any");
                let Kind::Number(number) = *self.peek() else { return Err(self.unexpected()) };
                if number.fract() != 0.0 || !(1.0..=LIMIT_MAX as f64).contains(&number) {
                    return Err(self.fault("limit must be between 1 and 100000"));
                }
                self.at += 1;
                plan.limit = Some(number as usize);
                plan.commands.push(Command::Limit(number as usize));
            }
            "dedup" => {
                let list = self.named_list()?;
                plan.commands.push(Command::Dedup(list.into_iter().map(|(_, expr)| expr).collect()));
            }
            // Shows what a data protection policy hides.
            "unmask" => {
                plan.unmasks = true;
                let list = self.named_list()?;
                for (name, _) in list {
                    if !plan.shown.contains(&name) {
                        plan.shown.push(name);
                    }
                }
            }
            _ => {
                return Err((
                    format!("unexpected symbol found {word}: it is not a command that Haneul has"),
                    place,
                ));
            }
        }
        Ok(())
    }

    /// Expressions with their names: the alias, or the text as it stands.
    fn named_list(&mut self) -> Parsed<Vec<(String, Expr)>> {
        let mut list = Vec::new();
        loop {
            let start = self.at;
            let expr = self.expr()?;
            let name = match &expr {
                _ if self.take_word("as") => self.name()?,
                Expr::Field(name) => name.clone(),
                _ => self.text_from(start),
            };
            list.push((name, expr));
            // Commas between fields may be left out.
            if !self.take(",") && !matches!(self.peek(), Kind::Word(word) if word.starts_with('@')) {
                return Ok(list);
            }
        }
    }

    fn expr(&mut self) -> Parsed<Expr> {
        self.binary(0)
    }

    fn binary(&mut self, level: usize) -> Parsed<Expr> {
        if level == LEVELS.len() {
            return self.unary();
        }
        if level == COMPARISON {
            return self.comparison();
        }
        let below = |parser: &mut Self| match level {
            NEGATION => parser.negation(),
            _ => parser.binary(level + 1),
        };
        let mut left = below(self)?;
        while let Some(operator) = self.operator(LEVELS[level]) {
            let right = below(self)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Parsed<Expr> {
        if !self.take_word("not") {
            return self.binary(COMPARISON);
        }
        self.deeper(|parser| Ok(Expr::Not(Box::new(parser.negation()?))))
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.binary(COMPARISON + 1)?;
        let negated =
            matches!(self.word_after("not").as_deref(), Some("like" | "in")) && self.take_word("not");
        let place = self.place();
        let expr = if self.take_word("like") || self.take("=~") {
            let regex = match self.next() {
                Kind::Regex(source) => compiled(&source, place)?,
                Kind::Text(text) => compiled(&regex::escape(&text), place)?,
                _ => return Err(("like wants a text in quotes or a regular expression".into(), place)),
            };
            Expr::Like(Box::new(left), regex)
        } else if self.word_before_parenthesis("in") {
            self.among(left)?
        } else if self.take_word("in") {
            self.expect("[")?;
            let mut list = Vec::new();
            while !self.take("]") {
                list.push(self.expr()?);
                if !self.take(",") && self.peek() != &Kind::Sign("]") {
                    return Err(self.unexpected());
                }
            }
            Expr::In(Box::new(left), list)
        } else if let Some(operator) = self.operator(LEVELS[COMPARISON]) {
            Expr::Binary(operator, Box::new(left), Box::new(self.binary(COMPARISON + 1)?))
        } else {
            left
        };
        Ok(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn unary(&mut self) -> Parsed<Expr> {
        if self.take("-") {
            return self.deeper(|parser| Ok(Expr::Negate(Box::new(parser.unary()?))));
        }
        if self.take("!") {
            return self.deeper(|parser| Ok(Expr::Not(Box::new(parser.unary()?))));
        }
        self.primary()
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let place = self.place();
        match self.next() {
            Kind::Number(number) => Ok(Expr::Literal(Value::Number(number))),
            Kind::Text(text) => Ok(Expr::Literal(Value::Text(text))),
            Kind::Span { capped_ms, .. } => Ok(Expr::Span(capped_ms)),
            Kind::Field(name) => Ok(Expr::Field(name)),
            Kind::Sign("(") => self.deeper(|parser| {
                let expr = parser.expr()?;
                parser.expect(")")?;
                Ok(expr)
            }),
            Kind::Word(word) => {
                if !self.take("(") {
                    return match word.to_ascii_lowercase().as_str() {
                        "true" => Ok(Expr::Literal(Value::Bool(true))),
                        "false" => Ok(Expr::Literal(Value::Bool(false))),
                        _ => Ok(Expr::Field(word)),
                    };
                }
                let mut arguments = Vec::new();
                while !self.take(")") {
                    arguments.push(self.deeper(Self::expr)?);
                    if !self.take(",") && self.peek() != &Kind::Sign(")") {
                        return Err(self.unexpected());
                    }
                }
                let function =
                    Function::named(&word).ok_or_else(|| (format!("unknown function {word}"), place))?;
                if !function.takes(arguments.len()) {
                    return Err((format!("{word} does not take {} arguments", arguments.len()), place));
                }
                Ok(Expr::Call(function, arguments))
            }
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.fault("the expression nests too deep"));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn operator(&mut self, level: &[(&str, Operator)]) -> Option<Operator> {
        let (_, operator) = level.iter().find(|(text, _)| match self.peek() {
            Kind::Sign(sign) => sign == text,
            Kind::Word(word) => word.eq_ignore_ascii_case(text),
            _ => false,
        })?;
        self.at += 1;
        Some(*operator)
    }

    fn peek(&self) -> &Kind {
        &self.tokens[self.at].kind
    }

    fn next(&mut self) -> Kind {
        let kind = self.peek().clone();
        // The last token is the end, and stays.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        kind
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Kind::Sign(s) if *s == sign);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Kind::Word(word) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(found);
        found
    }

    /// Takes a word that a parenthesis follows, and that.
    fn word_before_parenthesis(&mut self, word: &str) -> bool {
        let follows = matches!(self.tokens.get(self.at + 1).map(|token| &token.kind), Some(Kind::Sign("(")));
        let found = follows && self.take_word(word);
        self.at += usize::from(found);
        found
    }

    /// A length of time, in milliseconds.
    fn span(&mut self) -> Parsed<i64> {
        match *self.peek() {
            Kind::Span { ms, .. } if ms > 0 => {
                self.at += 1;
                Ok(ms)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `name=`: the name is taken, and the sign.
    fn option(&mut self, wanted: &str) -> bool {
        let follows = matches!(self.tokens.get(self.at + 1).map(|token| &token.kind), Some(Kind::Sign("=")));
        let found = follows && self.take_word(wanted);
        self.at += usize::from(found);
        found
    }

    fn truth(&mut self) -> Parsed<bool> {
        match (self.take_word("true"), self.take_word("false")) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(self.unexpected()),
        }
    }

    /// A whole number between the two.
    fn whole(&mut self, least: usize, most: usize) -> Parsed<usize> {
        match *self.peek() {
            Kind::Number(number)
                if number.fract() == 0.0 && (least as f64..=most as f64).contains(&number) =>
            {
                self.at += 1;
                Ok(number as usize)
            }
            Kind::Number(_) => Err(self.fault(&format!("a number between {least} and {most} is wanted"))),
            _ => Err(self.unexpected()),
        }
    }

    /// The word after the next one, when the next one is `wanted`.
    fn word_after(&self, wanted: &str) -> Option<String> {
        match (self.peek(), &self.tokens.get(self.at + 1)?.kind) {
            (Kind::Word(word), Kind::Word(after)) if word.eq_ignore_ascii_case(wanted) => {
                Some(after.to_ascii_lowercase())
            }
            _ => None,
        }
    }

    fn keyword(&mut self, word: &str) -> Parsed<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            Kind::Word(name) | Kind::Field(name) | Kind::Text(name) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// The query's text from the token `start` to here, without spaces: the name of an expression without an alias.
    fn text_from(&self, start: usize) -> String {
        let mut text = String::new();
        for token in &self.tokens[start..self.at] {
            match &token.kind {
                Kind::Word(word) | Kind::Field(word) => text.push_str(word),
                Kind::Text(quoted) => text.push_str(&format!("\"{quoted}\"")),
                Kind::Regex(source) => text.push_str(&format!("/{source}/")),
                Kind::Number(number) => text.push_str(&number.to_string()),
                Kind::Span { ms, .. } => text.push_str(&span_text(*ms)),
                Kind::Sign(",") => text.push_str(", "),
                Kind::Sign(sign) => text.push_str(sign),
                Kind::End => {}
            }
        }
        text
    }

    fn place(&self) -> (usize, usize) {
        let token = &self.tokens[self.at];
        (token.from, token.to)
    }

    fn fault(&self, message: &str) -> Malformed {
        (message.to_owned(), self.place())
    }

    fn unexpected(&self) -> Malformed {
        let found = match self.peek() {
            Kind::End => return self.fault("unexpected end of the query"),
            Kind::Word(word) | Kind::Field(word) | Kind::Text(word) | Kind::Regex(word) => word.clone(),
            Kind::Number(number) => number.to_string(),
            Kind::Span { ms, .. } => span_text(*ms),
            Kind::Sign(sign) => (*sign).to_owned(),
        };
        self.fault(&format!("unexpected symbol found {found}"))
    }
}

/// From the loosest to the tightest. `not` stands between `and` and the comparisons.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[
        ("=", Operator::Equal),
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Remainder)],
    &[("^", Operator::Power)],
];
const NEGATION: usize = 1;
const COMPARISON: usize = 2;

fn compiled(source: &str, place: (usize, usize)) -> Parsed<Regex> {
    let regex = RegexBuilder::new(source).size_limit(REGEX_SIZE_MAX).build();
    regex.map_err(|_| (format!("the regular expression /{source}/ is not valid"), place))
}

fn span_text(ms: i64) -> String {
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if ms % size == 0 && ms != 0 {
            return format!("{}{unit}", ms / size);
        }
    }
    format!("{ms}ms")
}
