mod algorithms;
mod cloud;
mod dispatch;
mod envelopes;
mod grants;
mod imports;
mod lifecycle;
mod policies;
