use std::sync::{Arc, OnceLock};

use regex::{Regex, RegexBuilder};

use super::checks;

/// What is looked for.
#[derive(Clone)]
pub(crate) struct Identifier {
    pub(crate) name: Arc<str>,
    shape: Arc<Regex>,
    check: fn(&str) -> bool,
    /// One of these must stand near, in lower case; empty when the shape says enough.
    keywords: &'static [&'static str],
}

/// A data identifier of AWS whose definition can be checked.
struct Managed {
    name: &'static str,
    shape: &'static str,
    check: fn(&str) -> bool,
    keywords: &'static [&'static str],
}

/// How far a keyword may be, in characters.
const NEAR: usize = 30;
/// Compiled size of a shape, so that no policy eats the memory.
const SHAPE_SIZE_MAX: usize = 256 * 1024;

/// What is no part of a word or number stands before and after: `regex` has no look-around, so shapes have the group `v`.
const MANAGED: [Managed; 19] = [
    Managed {
        name: "AwsSecretKey",
        shape: r"(?:^|[^A-Za-z0-9/+])(?P<v>[A-Za-z0-9/+]{40})(?:$|[^A-Za-z0-9/+=])",
        check: checks::any,
        keywords: &[
            "aws_secret_access_key",
            "secretaccesskey",
            "credentials",
            "secret access key",
            "secret key",
            "set-awscredential",
        ],
    },
    Managed {
        name: "BankAccountNumber-DE",
        shape: r"\b(?P<v>DE[0-9]{2} ?(?:[0-9]{4} ?){4}[0-9]{2})\b",
        check: checks::iban,
        keywords: &[],
    },
    Managed {
        name: "BankAccountNumber-ES",
        shape: r"\b(?P<v>ES[0-9]{2} ?(?:[0-9]{4} ?){4}[0-9]{4})\b",
        check: checks::iban,
        keywords: &[],
    },
    Managed {
        name: "BankAccountNumber-FR",
        shape: r"\b(?P<v>FR[0-9]{2} ?[0-9]{4} ?[0-9]{4} ?[0-9]{2}[0-9A-Z]{2} ?[0-9A-Z]{4} ?[0-9A-Z]{4} ?[0-9A-Z][0-9]{2})\b",
        check: checks::iban,
        keywords: &[],
    },
    Managed {
        name: "BankAccountNumber-GB",
        shape: r"\b(?P<v>GB[0-9]{2} ?[A-Z]{4} ?[0-9]{4} ?[0-9]{4} ?[0-9]{4} ?[0-9]{2})\b",
        check: checks::iban,
        keywords: &[],
    },
    Managed {
        name: "BankAccountNumber-IT",
        shape: r"\b(?P<v>IT[0-9]{2} ?[A-Z][0-9]{3} ?[0-9]{4} ?[0-9]{3}[0-9A-Z] ?[0-9A-Z]{4} ?[0-9A-Z]{4} ?[0-9A-Z]{3})\b",
        check: checks::iban,
        keywords: &[],
    },
    Managed {
        name: "CreditCardNumber",
        shape: r"(?:^|[^0-9A-Za-z.-])(?P<v>[3-6][0-9]{3}(?:[ -]?[0-9]){9,15})(?:$|[^0-9A-Za-z])",
        check: checks::luhn,
        keywords: &[],
    },
    Managed {
        name: "CreditCardSecurityCode",
        shape: r"(?:^|[^0-9])(?P<v>[0-9]{3,4})(?:$|[^0-9])",
        check: checks::any,
        keywords: &[
            "card id",
            "card identification code",
            "card identification number",
            "card security code",
            "card validation code",
            "card validation number",
            "card verification data",
            "card verification value",
            "cvc",
            "cvc2",
            "cvv",
            "cvv2",
            "elo verification code",
        ],
    },
    Managed {
        name: "EmailAddress",
        shape: r"(?P<v>[A-Za-z0-9._%+'-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\.[A-Za-z]{2,})",
        check: checks::any,
        keywords: &[],
    },
    Managed {
        name: "IpAddress",
        shape: r"(?:^|[^0-9A-Za-z.:])(?P<v>(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)",
        check: checks::address,
        keywords: &[],
    },
    Managed {
        name: "LatLong",
        shape: r"(?:^|[^0-9.])(?P<v>[-+]?(?:[1-8]?[0-9]\.[0-9]{2,}|90\.0+),\s*[-+]?(?:(?:1[0-7][0-9]|[1-9]?[0-9])\.[0-9]{2,}|180\.0+))",
        check: checks::any,
        keywords: &["coordinate", "coordinates", "lat long", "latitude longitude", "location", "position"],
    },
    Managed {
        name: "NhsNumber-GB",
        shape: r"(?:^|[^0-9])(?P<v>[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4})(?:$|[^0-9])",
        check: checks::nhs,
        keywords: &["national health service", "nhs"],
    },
    Managed {
        name: "OpenSshPrivateKey",
        shape: r"(?s)(?P<v>-----BEGIN OPENSSH PRIVATE KEY-----.*?(?:-----END OPENSSH PRIVATE KEY-----|$))",
        check: checks::any,
        keywords: &[],
    },
    Managed {
        name: "PgpPrivateKey",
        shape: r"(?s)(?P<v>-----BEGIN PGP PRIVATE KEY BLOCK-----.*?(?:-----END PGP PRIVATE KEY BLOCK-----|$))",
        check: checks::any,
        keywords: &[],
    },
    Managed {
        name: "PkcsPrivateKey",
        shape: r"(?s)(?P<v>-----BEGIN (?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY-----.*?(?:-----END (?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY-----|$))",
        check: checks::any,
        keywords: &[],
    },
    Managed {
        name: "PhoneNumber-US",
        shape: r"(?:^|[^0-9A-Za-z.-])(?P<v>(?:\+?1[ .-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4})(?:$|[^0-9])",
        check: checks::any,
        keywords: &[],
    },
    Managed {
        name: "PuttyPrivateKey",
        shape: r"(?s)(?P<v>PuTTY-User-Key-File-[0-9]+: .*?Private-MAC: *[0-9A-Fa-f]*)",
        check: checks::any,
        keywords: &[],
    },
    Managed {
        name: "Ssn-US",
        shape: r"(?:^|[^0-9A-Za-z-])(?P<v>[0-9]{3}[ -][0-9]{2}[ -][0-9]{4})(?:$|[^0-9A-Za-z-])",
        check: checks::ssn,
        keywords: &[],
    },
    Managed {
        name: "VehicleIdentificationNumber",
        shape: r"\b(?P<v>[A-HJ-NPR-Z0-9]{17})\b",
        check: checks::vin,
        keywords: &["fahrgestellnummer", "niv", "numarul de identificare", "vehicle identification", "vin"],
    },
];

