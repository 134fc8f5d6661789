mod cloud;
mod dispatch;
mod lookup;
mod queue;
mod secrets;
mod trails;
