//! Alarms: what a composite's rule says ([`rule`]), how points decide on a state ([`decide`], [`evaluate`]), what that is called ([`reason`]), what
//! follows from a change ([`change`]), alarms on many series ([`contributors`]), and what actions are told ([`message`]).

pub(crate) mod change;
mod contributors;
pub(crate) mod decide;
mod evaluate;
pub(crate) mod message;
pub(crate) mod reason;
pub(crate) mod rule;
