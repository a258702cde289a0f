//! The catalog manager: what is in the catalogs of customers.

use coursebus_schemas::enterprise::{CatalogMembershipAdded, CatalogMembershipData, CatalogMembershipRemoved};

/// Something that is in a customer's catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The catalog's UUID.
    pub catalog_uuid: String,
    /// The customer's UUID.
    pub enterprise_customer_uuid: String,
    /// What is in it.
    pub content: Content,
}

/// What can be in a catalog, by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A course, for instance `edX+DemoX`.
    Course(String),
    /// A run.
    CourseRun(String),
    /// A program, by its UUID.
    Program(String),
}

/// Something was added to a customer's catalog.
#[must_use]
pub fn membership_added(fact: &Membership) -> CatalogMembershipAdded {
    CatalogMembershipAdded { membership: membership(fact) }
}

/// Something was taken out of a customer's catalog.
#[must_use]
pub fn membership_removed(fact: &Membership) -> CatalogMembershipRemoved {
    CatalogMembershipRemoved { membership: membership(fact) }
}

fn membership(fact: &Membership) -> CatalogMembershipData {
    let (content_type, content_key) = match &fact.content {
        Content::Course(key) => ("course", key),
        Content::CourseRun(key) => ("course_run", key),
        Content::Program(uuid) => ("program", uuid),
    };
    CatalogMembershipData {
        catalog_uuid: fact.catalog_uuid.clone(),
        enterprise_customer_uuid: fact.enterprise_customer_uuid.clone(),
        content_key: content_key.clone(),
        content_type: content_type.to_owned(),
    }
}
