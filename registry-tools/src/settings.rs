//! What is set for a subject, a context or all: the level and what else a registry knows. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Level, RegistryError, value::Metadata};

const LEVEL: &str = "compatibilityLevel";
/// Settings that would change what is stored or allowed, and that this registry cannot honour: taking them in silence could
/// leave in clear what was to be encrypted.
const NOT_HONOURED: [&str; 5] = ["alias", "aliasForDeks", "defaultRuleSet", "overrideRuleSet", "validateFields"];

/// Settings, as fields by their names on the wire. Those that are not known here stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct Config(Map<String, Value>);

impl TryFrom<Map<String, Value>> for Config {
    type Error = RegistryError;

    /// Fails with `InvalidLevel` for a level that is none.
    fn try_from(fields: Map<String, Value>) -> Result<Self, RegistryError> {
        if let Some(level) = fields.get(LEVEL).filter(|level| !level.is_null()) {
            level.as_str().ok_or(RegistryError::InvalidLevel)?.parse::<Level>()?;
        }
        Ok(Self(fields))
    }
}

impl From<Config> for Map<String, Value> {
    fn from(config: Config) -> Self {
        config.0
    }
}

impl Config {
    /// The fields as they are stored.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The level, where one is set.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.0.get(LEVEL)?.as_str()?.parse().ok()
    }

    /// The same with a level.
    #[must_use]
    pub fn with_level(mut self, level: Level) -> Self {
        self.0.insert(LEVEL.to_owned(), level.to_string().into());
        self
    }

    /// Whether schemas are brought into their normal form when they are registered.
    #[must_use]
    pub fn normalize(&self) -> bool {
        self.0.get("normalize") == Some(&Value::Bool(true))
    }

    /// The property of the metadata that versions must share to be compared.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.0.get("compatibilityGroup")?.as_str()
    }

    /// The metadata of new versions: what was given over the default, and the override over both.
    #[must_use]
    pub fn metadata(&self, given: Option<Metadata>) -> Option<Metadata> {
        let set = |name: &str| self.0.get(name).and_then(|set| serde_json::from_value(set.clone()).ok());
        Metadata::over(Metadata::over(set("defaultMetadata"), given), set("overrideMetadata"))
    }

    /// The same after a change: what it gives replaces, what it gives as null goes.
    ///
    /// # Errors
    /// `InvalidLevel`; `NotPermitted` for what this registry cannot honour.
    pub fn updated(&self, change: &Map<String, Value>, subject: &str) -> Result<Self, RegistryError> {
        let refused = |name: &str| RegistryError::NotPermitted {
            subject: subject.to_owned(),
            reason: format!("this registry does not honour '{name}'; leave it out"),
        };
        let asks = |name: &str| change.get(name).is_some_and(|v| !matches!(v, Value::Null | Value::Bool(false)));
        if let Some(name) = NOT_HONOURED.iter().find(|name| asks(name)) {
            return Err(refused(name));
        }
        if change.get("compatibilityPolicy").and_then(Value::as_str).is_some_and(|policy| policy != "STRICT") {
            return Err(refused("compatibilityPolicy"));
        }
        let mut fields = self.0.clone();
        for (name, value) in change {
            // Asked for under one name, and told under another.
            let stored = if name == "compatibility" { LEVEL } else { name.as_str() };
            match value {
                Value::Null => drop(fields.shift_remove(stored)),
                Value::String(level) if stored == LEVEL => {
                    fields.insert(stored.to_owned(), level.parse::<Level>()?.to_string().into());
                }
                _ if stored == LEVEL => return Err(RegistryError::InvalidLevel),
                value => drop(fields.insert(stored.to_owned(), value.clone())),
            }
        }
        Self::try_from(fields)
    }

    /// These settings with those of `global` for what is not set here.
    #[must_use]
    pub fn over(&self, global: Option<&Self>) -> Self {
        let mut fields = global.map(|global| global.0.clone()).unwrap_or_default();
        fields.extend(self.0.iter().filter(|(_, v)| !v.is_null()).map(|(name, value)| (name.clone(), value.clone())));
        Self(fields)
    }

    /// What GET answers.
    #[must_use]
    pub fn told(&self) -> Value {
        let fields = self.0.iter().filter(|(name, value)| *name != "subject" && !value.is_null());
        Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// What PUT answers: the level under the name that PUT takes.
    #[must_use]
    pub fn echoed(&self) -> Value {
        let Value::Object(told) = self.told() else { return Value::Null };
        let renamed = |name: String| if name == LEVEL { "compatibility".to_owned() } else { name };
        Value::Object(told.into_iter().map(|(name, value)| (renamed(name), value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).expect("an object")
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let first =
            Config::default().updated(&change(r#"{"compatibility":"full","normalize":true}"#), "s").expect("legal");
        assert_eq!((first.level(), first.normalize()), (Some(Level::Full), true));
        let second = first.updated(&change(r#"{"compatibility":"none","later":{"a":1}}"#), "s").expect("legal");
        assert_eq!(second.told().to_string(), r#"{"compatibilityLevel":"NONE","normalize":true,"later":{"a":1}}"#);
        let third = second.updated(&change(r#"{"normalize":null}"#), "s").expect("legal");
        assert_eq!(third.echoed().to_string(), r#"{"compatibility":"NONE","later":{"a":1}}"#);
        assert_eq!(first.updated(&change(r#"{"compatibility":"x"}"#), "s").map_err(|e| e.code()), Err(42203));
        assert_eq!(first.updated(&change(r#"{"alias":"t"}"#), "s").map_err(|e| e.code()), Err(42205));
    }
}
