//! Where a sink's database is: `sqlite:DIR`, `postgres://…` or `mysql://…`.

use std::{fmt, path::PathBuf, str::FromStr};

/// The address of the sinks' databases.
#[derive(Clone, PartialEq, Eq)]
pub enum DbAddress {
    /// A folder with a file `<sink>.db` a sink.
    Sqlite {
        /// The folder.
        dir: PathBuf,
    },
    /// A PostgreSQL database with a schema a sink.
    Postgres {
        /// The URL; it may hold a password.
        url: String,
    },
    /// A MySQL or MariaDB server with a database a sink: `<the URL's>_<sink>`, or `<sink>` where the URL names none.
    Mysql {
        /// The URL; it may hold a password.
        url: String,
    },
}

/// The address names no database that is supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a database address is sqlite:DIR, postgres://user@host/database or mysql://user@host/database")]
pub struct AddressError;

impl FromStr for DbAddress {
    type Err = AddressError;

    fn from_str(address: &str) -> Result<Self, AddressError> {
        match address.split_once(':') {
            Some(("sqlite", dir)) if !dir.is_empty() => Ok(Self::Sqlite { dir: dir.into() }),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres { url: address.to_owned() })
            }
            Some(("mysql" | "mariadb", rest)) if rest.starts_with("//") => Ok(Self::Mysql { url: address.to_owned() }),
            _ => Err(AddressError),
        }
    }
}

/// Without a password.
impl fmt::Display for DbAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { dir } => write!(f, "sqlite:{}", dir.display()),
            Self::Postgres { url } => write!(f, "postgres://{}", place(url)),
            Self::Mysql { url } => write!(f, "mysql://{}", place(url)),
        }
    }
}

/// Host, port and database of a URL.
fn place(url: &str) -> &str {
    let rest = url.split_once("//").map_or("", |(_, rest)| rest);
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    place.split('?').next().unwrap_or(place)
}

impl fmt::Debug for DbAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let shown = |text: &str| text.parse::<DbAddress>().map(|a| a.to_string());
        assert_eq!(shown("postgres://u:secret@h:5432/d?password=x").as_deref(), Ok("postgres://h:5432/d"));
        assert_eq!(shown("sqlite:.x/db").as_deref(), Ok("sqlite:.x/db"));
        assert_eq!(shown("mysql://u:secret@h:3306/d?x=secret").as_deref(), Ok("mysql://h:3306/d"));
        assert_eq!(shown("oracle://h/d"), Err(AddressError));
        assert_eq!(shown("sqlite:"), Err(AddressError));
    }
}
