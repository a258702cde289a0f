//! The registry: its HTTP API case by case, its client, and the topic that it stands on.
#![cfg(feature = "server")]

mod api;
mod client;
mod hostile;
mod http;
mod retire;
mod support;
mod topic;
