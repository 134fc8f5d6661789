//! Metric math: expressions over time series. Source: CloudWatch User Guide, "Use metric math".
//!
//! [`lexer`] and [`parser`] make an [`Expr`] of a text; [`value`] is what expressions work on, [`functions`] what they call, [`eval`] does it.
//!
//! What must never happen here: IO. What an expression needs from elsewhere (searches, bands) is found before, by [`Expr::needs`].

mod arithmetic;
mod eval;
mod functions;
mod lexer;
mod parser;
mod quotas;
mod value;

pub(crate) use eval::{Scope, evaluate};
pub(crate) use parser::parse;
pub(crate) use value::{Line, Origin, POINTS_MAX, Value, too_many};

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Number(f64),
    Text(String),
    /// Another query, by its id.
    Id(String),
    /// A word that only means something to a function: `REPEAT`, `DESC`.
    Word(String),
    Negate(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Call(Function, Vec<Expr>),
    Array(Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

macro_rules! functions {
    ($($variant:ident = $name:literal),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Function { $($variant),* }

        impl Function {
            fn parse(name: &str) -> Option<Function> {
                match name { $($name => Some(Function::$variant),)* _ => None }
            }

            pub(crate) fn name(self) -> &'static str {
                match self { $(Function::$variant => $name),* }
            }
        }
    };
}

functions! {
    Abs = "ABS",
    AnomalyDetectionBand = "ANOMALY_DETECTION_BAND",
    Avg = "AVG",
    Ceil = "CEIL",
    DatapointCount = "DATAPOINT_COUNT",
    Date = "DATE",
    Day = "DAY",
    DbPerfInsights = "DB_PERF_INSIGHTS",
    Diff = "DIFF",
    DiffTime = "DIFF_TIME",
    Epoch = "EPOCH",
    Fill = "FILL",
    First = "FIRST",
    Floor = "FLOOR",
    Hour = "HOUR",
    If = "IF",
    InsightRuleMetric = "INSIGHT_RULE_METRIC",
    Lambda = "LAMBDA",
    Last = "LAST",
    Log = "LOG",
    Log10 = "LOG10",
    Max = "MAX",
    MetricCount = "METRIC_COUNT",
    Metrics = "METRICS",
    Min = "MIN",
    Minute = "MINUTE",
    Month = "MONTH",
    Period = "PERIOD",
    Rate = "RATE",
    RemoveEmpty = "REMOVE_EMPTY",
    RunningSum = "RUNNING_SUM",
    Search = "SEARCH",
    ServiceQuota = "SERVICE_QUOTA",
    Slice = "SLICE",
    Sort = "SORT",
    StdDev = "STDDEV",
    Sum = "SUM",
    TimeSeries = "TIME_SERIES",
    Year = "YEAR",
}

/// What an expression needs from elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Need {
    /// The result of another query.
    Id(String),
    /// Every metric of the request.
    Metrics,
    /// `SEARCH(query, statistic, period)`.
    Search { query: String, statistic: String, period: Option<i64> },
    /// A statistic of what a rule of Contributor Insights counted.
    Rule { name: String, statistic: String },
    /// The expected range of a query's metric.
    Band(String),
    /// What a function answers, that is given these arguments (a list in JSON).
    Function { name: String, arguments: String },
}

impl Expr {
    pub(crate) fn needs(&self) -> Vec<Need> {
        let mut needs = Vec::new();
        self.collect(&mut needs);
        needs
    }

    fn collect(&self, needs: &mut Vec<Need>) {
        match self {
            Expr::Number(_) | Expr::Text(_) | Expr::Word(_) => {}
            Expr::Id(id) => needs.push(Need::Id(id.clone())),
            Expr::Negate(one) => one.collect(needs),
            Expr::Binary(_, left, right) => {
                left.collect(needs);
                right.collect(needs);
            }
            Expr::Array(list) => list.iter().for_each(|one| one.collect(needs)),
            // Its arguments are values: `true` is no query.
            Expr::Call(Function::Lambda, arguments) => needs.extend(data_source(arguments)),
            Expr::Call(function, arguments) => {
                match (function, &arguments[..]) {
                    (Function::Metrics, _) => needs.push(Need::Metrics),
                    (Function::AnomalyDetectionBand, [Expr::Id(id), ..]) => {
                        needs.push(Need::Band(id.clone()))
                    }
                    (
                        Function::InsightRuleMetric,
                        [Expr::Text(name), Expr::Text(statistic) | Expr::Word(statistic)],
                    ) => needs.push(Need::Rule { name: name.clone(), statistic: statistic.clone() }),
                    (Function::Search, [Expr::Text(query), Expr::Text(statistic), rest @ ..]) => {
                        let period = match rest {
                            [Expr::Number(period)] => Some(*period as i64),
                            _ => None,
                        };
                        needs.push(Need::Search {
                            query: query.clone(),
                            statistic: statistic.clone(),
                            period,
                        });
                    }
                    _ => {}
                }
                arguments.iter().for_each(|one| one.collect(needs));
            }
        }
    }
}

/// `LAMBDA("function", …)`: up to 20 strings, numbers and booleans. Source: "Use your custom data source".
fn data_source(arguments: &[Expr]) -> Option<Need> {
    const ARGUMENTS_MAX: usize = 20;
    let [Expr::Text(name), rest @ ..] = arguments else { return None };
    let value = |one: &Expr| match one {
        // "Every line feed is replaced with a space."
        Expr::Text(text) => Some(text.replace('\n', " ").into()),
        Expr::Number(number) => serde_json::Number::from_f64(*number).map(serde_json::Value::Number),
        Expr::Negate(one) => match **one {
            Expr::Number(number) => serde_json::Number::from_f64(-number).map(serde_json::Value::Number),
            _ => None,
        },
        Expr::Id(word) | Expr::Word(word) => word.to_ascii_lowercase().parse::<bool>().ok().map(Into::into),
        _ => None,
    };
    let values: Option<Vec<serde_json::Value>> = rest.iter().map(value).collect();
    let values = values.filter(|values| values.len() <= ARGUMENTS_MAX)?;
    let arguments = serde_json::Value::Array(values).to_string();
    Some(Need::Function { name: name.clone(), arguments })
}

#[cfg(test)]
mod tests;
