use super::{Parsed, Parser, compiled};
use crate::insights::lexer::Kind;
use crate::insights::plan::{Command, Expr, Plan};

/// Names of one command.
const NAMES_MAX: usize = 1000;

impl Parser<'_> {
    /// `parse field "glob *" as a, b`, `parse field /regex with (?<names>…)/ [multi]`, `parse field logfmt as a`,
    /// `parse field csv as a, b`.
    pub(super) fn parse(&mut self, plan: &mut Plan) -> Parsed<()> {
        let is_mode = |kind: &Kind| {
            let modes = ["logfmt", "csv"];
            matches!(kind, Kind::Word(word) if modes.iter().any(|mode| word.eq_ignore_ascii_case(mode)))
        };
        let is_field_left_out = match self.peek() {
            Kind::Text(_) | Kind::Regex(_) => true,
            kind => is_mode(kind) && self.follows("as"),
        };
        let from = if is_field_left_out { Expr::Field("@message".into()) } else { self.primary()? };
        let mut fields = Vec::new();
        let command = match self.peek().clone() {
            Kind::Word(word) if word.eq_ignore_ascii_case("logfmt") => {
                self.at += 1;
                self.keyword("as")?;
                let into = self.name()?;
                Command::ParseLogfmt { from, into }
            }
            Kind::Word(word) if word.eq_ignore_ascii_case("csv") => {
                self.at += 1;
                self.keyword("as")?;
                fields = self.names()?;
                Command::ParseCsv { from, fields: fields.clone() }
            }
            _ => {
                let (command, names) = self.parse_pattern(from)?;
                fields = names;
                command
            }
        };
        if plan.events && !plan.shown.is_empty() {
            for name in &fields {
                if !plan.shown.contains(name) {
                    plan.shown.push(name.clone());
                }
            }
        }
        plan.commands.push(command);
        Ok(())
    }

    fn parse_pattern(&mut self, from: Expr) -> Parsed<(Command, Vec<String>)> {
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
                let names = self.names()?;
                if names.len() != pieces.len() - 1 {
                    let message =
                        format!("the pattern has {} wildcards and {} names", pieces.len() - 1, names.len());
                    return Err((message, place));
                }
                return Ok((
                    Command::Parse { from, regex: compiled(&source, place)?, fields: names.clone() },
                    names,
                ));
            }
            Kind::Regex(source) => {
                let regex = compiled(&source, place)?;
                let named: Vec<String> = regex.capture_names().flatten().map(str::to_owned).collect();
                if self.take_word("as") {
                    let names = self.names()?;
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
        let names = fields.clone();
        Ok(match self.take_word("multi") {
            true => (Command::ParseAll { from, regex, fields }, names),
            false => (Command::Parse { from, regex, fields }, names),
        })
    }

    /// `json field=FIELD "path.in.it" as NAME`
    pub(super) fn json(&mut self, plan: &mut Plan) -> Parsed<()> {
        if !self.option("field") {
            return Err(self.unexpected());
        }
        let from = self.primary()?;
        let Kind::Text(path) = self.next() else {
            self.at -= 1;
            return Err(self.unexpected());
        };
        self.keyword("as")?;
        let into = self.name()?;
        if plan.events && !plan.shown.is_empty() && !plan.shown.contains(&into) {
            plan.shown.push(into.clone());
        }
        plan.commands.push(Command::Json { from, path, into });
        Ok(())
    }

    /// `expand FIELD`
    pub(super) fn expand(&mut self, plan: &mut Plan) -> Parsed<()> {
        let field = self.field_name()?;
        plan.commands.push(Command::Expand(field));
        Ok(())
    }

    /// Names with commas between them.
    pub(super) fn names(&mut self) -> Parsed<Vec<String>> {
        let mut names = vec![self.name()?];
        while self.take(",") {
            names.push(self.name()?);
        }
        if names.len() > NAMES_MAX {
            return Err(self.fault("the command has too many names"));
        }
        Ok(names)
    }

    /// A field, not in quotes.
    pub(super) fn field_name(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            Kind::Word(name) | Kind::Field(name) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Whether this is the word behind the next token.
    pub(super) fn follows(&self, wanted: &str) -> bool {
        let after = self.tokens.get(self.at + 1).map(|token| &token.kind);
        matches!(after, Some(Kind::Word(word)) if word.eq_ignore_ascii_case(wanted))
    }
}
