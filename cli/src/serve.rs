//! HTTP servers: where they listen, and who may.

use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;

use crate::failure::{Code, Failure};

/// A bound listener; serving begins with [`Listener::serve`].
pub struct Listener {
    inner: TcpListener,
    /// `http://address:port`
    pub url: String,
}

/// Credentials that a server asks for: lines `user:password`.
#[derive(Clone)]
pub struct Credentials(Arc<Vec<String>>);

impl Credentials {
    /// Reads the file; without one nobody is asked.
    pub fn read(path: Option<&PathBuf>) -> Result<Option<Self>, Failure> {
        let Some(path) = path else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|e| Failure::from(e).about(path.display().to_string()))?;
        let lines: Vec<String> =
            text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect();
        if lines.is_empty() || lines.iter().any(|l| !l.contains(':')) {
            let what = "a credentials file has lines user:password";
            return Err(Failure::new(Code::Credentials, what, path.display().to_string(), "correct the file"));
        }
        Ok(Some(Self(Arc::new(lines))))
    }

    fn allow(&self, header: &str) -> bool {
        use sha2::{Digest, Sha256};
        let Some((scheme, given)) = header.split_once(' ') else { return false };
        if !scheme.eq_ignore_ascii_case("basic") {
            return false;
        }
        // Compared by hash, so that the time it takes tells nothing of the password.
        let given = Sha256::digest(given.trim());
        self.0.iter().any(|line| Sha256::digest(base64(line.as_bytes())) == given)
    }
}

/// Binds an address. Beyond loopback only with credentials.
pub async fn bind(address: &str, credentials: Option<&Credentials>) -> Result<Listener, Failure> {
    let wrong = |what: String| {
        Failure::new(Code::Listen, what, address.to_owned(), "give --listen a free ADDRESS:PORT, such as 127.0.0.1:0")
    };
    let inner = TcpListener::bind(address).await.map_err(|e| wrong(e.to_string()))?;
    let local: SocketAddr = inner.local_addr().map_err(|e| wrong(e.to_string()))?;
    if !local.ip().is_loopback() && credentials.is_none() {
        let what = "this address can be reached from other machines, and no credentials are configured";
        let next = "listen on 127.0.0.1, or give --credentials FILE with lines user:password";
        return Err(Failure { exit: 2, ..Failure::new(Code::ListenOpen, what, address.to_owned(), next) });
    }
    Ok(Listener { inner, url: format!("http://{local}") })
}

impl Listener {
    /// Serves until `stop` resolves; requests under way are finished.
    pub async fn serve(
        self,
        routes: Router,
        credentials: Option<Credentials>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Failure> {
        let routes = match credentials {
            Some(credentials) => routes.layer(middleware::from_fn_with_state(credentials, check)),
            None => routes,
        };
        let served = axum::serve(self.inner, routes).with_graceful_shutdown(stop).await;
        served.map_err(|e| Failure::from(e).about(self.url))
    }
}

async fn check(State(credentials): State<Credentials>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given.is_some_and(|given| credentials.allow(given)) {
        return next.run(request).await;
    }
    let body = r#"{"error_code":401,"message":"HTTP 401 Unauthorized"}"#;
    let headers = [(header::WWW_AUTHENTICATE, "Basic realm=\"coursebus\""), (header::CONTENT_TYPE, "application/json")];
    (StatusCode::UNAUTHORIZED, headers, body).into_response()
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(bytes)
}
