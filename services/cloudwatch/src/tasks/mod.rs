//! What goes on after the answer: points go from the journal to the series ([`writing`]), from one tier to the next ([`rolling`]); the metrics of
//! other services come in ([`intake`]); what rules counted is put together ([`contributors`]); alarms are looked at ([`alarms`]) and their actions called ([`actions`]); metric streams are sent ([`streams`]).

mod actions;
mod alarms;
mod contributors;
mod intake;
mod rolling;
mod streams;
mod writing;

pub(crate) use actions::Actions;
pub(crate) use alarms::Alarms;
pub(crate) use contributors::Contributors;
pub(crate) use intake::Intake;
pub(crate) use rolling::Rolling;
pub(crate) use streams::Streams;
pub(crate) use writing::Writing;
