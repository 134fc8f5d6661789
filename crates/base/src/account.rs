use std::fmt;
use std::str::FromStr;

/// A 12-digit AWS account id, kept as a number: `000000000000` is the default account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AccountId(u64);

impl AccountId {
    /// The account that exists from the first start.
    pub const DEFAULT: AccountId = AccountId(0);

    /// `None` when the number has more than twelve digits.
    pub const fn new(number: u64) -> Option<AccountId> {
        if number < 1_000_000_000_000 { Some(AccountId(number)) } else { None }
    }

    pub const fn number(self) -> u64 {
        self.0
    }
}

/// The text was not exactly twelve ASCII digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidAccountId;

impl fmt::Display for InvalidAccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AWS account id is exactly twelve digits")
    }
}

impl std::error::Error for InvalidAccountId {}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidAccountId);
        }
        text.parse().map(AccountId).map_err(|_| InvalidAccountId)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: it is in every ARN, and the padding of `{:012}` costs more than the rest of one.
        let mut digits = [b'0'; 12];
        let mut rest = self.0;
        for digit in digits.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        f.pad(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits_and_nothing_else() {
        assert_eq!("000000000042".parse::<AccountId>().unwrap().to_string(), "000000000042");
        for bad in ["", "42", "0000000000420", "00000000004x", "+00000000042", "００００００００００００"]
        {
            assert_eq!(bad.parse::<AccountId>(), Err(InvalidAccountId), "{bad}");
        }
        assert_eq!(AccountId::new(1_000_000_000_000), None);
    }
}
