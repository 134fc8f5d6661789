//! Session tokens: as sent by a stranger, and as if the stranger had our key.

#![no_main]

use haneul_base::Instant;
use haneul_env::Rng;
use haneul_kit::{Seal, access_key_id, session_token};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let seal = Seal::new(&[7; 32], Rng::seeded(1));
    if let Ok(text) = std::str::from_utf8(input) {
        assert!(session_token::open(&seal, text, "ASIA", Instant::EPOCH).is_err());
        let _ = access_key_id::account_of(text);
        let _ = seal.open("paging", text);
    }
    let token = seal.seal("session-token ASIA", input);
    let Ok(opened) = session_token::open(&seal, &token, "ASIA", Instant::EPOCH) else { return };
    assert!(session_token::open(&seal, &token, "ASIB", Instant::EPOCH).is_err());
    // What can be read can be issued.
    let expires = opened.caller.session.as_ref().map(|session| session.expires_at);
    let made = session_token::issue(&seal, &Rng::seeded(2), opened.caller.clone());
    assert_eq!(Some(made.expiration), expires);
    let again = session_token::open(&seal, &made.session_token, &made.access_key_id, Instant::EPOCH);
    let again = again.expect("we made it").caller;
    assert_eq!((again.account, again.principal), (opened.caller.account, opened.caller.principal));
    assert_eq!(again.session, opened.caller.session);
});
