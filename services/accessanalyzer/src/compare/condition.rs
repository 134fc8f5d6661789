//! When one condition holds, does another?

use std::net::IpAddr;

use super::pattern::covers;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// `ForAllValues`, `ForAnyValue` or empty.
    pub quantifier: String,
    /// In lower case, without quantifier and `IfExists`.
    pub operator: String,
    pub if_exists: bool,
    /// In lower case.
    pub key: String,
    /// As written, for findings.
    pub written_key: String,
    pub values: Vec<String>,
}

impl Condition {
    pub(crate) fn new(operator: &str, key: &str, values: Vec<String>) -> Condition {
        let (quantifier, operator) = operator.split_once(':').unwrap_or(("", operator));
        let operator = operator.to_lowercase();
        let (operator, if_exists) = match operator.strip_suffix("ifexists") {
            Some(bare) => (bare.to_owned(), true),
            None => (operator, false),
        };
        Condition {
            quantifier: quantifier.to_lowercase(),
            operator,
            if_exists,
            key: key.to_lowercase(),
            written_key: key.to_owned(),
            values,
        }
    }

    /// Whether it says what a value must not be.
    pub(crate) fn is_negated(&self) -> bool {
        self.operator.contains("not")
    }

    /// Whether `other` holds whenever this does, for certain.
    pub(crate) fn implies(&self, other: &Condition) -> bool {
        if self == other {
            return true;
        }
        if self.key != other.key
            || self.quantifier != other.quantifier
            || (self.if_exists && !other.if_exists)
        {
            return false;
        }
        let every = |inner: &[String], outer: &[String], within: &dyn Fn(&str, &str) -> bool| {
            inner.iter().all(|value| outer.iter().any(|wider| within(wider, value)))
        };
        // A missing key fails the positive ones and passes the negated ones on both sides alike.
        match (self.operator.as_str(), other.operator.as_str()) {
            ("stringequals", "stringequals") => every(&self.values, &other.values, &|a, b| a == b),
            ("stringequals", "stringequalsignorecase")
            | ("stringequalsignorecase", "stringequalsignorecase") => {
                every(&self.values, &other.values, &|a, b| a.eq_ignore_ascii_case(b))
            }
            ("stringequals", "stringlike") => {
                // The value is literal; a wildcard in it is a letter, which only `*` is certain to take.
                every(&self.values, &other.values, &|outer, inner| {
                    outer == "*" || (!inner.contains(['*', '?']) && covers(outer, inner))
                })
            }
            ("stringlike", "stringlike") => every(&self.values, &other.values, &covers),
            ("arnequals" | "arnlike", "arnequals" | "arnlike") => {
                every(&self.values, &other.values, &|outer, inner| arn_covers(outer, inner))
            }
            ("stringnotequals", "stringnotequals")
            | ("bool", "bool")
            | ("null", "null")
            | ("numericequals", "numericequals")
            | ("dateequals", "dateequals")
            | ("binaryequals", "binaryequals") => {
                let (few, many) = match self.is_negated() {
                    true => (&other.values, &self.values),
                    false => (&self.values, &other.values),
                };
                every(few, many, &|a, b| a == b)
            }
            ("stringnotequalsignorecase", "stringnotequalsignorecase" | "stringnotequals") => {
                every(&other.values, &self.values, &|a, b| a.eq_ignore_ascii_case(b))
            }
            ("stringnotlike", "stringnotlike") => every(&other.values, &self.values, &covers),
            ("arnnotequals" | "arnnotlike", "arnnotequals" | "arnnotlike") => {
                every(&other.values, &self.values, &|outer, inner| arn_covers(outer, inner))
            }
            ("ipaddress", "ipaddress") => every(&self.values, &other.values, &network_covers),
            ("notipaddress", "notipaddress") => every(&other.values, &self.values, &network_covers),
            ("numericlessthan" | "numericlessthanequals", "numericlessthan" | "numericlessthanequals") => {
                let wider = other.operator.ends_with("equals");
                let strict = !self.operator.ends_with("equals");
                every(&self.values, &other.values, &|outer, inner| match (number(outer), number(inner)) {
                    (Some(outer), Some(inner)) => inner < outer || (inner == outer && (wider || strict)),
                    _ => false,
                })
            }
            (
                "numericgreaterthan" | "numericgreaterthanequals",
                "numericgreaterthan" | "numericgreaterthanequals",
            ) => {
                let wider = other.operator.ends_with("equals");
                let strict = !self.operator.ends_with("equals");
                every(&self.values, &other.values, &|outer, inner| match (number(outer), number(inner)) {
                    (Some(outer), Some(inner)) => inner > outer || (inner == outer && (wider || strict)),
                    _ => false,
                })
            }
            _ => false,
        }
    }
}

/// Whether the conditions of `narrow` imply all of `wide`.
pub(crate) fn all_imply(narrow: &[Condition], wide: &[Condition]) -> bool {
    wide.iter().all(|wanted| narrow.iter().any(|given| given.implies(wanted)))
}

/// Each of the six parts for itself, as ARN operators compare them.
fn arn_covers(outer: &str, inner: &str) -> bool {
    if outer == inner {
        return true;
    }
    let parts = |text: &str| text.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    let (outer, inner) = (parts(outer), parts(inner));
    outer.len() == 6
        && inner.len() == 6
        && outer.iter().zip(&inner).all(|(outer, inner)| covers(outer, inner))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A network as address, bits.
pub(crate) fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(whole), |bits| bits.parse().ok())?;
    (bits <= whole).then_some((address, bits))
}

/// The first bits of an address, as a number of its family.
pub(crate) fn masked(address: IpAddr, bits: u8) -> u128 {
    let (value, whole) = match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let low = whole - u32::from(bits);
    if low >= 128 { 0 } else { value >> low << low }
}

fn network_covers(outer: &str, inner: &str) -> bool {
    let (Some((outer, outer_bits)), Some((inner, inner_bits))) = (network(outer), network(inner)) else {
        return false;
    };
    outer.is_ipv4() == inner.is_ipv4()
        && outer_bits <= inner_bits
        && masked(outer, outer_bits) == masked(inner, outer_bits)
}
