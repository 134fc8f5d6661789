use super::{Parsed, Parser};
use crate::insights::cidr::CidrLookup;
use crate::insights::frequent;
use crate::insights::lexer::Kind;
use crate::insights::plan::{Command, Expr, Plan};
use crate::insights::relevant;
use crate::insights::rows::{AddTotals, Autoregress, FillMissing, Outlier, Sessionize};
use crate::insights::value::Value;

/// Fields of one command.
const FIELDS_MAX: usize = 50;
/// How far `autoregress` looks back.
const LAG_MAX: usize = 1000;
/// Source: User Guide, "outlier" and "sessionize".
const PARAM_DEFAULT: f64 = 2.5;
const GAP_MS_DEFAULT: i64 = 30 * 60_000;

impl Parser<'_> {
    /// `addtotals [fieldname=NAME] [row=BOOL] [col=BOOL] [FIELD, …]`
    pub(super) fn add_totals(&mut self, plan: &mut Plan) -> Parsed<()> {
        let mut totals = AddTotals { name: "Total".into(), rows: true, columns: false, fields: None };
        loop {
            if self.option("fieldname") {
                totals.name = self.name()?;
            } else if self.option("row") {
                totals.rows = self.truth()?;
            } else if self.option("col") {
                totals.columns = self.truth()?;
            } else {
                break;
            }
        }
        let named = self.fields()?;
        if plan.events && plan.shown.is_empty() {
            named.iter().for_each(|field| plan.adds(field));
        }
        totals.fields = match (named.is_empty(), plan.shown.is_empty()) {
            (false, _) => Some(named),
            // Of what results show at this place.
            (true, false) => Some(plan.shown.iter().filter(|name| !name.starts_with('@')).cloned().collect()),
            (true, true) => None,
        };
        if totals.rows {
            plan.adds(&totals.name);
        }
        plan.commands.push(Command::AddTotals(totals));
        Ok(())
    }

    /// `accum FIELD [AS OUT]`
    pub(super) fn accum(&mut self, plan: &mut Plan) -> Parsed<()> {
        let field = self.field_name()?;
        let into = if self.take_word("as") { self.name()? } else { field.clone() };
        plan.adds(&into);
        plan.commands.push(Command::Accum { field, into });
        Ok(())
    }

    /// `autoregress FIELD [AS ALIAS] [p=FROM[-TO]]`
    pub(super) fn autoregress(&mut self, plan: &mut Plan) -> Parsed<()> {
        let field = self.field_name()?;
        let alias = if self.take_word("as") { Some(self.name()?) } else { None };
        let (mut from, mut to) = (1, 1);
        if self.option("p") {
            from = self.whole(1, LAG_MAX)?;
            to = if self.take("-") { self.whole(from, LAG_MAX)? } else { from };
        }
        if to - from >= FIELDS_MAX {
            return Err(self.fault("autoregress makes too many fields"));
        }
        let base = alias.as_deref().unwrap_or(&field);
        let name = |lag: usize| match &alias {
            Some(alias) if from == to => alias.clone(),
            _ => format!("{base}_p{lag}"),
        };
        let lags: Vec<(usize, String)> = (from..=to).map(|lag| (lag, name(lag))).collect();
        lags.iter().for_each(|(_, name)| plan.adds(name));
        plan.commands.push(Command::Autoregress(Autoregress { field, lags }));
        Ok(())
    }

    /// `filldown [FIELD …]`, with stars.
    pub(super) fn fill_down(&mut self, plan: &mut Plan) -> Parsed<()> {
        let mut patterns = Vec::new();
        while let Some(pattern) = self.wildcard() {
            patterns.push(pattern);
            self.take(",");
        }
        if patterns.len() > FIELDS_MAX {
            return Err(self.fault("filldown names too many fields"));
        }
        if patterns.is_empty() {
            patterns.clone_from(&plan.shown);
        }
        plan.commands.push(Command::FillDown(patterns));
        Ok(())
    }

    /// A field's name with stars in it: pieces without a space between them.
    fn wildcard(&mut self) -> Option<String> {
        let (mut pattern, mut end) = (String::new(), None);
        loop {
            let token = &self.tokens[self.at];
            let piece = match &token.kind {
                Kind::Word(word) | Kind::Field(word) => word.as_str(),
                Kind::Sign("*") => "*",
                _ => break,
            };
            if end.is_some_and(|end| end != token.from) {
                break;
            }
            pattern.push_str(piece);
            end = Some(token.to);
            self.at += 1;
        }
        (!pattern.is_empty()).then_some(pattern)
    }

    /// `fillmissing [with VALUE for FIELD, …]`
    pub(super) fn fill_missing(&mut self, plan: &mut Plan, place: (usize, usize)) -> Parsed<()> {
        let by = plan.commands.iter().rev().find_map(|command| match command {
            Command::Stats { by, .. } => Some(by),
            _ => None,
        });
        let bin = by.and_then(|by| by.iter().find_map(|(name, expr)| Some((name.clone(), expr.bin_ms()?))));
        let Some((bin, span_ms)) = bin else {
            return Err(("fillmissing comes behind stats by bin()".into(), place));
        };
        let others =
            by.into_iter().flatten().map(|(name, _)| name.clone()).filter(|name| *name != bin).collect();
        let mut with = Vec::new();
        if self.take_word("with") {
            loop {
                let value = match self.unary()? {
                    Expr::Literal(value) => value,
                    Expr::Negate(inner) => match *inner {
                        Expr::Literal(Value::Number(number)) => Value::Number(-number),
                        _ => return Err(("fillmissing takes constants".into(), place)),
                    },
                    _ => return Err(("fillmissing takes constants".into(), place)),
                };
                self.keyword("for")?;
                with.push((self.name()?, value));
                if !self.take(",") {
                    break;
                }
            }
        }
        plan.commands.push(Command::FillMissing(FillMissing { bin, span_ms, others, with }));
        Ok(())
    }

    /// `outlier [action=remove|transform] [param=N] [uselower=BOOL] [mark=BOOL] FIELD …`
    pub(super) fn outlier(&mut self, plan: &mut Plan) -> Parsed<()> {
        let mut outlier =
            Outlier { removes: false, param: PARAM_DEFAULT, lower: false, marks: false, fields: Vec::new() };
        loop {
            if self.option("action") {
                outlier.removes = self.take_word("remove");
                if !outlier.removes {
                    self.keyword("transform")?;
                }
            } else if self.option("param") {
                let Kind::Number(param) = *self.peek() else { return Err(self.unexpected()) };
                self.at += 1;
                outlier.param = param;
            } else if self.option("uselower") {
                outlier.lower = self.truth()?;
            } else if self.option("mark") {
                outlier.marks = self.truth()?;
            } else {
                break;
            }
        }
        outlier.fields = self.fields()?;
        if outlier.fields.is_empty() {
            return Err(self.unexpected());
        }
        if outlier.marks {
            outlier.fields.iter().for_each(|field| plan.adds(&Outlier::marker(field)));
        }
        plan.commands.push(Command::Outlier(outlier));
        Ok(())
    }

    /// `sessionize FIELD, … [maxspan SPAN] [AS OUT]`
    pub(super) fn sessionize(&mut self, plan: &mut Plan) -> Parsed<()> {
        let mut fields = vec![self.field_name()?];
        while self.take(",") {
            fields.push(self.field_name()?);
        }
        let gap_ms = if self.take_word("maxspan") { self.span()? } else { GAP_MS_DEFAULT };
        let into = if self.take_word("as") { self.name()? } else { "session_id".into() };
        if fields.len() > FIELDS_MAX {
            return Err(self.fault("sessionize names too many fields"));
        }
        plan.adds(&into);
        plan.commands.push(Command::Sessionize(Sessionize { fields, gap_ms, into }));
        Ok(())
    }

    /// `cidrlookup TABLE FIELD [AS COLUMN] OUTPUT|OUTPUTNEW COLUMN [AS FIELD], …`
    pub(super) fn cidr_lookup(&mut self, plan: &mut Plan) -> Parsed<()> {
        let (table, field) = (self.name()?, self.field_name()?);
        let column = if self.take_word("as") { Some(self.name()?) } else { None };
        let only_new = self.take_word("outputnew");
        if !only_new {
            self.keyword("output")?;
        }
        let mut output = Vec::new();
        loop {
            let column = self.name()?;
            let into = if self.take_word("as") { self.name()? } else { column.clone() };
            output.push((column, into));
            if !self.take(",") {
                break;
            }
        }
        if output.len() > FIELDS_MAX {
            return Err(self.fault("cidrlookup names too many fields"));
        }
        output.iter().for_each(|(_, into)| plan.adds(into));
        let lookup = CidrLookup::new((table, field, column), output, only_new);
        plan.commands.push(Command::CidrLookup(Box::new(lookup)));
        Ok(())
    }

    /// `countFrequent FIELD, …`
    pub(super) fn count_frequent(&mut self, plan: &mut Plan) -> Parsed<()> {
        let fields = self.named_list()?;
        plan.shown = fields.iter().map(|(name, _)| name.clone()).chain([frequent::COUNT.into()]).collect();
        plan.looked_up.clear();
        plan.events = false;
        plan.commands.push(Command::CountFrequent(fields));
        Ok(())
    }

    /// `relevantfields [FIELD, …] where CONDITION`
    pub(super) fn relevant_fields(&mut self, plan: &mut Plan) -> Parsed<()> {
        let mut fields = Vec::new();
        while !self.take_word("where") {
            fields.push(self.field_name()?);
            self.take(",");
        }
        if fields.len() > FIELDS_MAX {
            return Err(self.fault("relevantfields names too many fields"));
        }
        let condition = self.expr()?;
        plan.shown = relevant::SHOWN.map(str::to_owned).to_vec();
        plan.looked_up.clear();
        plan.events = false;
        plan.commands.push(Command::RelevantFields { fields, condition });
        Ok(())
    }

    /// Fields with commas or nothing between them; there may be none.
    fn fields(&mut self) -> Parsed<Vec<String>> {
        let mut fields = Vec::new();
        while let Kind::Word(_) | Kind::Field(_) = self.peek() {
            fields.push(self.field_name()?);
            self.take(",");
        }
        if fields.len() > FIELDS_MAX {
            return Err(self.fault("the command names too many fields"));
        }
        Ok(fields)
    }
}
