//! How a client behaves.

use std::{fmt, path::PathBuf, time::Duration};

/// Settings of a client.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The servers of one registry, the preferred one first.
    pub urls: Vec<String>,
    /// Who is asking, where the URLs do not say it.
    pub credentials: Option<Credentials>,
    /// A file of certificates (PEM) to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// How long one try may take. Default 10 s.
    pub timeout: Duration,
    /// How often a call is tried on each server while they are away or busy. Default 3.
    pub attempts: u32,
    /// How many schemas are kept by id. At the bound the oldest goes. Default 10,000.
    pub schemas_max: usize,
    /// How many bytes they may have. At the bound the oldest goes. Default 64 MiB.
    pub bytes_max: usize,
    /// How long the latest version of a subject is believed to be the latest. Default 5 s.
    pub latest_for: Duration,
    /// A file that keeps what was fetched, so that a service starts and decodes while the registry is away. It belongs to
    /// one registry: delete it when the registry is another one behind the same URL.
    pub snapshot: Option<PathBuf>,
}

impl ClientSettings {
    /// Defaults, for one URL or several with commas between.
    #[must_use]
    pub fn new(urls: &str) -> Self {
        Self {
            urls: urls.split(',').map(|url| url.trim().to_owned()).collect(),
            credentials: None,
            ca: None,
            timeout: Duration::from_secs(10),
            attempts: 3,
            schemas_max: 10_000,
            bytes_max: 64 << 20,
            latest_for: Duration::from_secs(5),
            snapshot: None,
        }
    }
}

impl ClientSettings {
    /// The same with what a file says in lines `name=value`: `token`, or `user` and `password`; `ca`; `snapshot`. Empty lines
    /// and those that begin with `#` say nothing.
    ///
    /// # Errors
    /// What is wrong with the file, without what it holds.
    pub fn configured(mut self, text: &str) -> Result<Self, String> {
        let (mut user, mut password) = (None, None);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            let (name, value) = line.split_once('=').ok_or("a line is not name=value")?;
            let value = value.trim();
            match name.trim() {
                "token" => self.credentials = Some(Credentials::Bearer(value.to_owned())),
                "user" => user = Some(value.to_owned()),
                "password" => password = Some(value.to_owned()),
                "ca" => self.ca = Some(value.into()),
                "snapshot" => self.snapshot = Some(value.into()),
                _ => return Err("a line has a name that is not known".to_owned()),
            }
        }
        match (user, password, &self.credentials) {
            (None, None, _) => Ok(self),
            (Some(user), Some(password), None) => {
                self.credentials = Some(Credentials::Basic { user, password });
                Ok(self)
            }
            _ => Err("user and password belong together, and not beside a token".to_owned()),
        }
    }
}

/// Who is asking. Never shown.
#[derive(Clone)]
pub enum Credentials {
    /// A user with a password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token.
    Bearer(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic",
            Self::Bearer(_) => "Bearer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_who_is_asking() {
        let of = |text: &str| ClientSettings::new("http://r").configured(text);
        let token = of("# who\n\n token = a=b \nsnapshot=/s").expect("a file");
        assert!(matches!(&token.credentials, Some(Credentials::Bearer(token)) if token == "a=b"));
        assert_eq!(token.snapshot.as_deref(), Some(std::path::Path::new("/s")));
        let basic = of("user=u\npassword=p").expect("a file");
        assert!(matches!(&basic.credentials, Some(Credentials::Basic { user, .. }) if user == "u"));
        for wrong in ["user=u", "s3cret", "s3cret=1", "user=u\npassword=s3cret\ntoken=t"] {
            let error = of(wrong).expect_err(wrong);
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
