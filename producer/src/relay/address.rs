//! Where an outbox is.

use std::{fmt, path::PathBuf, str::FromStr};

/// The address of a service's own database. The tables lie in its current schema.
#[derive(Clone, PartialEq, Eq)]
pub enum OutboxAddress {
    /// `sqlite:FILE`.
    Sqlite {
        /// The file.
        file: PathBuf,
    },
    /// `postgres://…`.
    Postgres {
        /// The URL; it may hold a password.
        url: String,
    },
    /// `mysql://…`, also for MariaDB.
    MySql {
        /// The URL; it may hold a password.
        url: String,
    },
}

/// The address names no database that is supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the address of an outbox is sqlite:FILE, postgres://user@host/database or mysql://user@host/database")]
pub struct AddressError;

impl FromStr for OutboxAddress {
    type Err = AddressError;

    fn from_str(address: &str) -> Result<Self, AddressError> {
        let url = address.to_owned();
        match address.split_once(':') {
            Some(("sqlite", file)) if !file.is_empty() => Ok(Self::Sqlite { file: file.into() }),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => Ok(Self::Postgres { url }),
            Some(("mysql" | "mariadb", rest)) if rest.starts_with("//") => {
                Ok(Self::MySql { url: format!("mysql:{rest}") })
            }
            _ => Err(AddressError),
        }
    }
}

/// Without user and password.
impl fmt::Display for OutboxAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |url: &str| {
            let rest = url.split_once("//").map_or("", |(_, rest)| rest);
            let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
            place.split('?').next().unwrap_or(place).to_owned()
        };
        match self {
            Self::Sqlite { file } => write!(f, "sqlite:{}", file.display()),
            Self::Postgres { url } => write!(f, "postgres://{}", place(url)),
            Self::MySql { url } => write!(f, "mysql://{}", place(url)),
        }
    }
}

impl fmt::Debug for OutboxAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_secrets() {
        let shown = |text: &str| text.parse::<OutboxAddress>().map(|address| address.to_string());
        assert_eq!(shown("postgres://u:p@h:5432/d?password=x").as_deref(), Ok("postgres://h:5432/d"));
        assert_eq!(shown("mariadb://u:p@h/d").as_deref(), Ok("mysql://h/d"));
        assert_eq!(shown("sqlite:a/lms.db").as_deref(), Ok("sqlite:a/lms.db"));
        assert_eq!(shown("sqlite:"), Err(AddressError));
        assert_eq!(shown("oracle://h"), Err(AddressError));
    }
}
