//! One call for all who ask for one schema at once.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::{RegistryError, SchemaId};

type Outcome = Option<Result<Arc<str>, Arc<RegistryError>>>;

/// The calls that are under way.
#[derive(Debug, Default, Clone)]
pub(super) struct Flights(Arc<Mutex<HashMap<SchemaId, watch::Receiver<Outcome>>>>);

impl Flights {
    /// What `fetch` comes to, or an earlier one that is still under way. It goes on when its caller does not wait any more:
    /// others may.
    pub(super) async fn share(
        &self,
        id: SchemaId,
        fetch: impl Future<Output = Result<Arc<str>, RegistryError>> + Send + 'static,
    ) -> Result<Arc<str>, RegistryError> {
        let mut told = self.join(id, fetch);
        let outcome = told.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        match outcome {
            Ok(Some(Ok(schema))) => Ok(schema),
            Ok(Some(Err(error))) => Err(again(&error)),
            Ok(None) | Err(_) => Err(RegistryError::Unavailable {
                what: "fetch a schema".to_owned(),
                source: "the call was dropped".into(),
            }),
        }
    }

    fn join(
        &self,
        id: SchemaId,
        fetch: impl Future<Output = Result<Arc<str>, RegistryError>> + Send + 'static,
    ) -> watch::Receiver<Outcome> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = flights.get(&id) {
            return told.clone();
        }
        let (tell, told) = watch::channel(None);
        flights.insert(id, told.clone());
        let flights = self.clone();
        tokio::spawn(async move {
            // Whatever happens to the call, the next one is a new one.
            let _landed = Landing { flights, id };
            let outcome = fetch.await.map_err(Arc::new);
            tell.send_replace(Some(outcome));
        });
        told
    }
}

struct Landing {
    flights: Flights,
    id: SchemaId,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// An error for one more caller.
fn again(error: &Arc<RegistryError>) -> RegistryError {
    match error.as_ref() {
        RegistryError::UnknownId { id } => RegistryError::UnknownId { id: *id },
        RegistryError::InvalidSchema { reason } => RegistryError::InvalidSchema { reason: reason.clone() },
        RegistryError::Unexpected { status, code, message } => {
            RegistryError::Unexpected { status: *status, code: *code, message: message.clone() }
        }
        RegistryError::Unavailable { what, .. } => {
            RegistryError::Unavailable { what: what.clone(), source: Box::new(CauseOf(error.clone())) }
        }
        other => RegistryError::Unavailable { what: "fetch a schema".to_owned(), source: other.to_string().into() },
    }
}

/// The cause of an error that several callers have.
#[derive(Debug)]
struct CauseOf(Arc<RegistryError>);

impl fmt::Display for CauseOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source().map_or(Ok(()), |cause| fmt::Display::fmt(cause, f))
    }
}

impl Error for CauseOf {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()?.source()
    }
}
