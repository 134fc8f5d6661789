//! Policies compared as sets of requests, without a request at hand: does one policy let through what another does not?
//!
//! Everything here errs to one side. [`pattern::covers`] says yes only when it is certain, [`pattern::may_meet`] says no
//! only when it is; so a check says PASS only when nothing new, named or public can be let through, whatever the request.
//!
//! Reading order: [`pattern`] (wildcards), [`statement`] (a statement as sets), [`condition`] (one condition implies
//! another), [`checks`] (the three questions).

pub(crate) mod checks;
pub(crate) mod condition;
pub(crate) mod pattern;
pub(crate) mod statement;
