mod cloud;
mod dispatch;
mod insights;
mod lake;
mod lookup;
mod queue;
mod secrets;
mod trails;
