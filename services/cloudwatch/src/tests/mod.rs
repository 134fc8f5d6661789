mod alarms;
mod cloud;
mod crash;
mod dispatch;
mod points;
mod queries;
