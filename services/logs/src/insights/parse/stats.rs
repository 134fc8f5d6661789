use super::{Parsed, Parser};
use crate::insights::lexer::Kind;
use crate::insights::plan::{Aggregate, Command, Expr, Plan, Statistic};

/// Ranges of one histogram.
const BUCKETS_MAX: f64 = 1000.0;

/// What stands behind the field of an aggregate.
#[derive(Clone, Copy)]
enum With {
    Nothing,
    Number(f64),
    Span(i64),
}

impl Parser<'_> {
    pub(super) fn stats(&mut self, plan: &mut Plan) -> Parsed<()> {
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
            let mut with = With::Nothing;
            if self.take(",") {
                let place = self.place();
                with = match self.next() {
                    Kind::Number(number) => With::Number(number),
                    Kind::Span { ms, .. } => With::Span(ms),
                    _ => return Err(("a number or a length of time is missing".into(), place)),
                };
            }
            self.expect(")")?;
            let function = statistic(&word, with, of.is_some())
                .ok_or_else(|| (format!("{word} is not an aggregate with these arguments"), place))?;
            let name = if self.take_word("as") { self.name()? } else { self.text_from(start) };
            aggregates.push(Aggregate { name, function, of });
            if !self.take(",") {
                break;
            }
        }
        let mut by = if self.take_word("by") { self.named_list()? } else { Vec::new() };
        if !by.is_empty() && self.take_word("offset") {
            let later_ms = self.span()?;
            let bins = by.iter_mut().filter(|(_, expr)| expr.bin_ms().is_some());
            for (_, expr) in bins {
                let bin = std::mem::replace(expr, Expr::Span(0));
                *expr = Expr::Later(Box::new(bin), later_ms);
            }
        }
        plan.shown = by.iter().map(|(name, _)| name.clone()).collect();
        plan.shown.extend(aggregates.iter().map(|aggregate| aggregate.name.clone()));
        plan.events = false;
        plan.commands.push(Command::Stats { aggregates, by });
        Ok(())
    }
}

fn statistic(name: &str, with: With, has_field: bool) -> Option<Statistic> {
    let name = name.to_ascii_lowercase();
    match (name.as_str(), with) {
        ("count", With::Nothing) => return Some(Statistic::Count),
        ("countovertime", With::Nothing) => return Some(Statistic::Count),
        _ if !has_field => return None,
        ("pct" | "percentile", With::Number(percent)) if (0.0..=100.0).contains(&percent) => {
            return Some(Statistic::Percentile(percent));
        }
        ("rate", With::Span(every_ms)) if every_ms > 0 => return Some(Statistic::Rate(every_ms as f64)),
        ("histogram", With::Number(buckets))
            if buckets.fract() == 0.0 && (1.0..=BUCKETS_MAX).contains(&buckets) =>
        {
            return Some(Statistic::Histogram(buckets as usize));
        }
        (_, With::Nothing) => {}
        _ => return None,
    }
    Some(match name.as_str() {
        "count_distinct" => Statistic::CountDistinct,
        "sum" | "sumovertime" => Statistic::Sum,
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
