use super::{Line, Operator, Value};

/// `left operator right`: scalars go with everything, a series with each of an array; two series meet where both have a point.
pub(super) fn apply(operator: Operator, left: Value, right: Value) -> Result<Value, String> {
    let each = |line: &Line, scalar: f64, line_first: bool| {
        let of = |value| {
            if line_first { number(operator, value, scalar) } else { number(operator, scalar, value) }
        };
        line.with(line.points.iter().map(|(at, value)| (*at, of(*value))).collect())
    };
    Ok(match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Value::Scalar(finite(number(operator, left, right))?),
        (Value::Line(line), Value::Scalar(scalar)) => Value::Line(each(&line, scalar, true)),
        (Value::Scalar(scalar), Value::Line(line)) => Value::Line(each(&line, scalar, false)),
        (Value::Lines(lines), Value::Scalar(scalar)) => {
            Value::Lines(lines.iter().map(|line| each(line, scalar, true)).collect())
        }
        (Value::Scalar(scalar), Value::Lines(lines)) => {
            Value::Lines(lines.iter().map(|line| each(line, scalar, false)).collect())
        }
        (Value::Line(left), Value::Line(right)) => {
            let mut line = meet(operator, &left, &right);
            line.origin = None;
            Value::Line(line)
        }
        (Value::Lines(lines), Value::Line(right)) => {
            Value::Lines(lines.iter().map(|left| meet(operator, left, &right)).collect())
        }
        (Value::Line(left), Value::Lines(lines)) => {
            let named = |right: &Line| Line {
                label: right.label.clone(),
                origin: right.origin.clone(),
                ..meet(operator, &left, right)
            };
            Value::Lines(lines.iter().map(named).collect())
        }
        (Value::Lines(left), Value::Lines(right)) if left.len() == right.len() => {
            Value::Lines(left.iter().zip(&right).map(|(left, right)| meet(operator, left, right)).collect())
        }
        (Value::Lines(left), Value::Lines(right)) => {
            return Err(format!(
                "Arrays of {} and {} time series do not go together",
                left.len(),
                right.len()
            ));
        }
    })
}

fn finite(value: f64) -> Result<f64, String> {
    if value.is_finite() { Ok(value) } else { Err("A number is divided by zero or too large".to_owned()) }
}

fn meet(operator: Operator, left: &Line, right: &Line) -> Line {
    let mut others = right.points.iter().peekable();
    let mut points = Vec::with_capacity(left.points.len().min(right.points.len()));
    for (at, value) in &left.points {
        while others.next_if(|(other, _)| other < at).is_some() {}
        if let Some((_, other)) = others.next_if(|(other, _)| other == at) {
            points.push((*at, number(operator, *value, *other)));
        }
    }
    left.with(points)
}

fn number(operator: Operator, left: f64, right: f64) -> f64 {
    let truth = |is: bool| if is { 1.0 } else { 0.0 };
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Power => left.powf(right),
        Operator::Equal => truth(left == right),
        Operator::NotEqual => truth(left != right),
        Operator::Less => truth(left < right),
        Operator::LessOrEqual => truth(left <= right),
        Operator::Greater => truth(left > right),
        Operator::GreaterOrEqual => truth(left >= right),
        Operator::And => truth(left != 0.0 && right != 0.0),
        Operator::Or => truth(left != 0.0 || right != 0.0),
    }
}
