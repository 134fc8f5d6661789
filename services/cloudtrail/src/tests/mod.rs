mod cloud;
mod dispatch;
mod insights;
mod lookup;
mod queue;
mod secrets;
mod trails;
