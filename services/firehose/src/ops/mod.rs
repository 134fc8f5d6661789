//! The operations: [`streams`] (create, describe, list, delete), [`update`], [`put`], [`encryption`], [`tags`].

mod encryption;
mod put;
mod streams;
mod tags;
mod update;

use haneul_kit::Cx;

use crate::model::StreamKey;

fn key(cx: &Cx, name: &str) -> StreamKey {
    (cx.account(), cx.region(), name.to_owned())
}
