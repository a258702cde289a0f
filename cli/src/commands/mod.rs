//! One file a command: its arguments, its documentation, one function.

pub mod apply;
pub mod demo;
pub mod doctor;
pub mod event;
pub mod group;
pub mod held;
pub mod outbox;
pub mod plan;
pub mod registry;
pub mod relay;
pub mod schema;
pub mod sink;
pub mod topic;
pub mod up;
