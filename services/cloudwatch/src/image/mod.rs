//! Graphs as pictures: what a widget says ([`widget`]), and drawing it ([`draw`]).
//!
//! Drawn by tiny-skia, written by png; letters are the 8×8 bitmaps of font8x8, so that no font of the system is needed.

mod draw;
mod widget;

pub(crate) use draw::{Curve, Picture};
pub(crate) use widget::Widget;
