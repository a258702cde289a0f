//! Statements as PostgreSQL takes them, in MySQL's words: `?` for each parameter, in the order in which it stands, and what
//! else it calls by another name.

use sqlx::{
    AssertSqlSafe, Executor, MySql,
    mysql::{MySqlArguments, MySqlQueryResult, MySqlRow},
    query::Query,
};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// A statement with parameters that it owns. `$N` may stand in any order and more than once; so MySQL's own `query` could not
/// be bound to as the others are.
pub(super) struct Sql {
    text: String,
    parameters: Vec<Parameter>,
}

/// A parameter.
#[derive(Clone)]
pub(super) enum Parameter {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Time(OffsetDateTime),
}

macro_rules! parameter {
    ($($from:ty => $value:ident $to:expr),+ $(,)?) => {
        $(impl From<$from> for Parameter {
            fn from($value: $from) -> Self {
                $to
            }
        })+
    };
}

parameter! {
    bool => value Self::Bool(value),
    i32 => value Self::Int(value.into()),
    i64 => value Self::Int(value),
    f64 => value Self::Float(value),
    &str => value Self::Text(value.to_owned()),
    String => value Self::Text(value),
    Vec<u8> => value Self::Bytes(value),
    OffsetDateTime => value Self::Time(value),
}

impl<T: Into<Self>> From<Option<T>> for Parameter {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A statement, to which parameters are bound.
pub(super) fn query(text: impl Into<String>) -> Sql {
    Sql { text: text.into(), parameters: Vec::new() }
}

impl Sql {
    pub(super) fn bind(mut self, parameter: impl Into<Parameter>) -> Self {
        self.parameters.push(parameter.into());
        self
    }

    pub(super) async fn execute<'c>(
        self,
        on: impl Executor<'c, Database = MySql>,
    ) -> Result<MySqlQueryResult, sqlx::Error> {
        self.translated().execute(on).await
    }

    pub(super) async fn fetch_all<'c>(
        self,
        on: impl Executor<'c, Database = MySql>,
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        self.translated().fetch_all(on).await
    }

    pub(super) async fn fetch_one<'c>(self, on: impl Executor<'c, Database = MySql>) -> Result<MySqlRow, sqlx::Error> {
        self.translated().fetch_one(on).await
    }

    pub(super) async fn fetch_optional<'c>(
        self,
        on: impl Executor<'c, Database = MySql>,
    ) -> Result<Option<MySqlRow>, sqlx::Error> {
        self.translated().fetch_optional(on).await
    }

    fn translated(self) -> Query<'static, MySql, MySqlArguments> {
        let (text, order) = translate(&self.text);
        let query = sqlx::query(AssertSqlSafe(text));
        if order.is_empty() {
            return self.parameters.into_iter().fold(query, add);
        }
        order.into_iter().fold(query, |query, number| add(query, self.parameters[number - 1].clone()))
    }
}

fn add(query: Query<'static, MySql, MySqlArguments>, parameter: Parameter) -> Query<'static, MySql, MySqlArguments> {
    match parameter {
        Parameter::Null => query.bind(None::<String>),
        Parameter::Bool(value) => query.bind(value),
        Parameter::Int(value) => query.bind(value),
        Parameter::Float(value) => query.bind(value),
        Parameter::Text(value) => query.bind(value),
        Parameter::Bytes(value) => query.bind(value),
        // As a moment of a zone it would be a TIMESTAMP, of which there are none before 1970 and after 2038.
        Parameter::Time(value) => {
            let value = value.to_offset(UtcOffset::UTC);
            query.bind(PrimitiveDateTime::new(value.date(), value.time()))
        }
    }
}

/// The statement, and which parameter each `?` stands for; none where the statement has `?` itself.
///
/// `partition` is a reserved word, `BIGINT` in a cast is `SIGNED`, and a conflict is left alone by setting a column to what it
/// is: `INSERT IGNORE` would cut off what is too long as well.
fn translate(text: &str) -> (String, Vec<usize>) {
    let text = text
        .replace("AS BIGINT)", "AS SIGNED)")
        .replace("ON CONFLICT DO NOTHING", "ON DUPLICATE KEY UPDATE consumer_group = consumer_group");
    let (mut translated, mut order) = (String::with_capacity(text.len() + 16), Vec::new());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = match first {
            '"' | '\'' => rest[1..].find(first).map_or(rest.len(), |at| at + 2),
            '$' => 1 + rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        match (token, token.strip_prefix('$').and_then(|number| number.parse().ok())) {
            (_, Some(number)) => {
                order.push(number);
                translated.push('?');
            }
            ("partition", _) => translated.push_str("\"partition\""),
            _ => translated.push_str(token),
        }
    }
    (translated, order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{held, sql};

    #[test]
    fn parameters_stand_where_they_stood() {
        let check =
            |text, expected: &str, order: &[usize]| assert_eq!(translate(text), (expected.to_owned(), order.to_vec()));
        check("SELECT 1", "SELECT 1", &[]);
        check("a = $2 AND b = $1 OR c = $2", "a = ? AND b = ? OR c = ?", &[2, 1, 2]);
        check("a = $10", "a = ?", &[10]);
        check("x.partition = $1, partitions, 'partition $1'", "x.\"partition\" = ?, partitions, 'partition $1'", &[1]);
        check("CAST($1 AS BIGINT)", "CAST(? AS SIGNED)", &[1]);
        let advance = translate(sql::ADVANCE);
        assert_eq!(advance.1, [5, 1, 2, 3, 4, 5]);
        assert!(translate(held::INSERT).0.ends_with("ON DUPLICATE KEY UPDATE consumer_group = consumer_group"));
    }
}
