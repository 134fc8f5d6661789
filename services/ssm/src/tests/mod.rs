mod cloud;
mod dispatch;
mod parameters;
mod secure;
