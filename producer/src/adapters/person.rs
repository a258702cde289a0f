//! A person as all services know one.

use coursebus_schemas::learning::{UserData, UserPersonalData};

/// A learner. Name and e-mail are personal data: leave them empty unless a consumer needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learner {
    /// The platform's number for the user.
    pub id: i64,
    /// The account can be used.
    pub is_active: bool,
    /// The user name.
    pub username: String,
    /// The e-mail address, or empty.
    pub email: String,
    /// The full name, or empty.
    pub name: String,
}

impl Learner {
    /// As Open edX's types have it.
    pub(super) fn user(&self) -> UserData {
        let Self { id, is_active, username, email, name } = self.clone();
        UserData { id, is_active, pii: UserPersonalData { username, email, name } }
    }
}
