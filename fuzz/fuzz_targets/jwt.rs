//! ID tokens. The issuer signed those of the seeds; whatever verifies must say what they said. After a line feed: a key set.

#![no_main]

use haneul_base::Instant;
use haneul_sts::oidc::{KeySet, Token};
use libfuzzer_sys::fuzz_target;

const KEYS: &[u8] = include_bytes!("../../services/sts/src/tests/data/keys.json");

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (token, other) = text.split_once('\n').unwrap_or((text, ""));
    let keys = KeySet::parse(KEYS).expect("our own keys");
    let Ok(token) = Token::parse(token) else { return };
    let clients = ["sts.amazonaws.com".to_owned()];
    let now = Instant::from_secs(1_767_225_630);
    if let Ok(claims) = token.verify(&keys, "https://issuer.example.com/tenant", &clients, now) {
        assert_eq!(claims.subject, "repo:org/app");
        assert_eq!(claims.audience, "sts.amazonaws.com");
    }
    if let Some(keys) = KeySet::parse(other.as_bytes()) {
        let _ = token.verify(&keys, token.issuer().unwrap_or_default(), &clients, now);
    }
});
