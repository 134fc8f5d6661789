mod alarms;
mod cloud;
mod crash;
mod dispatch;
mod images;
mod intake;
mod points;
mod queries;
