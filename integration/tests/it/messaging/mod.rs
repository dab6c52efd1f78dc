//! `messaging` against a real nats-server, with the permissions of each role: what a broker does on a bad day cannot be
//! imitated.

mod consumer;
mod consumer_failures;
mod consumer_retries;
mod desk;
mod fencing;
mod fixture;
mod permissions;
mod publisher;
mod topology;
