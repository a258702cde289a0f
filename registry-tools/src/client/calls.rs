//! Calls: to which server, how often, and what a failure means.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use coursebus_transport::Cause;
use reqwest::{Certificate, Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

use super::settings::{ClientSettings, Credentials};
use crate::RegistryError;

/// The longest answer that is read.
const REPLY_BYTES_MAX: usize = 32 << 20;

/// The servers of a registry.
#[derive(Debug)]
pub(super) struct Calls {
    client: reqwest::Client,
    urls: Vec<Url>,
    /// The one that answered last.
    preferred: AtomicUsize,
    credentials: Option<Credentials>,
    attempts: u32,
}

impl Calls {
    pub(super) fn new(settings: &ClientSettings) -> Result<Self, RegistryError> {
        let urls = settings.urls.iter().map(|url| base(url)).collect::<Result<_, _>>()?;
        let mut client = reqwest::Client::builder().timeout(settings.timeout);
        if let Some(file) = &settings.ca {
            let what = || format!("read the certificates in {}", file.display());
            let pem = std::fs::read(file).map_err(|e| wrong(what(), e))?;
            for certificate in Certificate::from_pem_bundle(&pem).map_err(|e| wrong(what(), e))? {
                client = client.add_root_certificate(certificate);
            }
        }
        let client = client.build().map_err(|e| wrong("make a client".to_owned(), e))?;
        let (credentials, attempts) = (settings.credentials.clone(), settings.attempts.max(1));
        Ok(Self { client, urls, preferred: AtomicUsize::new(0), credentials, attempts })
    }

    /// The registry's name: its first server's URL, without credentials.
    pub(super) fn name(&self) -> String {
        let Some(mut url) = self.urls.first().cloned() else { return String::new() };
        // Fails for URLs without a host only, which have no credentials.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        url.to_string()
    }

    /// Calls one server after the other, the one that answered last first, until one answers something that is no failure
    /// of the moment; a bounded number of rounds.
    pub(super) async fn call<T: for<'a> Deserialize<'a>>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<T, Failure> {
        let mut round = 1;
        loop {
            let first = self.preferred.load(Ordering::Relaxed);
            let mut failed = None;
            for at in (first..self.urls.len()).chain(0..first.min(self.urls.len())) {
                let request = self.request(&method, &self.urls[at], path, query, body.as_ref());
                match send(request).await {
                    Err(failure) if failure.is_transient() => failed = Some(failure),
                    outcome => {
                        self.preferred.store(at, Ordering::Relaxed);
                        return outcome;
                    }
                }
            }
            match failed {
                Some(failure) if round >= self.attempts => return Err(failure),
                _ => tokio::time::sleep(jittered(Duration::from_millis(100 << round.min(6)))).await,
            }
            round += 1;
        }
    }

    fn request(
        &self,
        method: &Method,
        base: &Url,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> RequestBuilder {
        const JSON: &str = "application/vnd.schemaregistry.v1+json";
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request =
            self.client.request(method.clone(), url).header("accept", format!("{JSON}, application/json"));
        request = match &self.credentials {
            Some(Credentials::Basic { user, password }) => request.basic_auth(user, Some(password)),
            Some(Credentials::Bearer(token)) => request.bearer_auth(token),
            None => request,
        };
        match body {
            Some(body) => request.header("content-type", JSON).body(body.to_string()),
            None => request,
        }
    }
}

fn wrong(what: String, source: impl Into<Cause>) -> RegistryError {
    RegistryError::Unavailable { what, source: source.into() }
}

fn base(url: &str) -> Result<Url, RegistryError> {
    let refused = |source: Cause| wrong("take this URL".to_owned(), source);
    let mut base: Url = url.parse().map_err(|e: <Url as std::str::FromStr>::Err| refused(e.into()))?;
    if !matches!(base.scheme(), "http" | "https") {
        return Err(refused("a registry's URL starts with http:// or https://".into()));
    }
    // So that a path in the URL stays when calls are joined to it.
    if let Ok(mut path) = base.path_segments_mut() {
        path.pop_if_empty();
    }
    Ok(base)
}

/// Between half and one and a half of it, so that clients that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let part = u32::try_from(RandomState::new().hash_one(0) % 1_000).unwrap_or(0);
    wait / 2 + wait * part / 1_000
}

async fn send<T: for<'a> Deserialize<'a>>(request: RequestBuilder) -> Result<T, Failure> {
    let mut response = request.send().await.map_err(Failure::Away)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::Away)? {
        if body.len() + chunk.len() > REPLY_BYTES_MAX {
            return Err(Failure::Said {
                status,
                said: Said { error_code: 0, message: "an answer too long".to_owned() },
            });
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        // Deletions may answer nothing.
        let body = if body.is_empty() { b"null".as_slice() } else { &body };
        return serde_json::from_slice(body).map_err(|_| Failure::Said { status, said: Said::default() });
    }
    let said = serde_json::from_slice(&body).unwrap_or_default();
    Err(Failure::Said { status, said })
}

/// A call that did not succeed.
pub(super) enum Failure {
    Away(reqwest::Error),
    Said { status: StatusCode, said: Said },
}

#[derive(Deserialize, Default)]
pub(super) struct Said {
    #[serde(default)]
    error_code: u32,
    #[serde(default)]
    message: String,
}

impl Failure {
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Said { status, .. } => *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
        }
    }

    /// The registry's own error; `what` is the verb, `subject` what it was about.
    pub(super) fn into_error(self, what: &str, subject: &str) -> RegistryError {
        let (status, said) = match self {
            Self::Away(error) => {
                // Without the URL, which may hold credentials.
                return wrong(what.to_owned(), error.without_url());
            }
            Self::Said { status, said } => (status.as_u16(), said),
        };
        let subject = subject.to_owned();
        match (said.error_code, status) {
            (40401, _) => RegistryError::UnknownSubject { subject },
            (40402, _) => RegistryError::UnknownVersion { subject, version: "asked for".to_owned() },
            (40403, _) => RegistryError::UnknownSchema { subject },
            (40404, _) => RegistryError::SubjectSoftDeleted { subject },
            (40405, _) => RegistryError::SubjectNotSoftDeleted { subject },
            (40406 | 40407 | 42206, _) => RegistryError::NotPermitted { subject, reason: said.message },
            (40408, _) => RegistryError::NoSubjectLevel { subject },
            (40409, _) => RegistryError::NoSubjectMode { subject },
            (_, 409) => RegistryError::Incompatible { subject, message: said.message },
            (42201, _) => RegistryError::InvalidSchema { reason: said.message },
            (42203, _) => RegistryError::InvalidLevel,
            (42204, _) => RegistryError::InvalidMode,
            (42205, _) => RegistryError::NotPermitted { subject, reason: said.message },
            (42208, _) => RegistryError::InvalidSubject { subject },
            (code, status) => RegistryError::Unexpected { status, code, message: said.message },
        }
    }
}
