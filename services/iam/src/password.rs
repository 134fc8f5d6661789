//! Passwords of users: how they are kept, and what the account's policy asks of them.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use haneul_env::Rng;
use haneul_kit::{ApiError, Result};

use crate::error;
use crate::model::PasswordPolicy;

/// Of the salt, as RFC 9106 recommends.
const SALT_BYTES: usize = 16;

/// IAM User Guide, "Set an account password policy": what counts as a symbol.
const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

/// Without a policy of its own an account has this one (same page).
const LENGTH_MIN_DEFAULT: usize = 8;
const CLASSES_MIN_DEFAULT: usize = 3;

/// Argon2id with the parameters that OWASP recommends (the crate's defaults), in the PHC string format.
pub(crate) fn hash(rng: &Rng, password: &str) -> Result<String> {
    let salt = SaltString::encode_b64(&rng.bytes::<SALT_BYTES>()).map_err(ApiError::internal)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(ApiError::internal)?;
    Ok(hash.to_string())
}

pub(crate) fn is(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// # Errors
/// PasswordPolicyViolation, for the first thing that is wrong.
pub(crate) fn check(policy: Option<&PasswordPolicy>, user: &str, password: &str) -> Result<()> {
    let has = |of: fn(&char) -> bool| password.chars().any(|c| of(&c));
    let upper = has(char::is_ascii_uppercase);
    let lower = has(char::is_ascii_lowercase);
    let number = has(char::is_ascii_digit);
    let symbol = has(|c| SYMBOLS.contains(*c));
    let length = password.chars().count();
    let Some(policy) = policy else {
        let classes = [upper, lower, number, symbol].into_iter().filter(|has| *has).count();
        if length < LENGTH_MIN_DEFAULT {
            return Err(error::password_length(LENGTH_MIN_DEFAULT));
        }
        if classes < CLASSES_MIN_DEFAULT || password.eq_ignore_ascii_case(user) {
            return Err(error::password_classes());
        }
        return Ok(());
    };
    if length < policy.length_min as usize {
        return Err(error::password_length(policy.length_min as usize));
    }
    for (asked, given, what) in [
        (policy.uppercase, upper, "uppercase letter"),
        (policy.lowercase, lower, "lowercase letter"),
        (policy.numbers, number, "number"),
        (policy.symbols, symbol, "symbol"),
    ] {
        if asked && !given {
            return Err(error::password_lacks(what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_tell_only_their_password() {
        let rng = Rng::seeded(1);
        let (one, other) = (hash(&rng, "pass").unwrap(), hash(&rng, "pass").unwrap());
        assert!(one.starts_with("$argon2id$") && one != other, "salted");
        assert!(is("pass", &one) && !is("Pass", &one) && !is("pass", "") && !is("", &one));
    }

    #[test]
    fn policies() {
        let strict = PasswordPolicy {
            length_min: 12,
            symbols: true,
            numbers: true,
            uppercase: true,
            lowercase: true,
            users_may_change: false,
            age_max_days: None,
            reuse_prevention: None,
            hard_expiry: None,
        };
        for (policy, password, wrong) in [
            (None, "Abcdefg1", ""),
            (None, "abcdef-1", ""),
            (None, "abcdefg1", "classes"),
            (None, "Abcdef1", "length"),
            (Some(&strict), "Abcdefghij1-", ""),
            (Some(&strict), "Abcdefghi1-", "length"),
            (Some(&strict), "abcdefghij1-", "uppercase"),
            (Some(&strict), "ABCDEFGHIJ1-", "lowercase"),
            (Some(&strict), "Abcdefghijk-", "number"),
            (Some(&strict), "Abcdefghijk1", "symbol"),
        ] {
            let said =
                check(policy, "ann", password).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(
                if wrong.is_empty() {
                    said.is_empty()
                } else {
                    said.contains(wrong) || wrong == "classes" && !said.is_empty()
                },
                "{password}: {said}"
            );
        }
    }
}
