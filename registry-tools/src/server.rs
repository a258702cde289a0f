//! The registry over HTTP, in the API of Confluent's Schema Registry.
//!
//! [`operations::OPERATIONS`] is the one table of what there is: the routes and the OpenAPI document are made from it. A file
//! a resource holds what its operations do. Reading asks the state in memory, so it goes on when the log is away.

mod answer;
mod compatibility;
mod config;
mod contexts;
mod mode;
mod openapi;
mod operations;
mod request;
mod schemas;
mod subjects;
mod versions;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    routing::{MethodFilter, on},
};
use tokio::sync::Semaphore;

use self::{
    answer::{Answer, ApiError, Reply, Wanted},
    request::{BODIES_MAX, BODY_BYTES_MAX, Call},
};
pub use self::{
    openapi::document,
    operations::{OPERATIONS, Operation},
};
use crate::LogRegistry;

/// What all requests share.
struct Shared {
    registry: Arc<LogRegistry>,
    /// Permits to hold a body in memory.
    bodies: Semaphore,
}

/// The routes of a registry server.
pub fn routes(registry: Arc<LogRegistry>) -> Router {
    let shared = Arc::new(Shared { registry, bodies: Semaphore::new(BODIES_MAX) });
    let mut router = Router::new();
    for operation in OPERATIONS {
        let answer = move |State(shared): State<Arc<Shared>>, request: Request| handle(shared, operation, request);
        let method = MethodFilter::try_from(operation.method.clone()).expect("the table has usual methods");
        router = router.route(operation.path, on(method, answer));
    }
    router
        .fallback(async || ApiError::NotFound.told(Wanted::default()))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed.told(Wanted::default()))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shared)
}

async fn handle(shared: Arc<Shared>, operation: &Operation, request: Request) -> axum::response::Response {
    let Some(wanted) = Wanted::of(request.headers()) else {
        return ApiError::NotAcceptable.told(Wanted::default());
    };
    let answered = async {
        // Held until the answer is there: what is made of a body is as large as the body.
        let _permit = match operation.body {
            Some(_) => Some(shared.bodies.acquire().await.map_err(|_| ApiError::NotFound)?),
            None => None,
        };
        let call = Call::read(shared.registry.clone(), operation, request).await?;
        (operation.answer)(call).await
    };
    match answered.await {
        Ok(reply) => reply.told(wanted),
        Err(error) => error.told(wanted),
    }
}
