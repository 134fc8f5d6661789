mod cloud;
mod dispatch;
mod policies;
mod replicas;
mod secrets;
