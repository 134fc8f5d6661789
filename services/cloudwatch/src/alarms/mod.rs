//! Alarms: what a composite's rule says ([`rule`]), how points decide on a state ([`decide`], [`evaluate`]), what that is called ([`reason`]), what
//! follows from a change ([`change`]), and what actions are told ([`message`]).

pub(crate) mod change;
pub(crate) mod decide;
mod evaluate;
pub(crate) mod message;
pub(crate) mod reason;
pub(crate) mod rule;
