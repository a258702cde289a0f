//! A file that keeps what was fetched: JSON Lines, appended. A line that was torn is left out.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{Registered, RegistryError, SchemaId, value::Guid};

/// How much of a file is read, and how large it grows. At the bound nothing more is kept.
const FILE_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Snapshot(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    file: File,
    bytes: u64,
    schemas: HashMap<u32, Arc<str>>,
    /// By subject and what was looked up.
    lookups: HashMap<(String, String), (u32, u32)>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    /// The first line: whose schemas these are.
    Registry {
        registry: String,
    },
    Lookup {
        subject: String,
        text: String,
        version: u32,
        id: u32,
    },
    Schema {
        id: u32,
        schema: String,
    },
}

impl Snapshot {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    /// `Unavailable` for a file that cannot be read and written, or that is another registry's.
    pub(super) fn open(path: &Path, registry: &str) -> Result<Self, RegistryError> {
        let wrong = |source: coursebus_transport::Cause| RegistryError::Unavailable {
            what: format!("use the snapshot {}", path.display()),
            source,
        };
        let file = OpenOptions::new().create(true).read(true).append(true).open(path).map_err(|e| wrong(e.into()))?;
        let bytes = file.metadata().map_err(|e| wrong(e.into()))?.len();
        let reader = BufReader::new(file.try_clone().map_err(|e| wrong(e.into()))?.take(FILE_BYTES_MAX));
        let mut kept = Kept { file, bytes, schemas: HashMap::new(), lookups: HashMap::new() };
        for line in reader.split(b'\n') {
            match serde_json::from_slice(&line.map_err(|e| wrong(e.into()))?) {
                Ok(Line::Registry { registry: other }) if other != registry => {
                    return Err(wrong("it is another registry's; name another file".into()));
                }
                Ok(line) => kept.take_in(line),
                Err(_torn) => {}
            }
        }
        if bytes == 0 {
            kept.append(&Line::Registry { registry: registry.to_owned() });
        } else {
            // Behind a torn line.
            kept.write(b"\n");
        }
        Ok(Self(Mutex::new(kept)))
    }

    fn kept<T>(&self, with: impl FnOnce(&mut Kept) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn schema(&self, id: SchemaId) -> Option<Arc<str>> {
        self.kept(|kept| kept.schemas.get(&id.0).cloned())
    }

    pub(super) fn keep_schema(&self, id: SchemaId, schema: &Arc<str>) {
        self.kept(|kept| kept.keep(Line::Schema { id: id.0, schema: schema.to_string() }));
    }

    pub(super) fn lookup(&self, subject: &str, schema: &str) -> Option<Registered> {
        let text = Guid::of(schema, &[], None, None).to_string();
        let (version, id) = self.kept(|kept| kept.lookups.get(&(subject.to_owned(), text)).copied())?;
        Some(Registered { subject: subject.to_owned(), version, id: SchemaId(id), schema: schema.into() })
    }

    pub(super) fn keep_lookup(&self, schema: &str, found: &Registered) {
        let text = Guid::of(schema, &[], None, None).to_string();
        let (subject, version, id) = (found.subject.clone(), found.version, found.id.0);
        self.kept(|kept| kept.keep(Line::Lookup { subject, text, version, id }));
    }
}

impl Kept {
    fn has(&self, line: &Line) -> bool {
        match line {
            Line::Registry { .. } => true,
            Line::Schema { id, .. } => self.schemas.contains_key(id),
            Line::Lookup { subject, text, .. } => self.lookups.contains_key(&(subject.clone(), text.clone())),
        }
    }

    fn take_in(&mut self, line: Line) {
        match line {
            Line::Registry { .. } => {}
            Line::Schema { id, schema } => drop(self.schemas.insert(id, schema.into())),
            Line::Lookup { subject, text, version, id } => {
                self.lookups.insert((subject, text), (version, id));
            }
        }
    }

    fn keep(&mut self, line: Line) {
        if self.has(&line) || self.bytes >= FILE_BYTES_MAX {
            return;
        }
        self.append(&line);
        self.take_in(line);
    }

    fn append(&mut self, line: &Line) {
        if let Ok(mut text) = serde_json::to_vec(line) {
            text.push(b'\n');
            self.write(&text);
        }
    }

    fn write(&mut self, text: &[u8]) {
        // What is not kept is fetched again.
        match self.file.write_all(text) {
            Ok(()) => self.bytes += text.len() as u64,
            Err(error) => tracing::warn!(%error, "a schema was not kept in the snapshot"),
        }
    }
}