/// The name of AWS's identifiers in policies.
pub(crate) const ARN_PREFIX: &str = "arn:aws:dataprotection::aws:data-identifier/";

impl Identifier {
    /// One of AWS's, by its name; `None` for one that we do not have.
    pub(crate) fn managed(name: &str) -> Option<Identifier> {
        static ALL: OnceLock<Vec<Identifier>> = OnceLock::new();
        let all = ALL.get_or_init(|| {
            let made = |one: &Managed| Identifier {
                name: one.name.into(),
                shape: Arc::new(compiled(one.shape).expect("AWS's identifiers compile")),
                check: one.check,
                keywords: one.keywords,
            };
            MANAGED.iter().map(made).collect()
        });
        all.iter().find(|one| *one.name == *name).cloned()
    }

    /// One of a policy's own; `None` when the expression is not valid.
    pub(crate) fn custom(name: &str, expression: &str) -> Option<Identifier> {
        let shape = Arc::new(compiled(expression)?);
        Some(Identifier { name: name.into(), shape, check: checks::any, keywords: &[] })
    }

    /// Where it is in a text, in bytes.
    pub(crate) fn find(&self, text: &str) -> Vec<(usize, usize)> {
        if !self.keywords.is_empty() {
            let lower = text.to_lowercase();
            if !self.keywords.iter().any(|word| lower.contains(word)) {
                return Vec::new();
            }
        }
        let (mut found, mut from) = (Vec::new(), 0);
        while from <= text.len()
            && let Some(captures) = self.shape.captures_at(text, from)
        {
            let Some(value) = captures.name("v").or_else(|| captures.get(0)) else { break };
            if !value.is_empty()
                && (self.check)(value.as_str())
                && self.is_near(text, value.start(), value.end())
            {
                found.push((value.start(), value.end()));
            }
            // What stood behind it may stand before the next one.
            from = match value.is_empty() {
                true => next_character(text, value.end()),
                false => value.end(),
            };
        }
        found
    }

    /// Whether a keyword stands near.
    fn is_near(&self, text: &str, start: usize, end: usize) -> bool {
        if self.keywords.is_empty() {
            return true;
        }
        let from = text[..start].char_indices().rev().nth(NEAR - 1).map_or(0, |(at, _)| at);
        let to = text[end..].char_indices().nth(NEAR).map_or(text.len(), |(at, _)| end + at);
        let around = text[from..to].to_lowercase();
        self.keywords.iter().any(|word| around.contains(word))
    }
}

fn next_character(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(text.len() + 1, |c| at + c.len_utf8())
}

fn compiled(expression: &str) -> Option<Regex> {
    RegexBuilder::new(expression).size_limit(SHAPE_SIZE_MAX * 8).build().ok()
}
