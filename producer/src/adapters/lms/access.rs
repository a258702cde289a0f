//! Roles of users in courses.

use coursebus_schemas::learning::{CourseAccessRoleData, UserCourseAccessRoleAdded, UserCourseAccessRoleRemoved};

use super::Learner;

/// A role that a user has in a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRole {
    /// Who has it.
    pub user: Learner,
    /// The organisation.
    pub org: String,
    /// The run's key.
    pub course_key: String,
    /// `instructor`, `staff`, …
    pub role: String,
}

/// A user was given a role.
#[must_use]
pub fn role_added(fact: &AccessRole) -> UserCourseAccessRoleAdded {
    UserCourseAccessRoleAdded { course_access_role_data: role(fact) }
}

/// A role was taken from a user.
#[must_use]
pub fn role_removed(fact: &AccessRole) -> UserCourseAccessRoleRemoved {
    UserCourseAccessRoleRemoved { course_access_role_data: role(fact) }
}

fn role(fact: &AccessRole) -> CourseAccessRoleData {
    CourseAccessRoleData {
        user: fact.user.user(),
        org_key: fact.org.clone(),
        course_key: fact.course_key.clone(),
        role: fact.role.clone(),
    }
}
