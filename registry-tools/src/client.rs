//! A registry behind HTTP: ours, Confluent's, or a work-alike.

mod cache;
mod calls;
mod lifecycle;
mod references;
mod settings;
mod shared;
mod snapshot;

use std::sync::Arc;

use async_trait::async_trait;
use coursebus_schemas::SchemaId;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::settings::{ClientSettings, Credentials};
use self::{
    cache::Cache,
    calls::{Calls, Failure},
    shared::Flights,
    snapshot::Snapshot,
};
use crate::{Kept, Level, Mode, Registered, Registration, Registry, RegistryError, VersionRef, value::Reference};

/// A client of a registry server. A call is tried three times, on each of the servers that it is given, some 200 and 400 ms
/// apart, when they are away or busy; no failure is remembered. Schemas by id are kept, as they never change their meaning;
/// several callers that ask for one at once wait for one call.
#[derive(Debug, Clone)]
pub struct HttpRegistry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    calls: Calls,
    cache: Cache,
    flights: Flights,
    snapshot: Option<Snapshot>,
}

impl HttpRegistry {
    /// A client for the server at `url`; `http://user:password@host` sends basic credentials, and several servers of one
    /// registry stand with a comma between. No connection is made yet.
    pub fn new(url: &str) -> Result<Self, RegistryError> {
        Self::with(ClientSettings::new(url))
    }

    /// A client with settings of its own.
    ///
    /// # Errors
    /// `Unavailable` for URLs that are none, for a file of certificates or a snapshot that cannot be read.
    pub fn with(settings: ClientSettings) -> Result<Self, RegistryError> {
        let calls = Calls::new(&settings)?;
        let snapshot = settings.snapshot.as_deref().map(|file| Snapshot::open(file, &calls.name())).transpose()?;
        let inner = Inner { calls, cache: Cache::new(&settings), flights: Flights::default(), snapshot };
        Ok(Self { inner: Arc::new(inner) })
    }

    async fn call<T: for<'a> Deserialize<'a>>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<T, Failure> {
        self.inner.calls.call(method, path, query, body).await
    }
}

#[derive(Deserialize)]
struct IdReply {
    id: u32,
}

#[derive(Deserialize)]
struct SchemaReply {
    schema: String,
    #[serde(default)]
    references: Option<Vec<Reference>>,
}

#[derive(Deserialize)]
struct VersionReply {
    subject: String,
    version: u32,
    id: u32,
    schema: String,
}

impl From<VersionReply> for Registered {
    fn from(reply: VersionReply) -> Self {
        let VersionReply { subject, version, id, schema } = reply;
        Self { subject, version, id: SchemaId(id), schema: schema.into() }
    }
}

#[async_trait]
impl Registry for HttpRegistry {
    async fn schema(&self, id: SchemaId) -> Result<Arc<str>, RegistryError> {
        if let Some(schema) = self.inner.cache.schema(id) {
            return Ok(schema);
        }
        let registry = self.clone();
        self.inner.flights.share(id, async move { registry.fetch(id).await }).await
    }

    async fn lookup(&self, subject: &str, schema: &str) -> Result<Registered, RegistryError> {
        let body = json!({ "schema": schema, "schemaType": "AVRO" });
        let reply: Result<VersionReply, _> = self.call(Method::POST, &["subjects", subject], &[], Some(body)).await;
        match (reply, &self.inner.snapshot) {
            (Ok(reply), snapshot) => {
                let found: Registered = reply.into();
                if let Some(snapshot) = snapshot {
                    snapshot.keep_lookup(schema, &found);
                }
                Ok(found)
            }
            (Err(failure), Some(snapshot)) if failure.is_transient() => {
                let error = || failure.into_error("look a schema up", subject);
                snapshot.lookup(subject, schema).ok_or_else(error)
            }
            (Err(failure), _) => Err(failure.into_error("look a schema up", subject)),
        }
    }

    async fn register(&self, registration: Registration<'_>) -> Result<Registered, RegistryError> {
        let Registration { subject, schema, import } = registration;
        let mut body = json!({ "schema": schema, "schemaType": "AVRO" });
        if let Some((id, version)) = import {
            body["id"] = id.0.into();
            if let Some(version) = version {
                body["version"] = version.into();
            }
        }
        let path = ["subjects", subject, "versions"];
        let reply: Result<IdReply, _> = self.call(Method::POST, &path, &[], Some(body)).await;
        let id = reply.map_err(|failure| match (failure.into_error("register a schema", subject), import) {
            (RegistryError::Unexpected { code: 42207, .. }, Some((id, _))) => RegistryError::IdTaken { id },
            (error, _) => error,
        });
        let id = id?.id;
        self.inner.cache.forget_latest(subject);
        // Older registries answer with the id alone.
        let mut registered = self.lookup(subject, schema).await?;
        registered.id = SchemaId(id);
        Ok(registered)
    }

