//! Numbers: up to 38 significant decimal digits, magnitudes from 1E-130 to 9.99…E+125, and zero.

use std::cmp::Ordering;
use std::fmt;

/// `± coefficient × 10^exponent`, the coefficient without trailing zeros, so that equal numbers are equal fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Number {
    negative: bool,
    coefficient: u128,
    exponent: i16,
}

/// Significant digits.
pub(crate) const DIGITS_MAX: u32 = 38;

/// The power of ten of the leading digit.
const MAGNITUDE_MAX: i32 = 125;
const MAGNITUDE_MIN: i32 = -130;

/// Why a text or a result is not a number that can be kept. `Display` is AWS's sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    NotANumber(String),
    TooManyDigits,
    Overflow,
    Underflow,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NumberError::NotANumber(text) if text.is_empty() => {
                f.write_str("The parameter cannot be converted to a numeric value")
            }
            NumberError::NotANumber(text) => {
                write!(f, "The parameter cannot be converted to a numeric value: {text}")
            }
            NumberError::TooManyDigits => {
                f.write_str("Attempting to store more than 38 significant digits in a Number")
            }
            NumberError::Overflow => f.write_str(
                "Number overflow. Attempting to store a number with magnitude larger than supported range",
            ),
            NumberError::Underflow => f.write_str(
                "Number underflow. Attempting to store a number with magnitude smaller than supported range",
            ),
        }
    }
}

impl Number {
    pub(crate) const ZERO: Number = Number { negative: false, coefficient: 0, exponent: 0 };

    pub(crate) fn parse(text: &str) -> Result<Number, NumberError> {
        let wrong = || NumberError::NotANumber(text.chars().take(256).collect());
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], parse_exponent(&unsigned[at + 1..]).ok_or_else(wrong)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if digits().next().is_none() || !digits().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        // Leading and trailing zeros do not count, however many there are.
        let leading = digits().take_while(|b| *b == b'0').count();
        let total = whole.len() + fraction.len();
        if leading == total {
            return Ok(Number::ZERO);
        }
        let trailing = fraction.bytes().rev().chain(whole.bytes().rev()).take_while(|b| *b == b'0').count();
        let significant = total - leading - trailing;
        if significant > DIGITS_MAX as usize {
            return Err(NumberError::TooManyDigits);
        }
        let coefficient =
            digits().skip(leading).take(significant).fold(0u128, |sum, b| sum * 10 + u128::from(b - b'0'));
        let exponent = exponent
            .saturating_add(i64::try_from(trailing).unwrap_or(i64::MAX))
            .saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX));
        Number::checked(negative, coefficient, exponent)
    }

    /// Of the parts that [`Number::parts`] gave.
    pub(crate) fn of_parts(negative: bool, coefficient: u128, exponent: i16) -> Option<Number> {
        Number::checked(negative, coefficient, exponent.into()).ok()
    }

    pub(crate) fn parts(&self) -> (bool, u128, i16) {
        (self.negative, self.coefficient, self.exponent)
    }

    pub(crate) fn of_i64(value: i64) -> Number {
        Number::checked(value < 0, value.unsigned_abs().into(), 0).unwrap_or(Number::ZERO)
    }

    pub(crate) fn add(&self, other: &Number) -> Result<Number, NumberError> {
        if self.coefficient == 0 {
            return Ok(*other);
        }
        if other.coefficient == 0 {
            return Ok(*self);
        }
        let low = self.exponent.min(other.exponent);
        let align = |number: &Number| {
            let factor = 10u128.checked_pow((number.exponent - low) as u32)?;
            number.coefficient.checked_mul(factor)
        };
        // What does not fit into 128 bits has more than 38 digits, and its last one is not zero.
        let (Some(a), Some(b)) = (align(self), align(other)) else { return Err(NumberError::TooManyDigits) };
        let (negative, sum) = if self.negative == other.negative {
            (self.negative, a.checked_add(b).ok_or(NumberError::TooManyDigits)?)
        } else if a >= b {
            (self.negative, a - b)
        } else {
            (other.negative, b - a)
        };
        Number::checked(negative, sum, low.into())
    }

    pub(crate) fn sub(&self, other: &Number) -> Result<Number, NumberError> {
        self.add(&other.negated())
    }

    pub(crate) fn negated(&self) -> Number {
        Number { negative: !self.negative && self.coefficient != 0, ..*self }
    }

    /// How many significant digits it has; zero has one.
    pub(crate) fn digits(&self) -> u32 {
        self.coefficient.checked_ilog10().map_or(1, |log| log + 1)
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.negative
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.coefficient == 0
    }

    /// The number as an integer, its fraction cut off; `None` when it does not fit.
    pub(crate) fn trunc_i64(&self) -> Option<i64> {
        let magnitude = if self.exponent >= 0 {
            self.coefficient.checked_mul(10u128.checked_pow(self.exponent as u32)?)?
        } else {
            match 10u128.checked_pow(u32::from(self.exponent.unsigned_abs())) {
                Some(divisor) => self.coefficient / divisor,
                None => 0,
            }
        };
        let magnitude = i64::try_from(magnitude).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// The power of ten above the leading digit: 0.1 has 0, 1 has 1.
    pub(crate) fn magnitude(&self) -> i32 {
        self.digits() as i32 + i32::from(self.exponent)
    }

    /// The number with its trailing zeros cut, if it is within the limits.
    fn checked(negative: bool, mut coefficient: u128, mut exponent: i64) -> Result<Number, NumberError> {
        if coefficient == 0 {
            return Ok(Number::ZERO);
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent = exponent.saturating_add(1);
        }
        let digits = coefficient.ilog10() + 1;
        if digits > DIGITS_MAX {
            return Err(NumberError::TooManyDigits);
        }
        let leading = exponent.saturating_add(i64::from(digits) - 1);
        if leading > MAGNITUDE_MAX.into() {
            return Err(NumberError::Overflow);
        }
        if leading < MAGNITUDE_MIN.into() {
            return Err(NumberError::Underflow);
        }
        Ok(Number { negative, coefficient, exponent: exponent as i16 })
    }
}

/// Saturates: any exponent of more than a few digits is beyond every limit.
fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits.parse::<i64>().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    Some(if negative { -magnitude } else { magnitude })
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let sign = |number: &Number| match (number.coefficient, number.negative) {
            (0, _) => 0,
            (_, true) => -1,
            _ => 1,
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            let by_size = self.magnitude().cmp(&other.magnitude()).then_with(|| {
                // Both have at most 38 digits, so bringing the shorter one to the length of the other fits.
                let (a, b) = (self.digits(), other.digits());
                let longest = a.max(b);
                let scaled = |number: &Number, digits| number.coefficient * 10u128.pow(longest - digits);
                scaled(self, a).cmp(&scaled(other, b))
            });
            if self.negative { by_size.reverse() } else { by_size }
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As DynamoDB answers: all digits, no exponent.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        if self.exponent >= 0 {
            return write!(f, "{}{:0>2$}", self.coefficient, "", self.exponent as usize);
        }
        let (digits, point) = (self.coefficient.to_string(), usize::from(self.exponent.unsigned_abs()));
        match digits.len().checked_sub(point) {
            None | Some(0) => write!(f, "0.{:0>1$}{digits}", "", point - digits.len()),
            Some(whole) => write!(f, "{}.{}", &digits[..whole], &digits[whole..]),
        }
    }
}
