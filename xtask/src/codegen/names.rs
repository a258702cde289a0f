//! What an event type and its parts are called in Rust and on disk.

use anyhow::{Context, Result, bail};

/// The parts of `org.openedx.<domain>.<event…>[.v<major>]` or `coursebus.<domain>.<event…>.v<major>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeName {
    pub domain: String,
    /// Subject and action, with dots.
    pub event: String,
    pub major: u32,
}

impl TypeName {
    pub fn parse(name: &str) -> Result<Self> {
        let ours = name.strip_prefix("coursebus.");
        let rest = ours.or_else(|| name.strip_prefix("org.openedx."));
        let rest = rest.with_context(|| format!("{name}: begins neither with org.openedx nor with coursebus"))?;
        let (domain, rest) = rest.split_once('.').with_context(|| format!("{name}: no event after the domain"))?;
        let version = rest.rsplit_once(".v").and_then(|(event, major)| Some((event, major.parse().ok()?)));
        if ours.is_some() && version.is_none() {
            bail!("{name}: does not end with .v<major>");
        }
        // One type of Open edX has no version in its name.
        let (event, major) = version.unwrap_or((rest, 1));
        Ok(Self { domain: domain.to_owned(), event: event.to_owned(), major })
    }

    /// The folder of its schemas, under `schemas/`.
    pub fn folder(&self) -> String {
        format!("avro/{}/{}", self.domain, self.event)
    }

    /// `CourseEnrollmentCreated`.
    pub fn type_name(&self) -> String {
        let words = self.event.split(['.', '_', '-']);
        words.map(capitalized).collect()
    }

    /// `COURSE_ENROLLMENT_CREATED`.
    pub fn static_name(&self) -> String {
        constant(&self.event)
    }
}

/// The text as the name of a constant.
pub fn constant(text: &str) -> String {
    text.replace(['.', '-'], "_").to_uppercase()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses() {
        let check = |name: &str, domain: &str, event: &str, major: u32, type_name: &str| {
            let parsed = TypeName::parse(name).expect(name);
            assert_eq!(parsed, TypeName { domain: domain.into(), event: event.into(), major }, "{name}");
            assert_eq!(parsed.type_name(), type_name, "{name}");
        };
        check("org.openedx.learning.a_b.created.v1", "learning", "a_b.created", 1, "ABCreated");
        check("org.openedx.authz.role.created", "authz", "role.created", 1, "RoleCreated");
        check("org.openedx.x.redemption-reversed.v12", "x", "redemption-reversed", 12, "RedemptionReversed");
        check("coursebus.subscription.plan.expired.v2", "subscription", "plan.expired", 2, "PlanExpired");
    }

    #[test]
    fn refuses() {
        for name in ["learning.created.v1", "coursebus.learning", "coursebus.learning.created", ""] {
            assert!(TypeName::parse(name).is_err(), "{name}");
        }
    }
}
