//! GetMetricData's queries, for that operation, for alarms, for images: checked and planned ([`plan`]), run ([`run`]), what functions answer to them ([`data_source`]), and their results
//! named ([`label`]).

mod data_source;
mod expected;
mod label;
mod plan;
mod run;

pub(crate) use label::{offset_minutes, shown as shown_label};
pub(crate) use plan::{Plan, Work, check_period, from_wire, to_wire};
pub(crate) use run::{Answer, Span};
