//! Named types that are defined in other schemas. Pure.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Form, NotASchema, PRIMITIVES, Printer, parse, qualify};

/// Definitions by their full names.
#[derive(Debug, Default, Clone)]
pub struct Definitions(HashMap<String, Definition>);

#[derive(Debug, Clone)]
pub(super) struct Definition {
    /// The definition as it was printed.
    pub(super) object: Map<String, Value>,
    /// The namespace that it was printed in.
    pub(super) space: Option<String>,
}

impl Definitions {
    /// Those of some schemas, each behind those that it refers to. A name may be defined in several of them alike; the first
    /// one counts.
    ///
    /// # Errors
    /// Those of [`super::canonical`].
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, NotASchema> {
        let mut all = Self::default();
        for text in texts {
            let json = parse(text)?;
            let printed = {
                // A schema that several others refer to comes once for each: what it defines is known from the second time on.
                let mut printer = Printer::new(&all, Form::Parsed);
                printer.inside = 1;
                printer.schema(&json, None)?
            };
            all.gather(&printed, None);
        }
        Ok(all)
    }

    /// Whether nothing is defined elsewhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, full: &str) -> Option<(&str, &Definition)> {
        self.0.get_key_value(full).map(|(name, definition)| (name.as_str(), definition))
    }

    /// Takes in what a printed schema defines. The depth is bounded by the printer.
    fn gather(&mut self, printed: &Value, space: Option<&str>) {
        match printed {
            Value::Array(branches) => branches.iter().for_each(|branch| self.gather(branch, space)),
            Value::Object(object) => self.gather_object(object, space),
            _ => {}
        }
    }

    fn gather_object(&mut self, object: &Map<String, Value>, space: Option<&str>) {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        for inner in ["items", "values"].iter().filter_map(|of| object.get(*of)) {
            self.gather(inner, space);
        }
        let (Some(kind), Some(name)) = (text("type"), text("name")) else { return };
        if PRIMITIVES.contains(&kind) {
            return;
        }
        let own = match text("namespace") {
            Some("") => None,
            Some(own) => Some(own.to_owned()),
            None => space.map(str::to_owned),
        };
        let full = qualify(name, own.as_deref());
        let definition = || Definition { object: object.clone(), space: space.map(str::to_owned) };
        self.0.entry(full).or_insert_with(definition);
        for field in object.get("fields").and_then(Value::as_array).into_iter().flatten() {
            if let Some(kind) = field.get("type") {
                self.gather(kind, own.as_deref());
            }
        }
    }
}
