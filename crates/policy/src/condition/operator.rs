//! The names of the condition operators.

/// A condition operator with its set prefix and `IfExists` suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    pub set: Option<SetOperator>,
    pub comparison: Comparison,
    pub if_exists: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    ForAllValues,
    ForAnyValue,
}

macro_rules! comparisons {
    ($($name:ident),* $(,)?) => {
        /// What an operator compares, and how.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Comparison { $($name),* }

        impl Comparison {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name as AWS writes it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }
    };
}

comparisons! {
    StringEquals, StringNotEquals, StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, StringLike, StringNotLike,
    NumericEquals, NumericNotEquals, NumericLessThan, NumericLessThanEquals, NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals, DateNotEquals, DateLessThan, DateLessThanEquals, DateGreaterThan, DateGreaterThanEquals,
    Bool, BinaryEquals, IpAddress, NotIpAddress,
    ArnEquals, ArnLike, ArnNotEquals, ArnNotLike,
    Null,
}

impl Comparison {
    /// Negated operators are true where no value matches, and where the key is missing.
    pub fn is_negated(self) -> bool {
        matches!(
            self,
            Self::StringNotEquals
                | Self::StringNotEqualsIgnoreCase
                | Self::StringNotLike
                | Self::NumericNotEquals
                | Self::DateNotEquals
                | Self::NotIpAddress
                | Self::ArnNotEquals
                | Self::ArnNotLike
        )
    }
}

impl Operator {
    /// Reads e.g. `ForAllValues:StringLikeIfExists`. Case does not matter. `None` for a name that is not an
    /// operator, and for `Null` with a prefix or suffix, which has no meaning.
    pub fn parse(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAllValues") => {
                (Some(SetOperator::ForAllValues), rest)
            }
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAnyValue") => {
                (Some(SetOperator::ForAnyValue), rest)
            }
            Some(_) => return None,
            None => (None, name),
        };
        let suffix = rest
            .len()
            .checked_sub("IfExists".len())
            .filter(|&at| rest.get(at..).is_some_and(|s| s.eq_ignore_ascii_case("IfExists")));
        let (rest, if_exists) = (&rest[..suffix.unwrap_or(rest.len())], suffix.is_some());
        let comparison = *Comparison::ALL.iter().find(|c| c.as_str().eq_ignore_ascii_case(rest))?;
        if comparison == Comparison::Null && (if_exists || set.is_some()) {
            return None;
        }
        Some(Self { set, comparison, if_exists })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let op = Operator::parse("ForAllValues:StringLikeIfExists").unwrap();
        assert_eq!((op.set, op.if_exists), (Some(SetOperator::ForAllValues), true));
        assert_eq!(op.comparison, Comparison::StringLike);
        for c in Comparison::ALL {
            assert_eq!(Operator::parse(c.as_str()).map(|o| o.comparison), Some(*c));
        }
        for bad in ["", "IfExists", "NullIfExists", "ForAnyValue:Null", "ForSome:Bool", "StringEqual", "é"] {
            assert_eq!(Operator::parse(bad), None, "{bad}");
        }
    }
}