    async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        let reply: Result<Vec<String>, _> = self.call(Method::GET, &["subjects"], &[], None).await;
        let mut subjects = reply.map_err(|failure| failure.into_error("list subjects", ""))?;
        subjects.sort_unstable();
        Ok(subjects)
    }

    async fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        let path = ["subjects", subject, "versions"];
        let reply: Result<Vec<u32>, _> = self.call(Method::GET, &path, &[], None).await;
        reply.map_err(|failure| failure.into_error("list versions", subject))
    }

    async fn version(&self, subject: &str, version: VersionRef) -> Result<Registered, RegistryError> {
        if let (VersionRef::Latest, Some(latest)) = (version, self.inner.cache.latest(subject)) {
            return Ok(latest);
        }
        let number = version.to_string();
        let path = ["subjects", subject, "versions", &number];
        let reply: Result<VersionReply, _> = self.call(Method::GET, &path, &[], None).await;
        let found: Registered = reply
            .map_err(|failure| match failure.into_error("fetch a version", subject) {
                RegistryError::UnknownVersion { subject, .. } => {
                    RegistryError::UnknownVersion { subject, version: number }
                }
                other => other,
            })?
            .into();
        if version == VersionRef::Latest {
            self.inner.cache.keep_latest(found.clone());
        }
        Ok(found)
    }

    async fn kept(&self, subject: &str) -> Result<Vec<Kept>, RegistryError> {
        lifecycle::kept(self, subject).await
    }

    async fn users(&self, id: SchemaId, subject: &str) -> Result<Vec<(String, u32)>, RegistryError> {
        lifecycle::users(self, id, subject).await
    }

    async fn delete(&self, subject: &str, version: Option<u32>, permanent: bool) -> Result<Vec<u32>, RegistryError> {
        self.inner.cache.forget_latest(subject);
        lifecycle::delete(self, subject, version, permanent).await
    }

    async fn compatibility(&self, subject: Option<&str>) -> Result<Option<Level>, RegistryError> {
        let reply: Result<Value, _> = self.call(Method::GET, &scoped("config", subject), &[], None).await;
        match reply.map_err(|failure| failure.into_error("tell a level", subject.unwrap_or_default())) {
            Ok(reply) => Ok(reply["compatibilityLevel"].as_str().and_then(|level| level.parse().ok())),
            Err(RegistryError::NoSubjectLevel { .. } | RegistryError::UnknownSubject { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn set_compatibility(&self, subject: Option<&str>, level: Level) -> Result<(), RegistryError> {
        let body = json!({ "compatibility": level.to_string() });
        let reply: Result<Value, _> = self.call(Method::PUT, &scoped("config", subject), &[], Some(body)).await;
        reply.map(drop).map_err(|failure| failure.into_error("store a level", subject.unwrap_or_default()))
    }

    async fn mode(&self, subject: Option<&str>) -> Result<Option<Mode>, RegistryError> {
        let reply: Result<Value, _> = self.call(Method::GET, &scoped("mode", subject), &[], None).await;
        match reply.map_err(|failure| failure.into_error("tell a mode", subject.unwrap_or_default())) {
            Ok(reply) => Ok(reply["mode"].as_str().and_then(|mode| mode.parse().ok())),
            Err(RegistryError::NoSubjectMode { .. } | RegistryError::UnknownSubject { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn set_mode(&self, subject: Option<&str>, mode: Mode) -> Result<(), RegistryError> {
        let body = json!({ "mode": mode.to_string() });
        let (path, force) = (scoped("mode", subject), [("force", "true")]);
        let reply: Result<Value, _> = self.call(Method::PUT, &path, &force, Some(body)).await;
        let reply = reply.map_err(|failure| failure.into_error("store a mode", subject.unwrap_or_default()))?;
        // Apicurio's takes a mode, says nothing, and has none.
        if reply["mode"].is_null() {
            let (subject, reason) = (subject.unwrap_or_default().to_owned(), "this registry has no modes".to_owned());
            return Err(RegistryError::NotPermitted { subject, reason });
        }
        Ok(())
    }
}

impl HttpRegistry {
    /// Fetches a schema and keeps it; what the snapshot has where the registry is away.
    async fn fetch(&self, id: SchemaId) -> Result<Arc<str>, RegistryError> {
        let path = ["schemas", "ids", &id.to_string()];
        let reply: Result<SchemaReply, Failure> = self.call(Method::GET, &path, &[], None).await;
        let reply = match (reply, &self.inner.snapshot) {
            (Ok(reply), _) => reply,
            (Err(failure), snapshot) => {
                let kept = snapshot.as_ref().filter(|_| failure.is_transient()).and_then(|s| s.schema(id));
                return kept.ok_or_else(|| match failure.into_error("fetch a schema", "") {
                    RegistryError::UnknownSchema { .. } => RegistryError::UnknownId { id },
                    other => other,
                });
            }
        };
        let schema: Arc<str> = match reply.references.filter(|references| !references.is_empty()) {
            Some(references) => references::resolved(self, &reply.schema, references).await?.into(),
            None => reply.schema.into(),
        };
        self.inner.cache.keep_schema(id, schema.clone());
        if let Some(snapshot) = &self.inner.snapshot {
            snapshot.keep_schema(id, &schema);
        }
        Ok(schema)
    }
}

fn scoped<'a>(what: &'a str, subject: Option<&'a str>) -> Vec<&'a str> {
    std::iter::once(what).chain(subject).collect()
}
