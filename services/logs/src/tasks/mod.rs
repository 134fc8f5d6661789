//! What goes on after the answer: what is gone is swept away ([`sweep`]), metrics are made of events ([`measure`]), and events
//! go to subscribers ([`deliver`]) and to buckets ([`export`]).

mod deliver;
mod export;
mod measure;
mod sweep;

pub(crate) use deliver::Delivering;
pub(crate) use export::Exporting;
pub(crate) use measure::Measuring;
pub(crate) use sweep::Sweeping;
