//! The tables of the license manager.

use coursebus_sinks_kit::{Column, Kind, Table};

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// A subscription plan.
pub(super) static PLANS: Table = Table {
    name: "plans",
    key: &[column("uuid", Kind::Text)],
    columns: &[
        column("title", Kind::Text),
        column("status", Kind::Text),
        column("starts", Kind::Time),
        column("expires", Kind::Time),
        column("enterprise_customer_uuid", Kind::Text),
        column("auto_applies_licenses", Kind::Bool),
    ],
};

/// A license of a plan.
pub(super) static LICENSES: Table = Table {
    name: "licenses",
    key: &[column("uuid", Kind::Text)],
    columns: &[
        column("plan_uuid", Kind::Text),
        column("user_id", Kind::Int),
        column("status", Kind::Text),
        column("expires", Kind::Time),
    ],
};
