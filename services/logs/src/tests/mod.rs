mod cloud;
mod events;
mod groups;
mod queries;
