mod lookup;
mod shape;

use haneul_kit::Result;
use regex::{Regex, RegexBuilder};

use super::functions::Function;
use super::lexer::{Kind, Malformed, Token, tokens};
use super::need::{STREAM, indexed, makes};
use super::plan::{Aggregate, Command, Expr, Operator, Plan, Statistic};
use super::value::Value;
use crate::error;

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
    let compiled = tokens(text).and_then(|tokens| Parser { tokens: &tokens, at: 0, depth: 0 }.query());
    compiled.map_err(|(message, at)| error::malformed_query(&message, at))
}

type Parsed<T> = std::result::Result<T, Malformed>;

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn query(mut self) -> Parsed<Plan> {
        let mut plan = Plan {
            commands: Vec::new(),
            shown: Vec::new(),
            events: true,
            looked_up: Vec::new(),
            limit: None,
            indexed: Vec::new(),
            unmasks: false,
            source: None,
            earlier: None,
        };
        if self.peek() == &Kind::End {
            return Ok(plan);
        }
        loop {
            if plan.commands.len() > COMMANDS_MAX {
                return Err(self.fault("the query has too many commands"));
            }
            self.command(&mut plan)?;
            if !self.take("|") {
                break;
            }
        }
        if self.peek() != &Kind::End {
            return Err(self.unexpected());
        }
        Ok(plan)
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
            "filter" => {
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
                plan.indexed.extend(fields.into_iter().filter(|field| field != STREAM));
                plan.commands.push(Command::Filter(expr));
            }
            "parse" => self.parse(plan)?,
            "lookup" => self.lookup(plan)?,
            "unnest" => self.unnest(plan)?,
            "pattern" => self.pattern(plan)?,
            "diff" => self.diff(plan, place)?,
            "source" if place.0 == self.tokens[0].from => self.source(plan)?,
            "stats" => {
                plan.looked_up.clear();
                self.stats(plan)?;
            }
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
                plan.shown.extend(list.into_iter().map(|(name, _)| name));
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

    /// `parse field "glob *" as a, b` or `parse field /regex with (?<names>…)/`.
    fn parse(&mut self, plan: &mut Plan) -> Parsed<()> {
        let from = match self.peek() {
            Kind::Text(_) | Kind::Regex(_) => Expr::Field("@message".into()),
            _ => self.primary()?,
        };
        let place = self.place();
        let (regex, fields) = match self.next() {
            Kind::Text(glob) => {
                let pieces: Vec<String> = glob.split('*').map(regex::escape).collect();
                let open_end = glob.ends_with('*');
                let mut source = String::from("(?s)");
                for (i, piece) in pieces.iter().enumerate() {
                    source.push_str(piece);
                    if i + 1 < pieces.len() {
                        let last = i + 2 == pieces.len() && open_end;
                        source.push_str(if last { "(.*)" } else { "(.*?)" });
                    }
                }
                self.keyword("as")?;
                let mut names = vec![self.name()?];
                while self.take(",") {
                    names.push(self.name()?);
                }
                if names.len() != pieces.len() - 1 {
                    let message =
                        format!("the pattern has {} wildcards and {} names", pieces.len() - 1, names.len());
                    return Err((message, place));
                }
                (compiled(&source, place)?, names)
            }
            Kind::Regex(source) => {
                let regex = compiled(&source, place)?;
                let named: Vec<String> = regex.capture_names().flatten().map(str::to_owned).collect();
                if self.take_word("as") {
                    let mut names = vec![self.name()?];
                    while self.take(",") {
                        names.push(self.name()?);
                    }
                    if names.len() != regex.captures_len() - 1 {
                        return Err(("the expression has another number of groups than names".into(), place));
                    }
                    (regex, names)
                } else if named.is_empty() || named.len() != regex.captures_len() - 1 {
                    return Err(("every group of the regular expression needs a name".into(), place));
                } else {
                    (regex, named)
                }
            }
            _ => return Err(("parse wants a pattern in quotes or between slashes".into(), place)),
        };
        if plan.events && !plan.shown.is_empty() {
            for name in &fields {
                if !plan.shown.contains(name) {
                    plan.shown.push(name.clone());
                }
            }
        }
        plan.commands.push(Command::Parse { from, regex, fields });
        Ok(())
    }

    fn stats(&mut self, plan: &mut Plan) -> Parsed<()> {
        let mut aggregates = Vec::new();
        loop {
            let (start, place) = (self.at, self.place());
            let Kind::Word(word) = self.next() else {
                return Err((String::from("an aggregate is missing"), place));
            };
            self.expect("(")?;
            let of = match self.peek() {
                Kind::Sign(")") => None,
                Kind::Sign("*") => {
                    self.at += 1;
                    None
                }
                _ => Some(self.expr()?),
            };
            let mut percent = None;
            if self.take(",") {
                let place = self.place();
                let Kind::Number(number) = self.next() else {
                    return Err(("a percentile is missing".into(), place));
                };
                percent = Some(number);
            }
            self.expect(")")?;
            let function = statistic(&word, percent, of.is_some())
                .ok_or_else(|| (format!("{word} is not an aggregate with these arguments"), place))?;
            let name = if self.take_word("as") { self.name()? } else { self.text_from(start) };
            aggregates.push(Aggregate { name, function, of });
            if !self.take(",") {
                break;
            }
        }
        let by = if self.take_word("by") { self.named_list()? } else { Vec::new() };
        plan.shown = by.iter().map(|(name, _)| name.clone()).collect();
        plan.shown.extend(aggregates.iter().map(|aggregate| aggregate.name.clone()));
        plan.events = false;
        plan.commands.push(Command::Stats { aggregates, by });
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
        self.primary()
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let place = self.place();
        match self.next() {
            Kind::Number(number) => Ok(Expr::Literal(Value::Number(number))),
            Kind::Text(text) => Ok(Expr::Literal(Value::Text(text))),
            Kind::Span(ms) => Ok(Expr::Span(ms)),
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
                Kind::Span(ms) => text.push_str(&span_text(*ms)),
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
            Kind::Span(ms) => span_text(*ms),
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

fn statistic(name: &str, percent: Option<f64>, has_field: bool) -> Option<Statistic> {
    let name = name.to_ascii_lowercase();
    if name == "count" && percent.is_none() {
        return Some(Statistic::Count);
    }
    if !has_field {
        return None;
    }
    if let Some(percent) = percent {
        let known = matches!(name.as_str(), "pct" | "percentile") && (0.0..=100.0).contains(&percent);
        return known.then_some(Statistic::Percentile(percent));
    }
    Some(match name.as_str() {
        "count_distinct" => Statistic::CountDistinct,
        "sum" => Statistic::Sum,
        "avg" => Statistic::Average,
        "min" => Statistic::Min,
        "max" => Statistic::Max,
        "stddev" => Statistic::StandardDeviation,
        "median" => Statistic::Percentile(50.0),
        "earliest" => Statistic::Earliest,
        "latest" => Statistic::Latest,
        "sortsfirst" => Statistic::SortsFirst,
        "sortslast" => Statistic::SortsLast,
        _ => return None,
    })
}

fn span_text(ms: i64) -> String {
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if ms % size == 0 && ms != 0 {
            return format!("{}{unit}", ms / size);
        }
    }
    format!("{ms}ms")
}
