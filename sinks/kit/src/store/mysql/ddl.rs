//! A sink's migrations, written once with PostgreSQL's type names, in MySQL's words. Pure.
//!
//! What a migration may hold: `CREATE TABLE` with a key, `CREATE INDEX`, `ALTER TABLE … ADD COLUMN`, and statements that need
//! no translation.

use crate::{Kind, Table};

/// Characters that an index can hold: 3,072 bytes, of which some are for numbers beside the text.
const INDEXED_CHARS: usize = 760;
/// Of a text that an index is on, but the key is not.
const PREFIX_CHARS: usize = 190;
/// Text without a length.
const LONG: &str = "LONGTEXT";

/// What stands behind a `CREATE TABLE`: text is compared byte by byte, trailing blanks included.
pub(super) fn table_options(collation: &str) -> String {
    format!("ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE {collation}")
}

/// Translates all statements of one migration. Comments go.
pub(super) fn translate(sql: &str, tables: &[&Table], collation: &str) -> String {
    let without_comments: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let text = without_comments.join("\n");
    let statements = text.split(';').map(str::trim).filter(|statement| !statement.is_empty());
    statements.map(|statement| format!("{};\n", translate_one(statement, tables, collation))).collect()
}

fn translate_one(statement: &str, tables: &[&Table], collation: &str) -> String {
    let words: Vec<String> = statement.split_whitespace().take(3).map(str::to_uppercase).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["CREATE", "TABLE", ..] => create_table(statement, collation),
        ["CREATE", "INDEX", ..] | ["CREATE", "UNIQUE", "INDEX"] => create_index(statement, tables),
        ["ALTER", "TABLE", ..] => types(statement, LONG),
        _ => statement.to_owned(),
    }
}

/// Text of the key has a length, all other text has none. What a killed process has made is met again.
fn create_table(statement: &str, collation: &str) -> String {
    let Some((head, rest)) = statement.split_once('(') else { return statement.to_owned() };
    let Some((body, _)) = rest.rsplit_once(')') else { return statement.to_owned() };
    let parts = top_level(body);
    let key = key_columns(&parts);
    let is_text_key = |part: &str| {
        let mut words = part.split_whitespace();
        words.next().is_some_and(|name| key.iter().any(|k| k == name)) && words.next().is_some_and(is_text)
    };
    let chars = INDEXED_CHARS / parts.iter().filter(|part| is_text_key(part)).count().max(1);
    let translated = parts.iter().map(|part| {
        let text = if is_text_key(part) { format!("VARCHAR({chars})") } else { LONG.to_owned() };
        quote_name(&types(part, &text))
    });
    let body = translated.collect::<Vec<_>>().join(",\n    ");
    let head = head.to_owned();
    let head = if head.to_uppercase().contains("IF NOT EXISTS") { head } else { add_if_not_exists(&head) };
    format!("{head}(\n    {body}\n) {}", table_options(collation))
}

fn add_if_not_exists(head: &str) -> String {
    let name = head.split_whitespace().last().unwrap_or_default();
    format!("CREATE TABLE IF NOT EXISTS {name} ")
}

/// Without a condition, which MySQL's indexes do not have; of long text the beginning.
fn create_index(statement: &str, tables: &[&Table]) -> String {
    let Some((head, rest)) = statement.split_once('(') else { return statement.to_owned() };
    let Some((columns, _)) = rest.split_once(')') else { return statement.to_owned() };
    let table = head.split_whitespace().last().unwrap_or_default();
    let long = |name: &str| {
        let table = tables.iter().find(|t| t.name == table);
        table.is_some_and(|t| t.columns.iter().any(|c| c.name == name && c.kind == Kind::Text))
    };
    let columns = columns.split(',').map(|column| {
        let mut words = column.split_whitespace();
        let name = words.next().unwrap_or_default();
        let prefix = if long(name) { format!("({PREFIX_CHARS})") } else { String::new() };
        [format!("`{name}`{prefix}")].into_iter().chain(words.map(str::to_owned)).collect::<Vec<_>>().join(" ")
    });
    format!("{head}({})", columns.collect::<Vec<_>>().join(", "))
}

/// The columns of `PRIMARY KEY` and `UNIQUE`, at their column or behind all of them.
fn key_columns(parts: &[String]) -> Vec<String> {
    let mut key = Vec::new();
    for part in parts {
        let upper = part.to_uppercase();
        if !upper.contains("PRIMARY KEY") && !upper.contains("UNIQUE") {
            continue;
        }
        let listed = part.split_once('(').and_then(|(_, list)| list.rsplit_once(')')).map(|(list, _)| list);
        match listed.filter(|_| is_constraint(&upper)) {
            Some(list) => key.extend(list.split(',').map(|name| name.trim().to_owned())),
            None => key.extend(part.split_whitespace().next().map(str::to_owned)),
        }
    }
    key
}

fn is_constraint(upper: &str) -> bool {
    ["PRIMARY", "UNIQUE", "CHECK", "CONSTRAINT", "FOREIGN"].iter().any(|word| upper.starts_with(word))
}

/// A column may be called as a word that MySQL reserves.
fn quote_name(part: &str) -> String {
    let upper = part.to_uppercase();
    if upper.starts_with("PRIMARY KEY") || upper.starts_with("UNIQUE (") {
        let Some((word, list)) = part.split_once('(') else { return part.to_owned() };
        let names = list.trim_end_matches(')').split(',').map(|name| format!("`{}`", name.trim()));
        return format!("{word}({})", names.collect::<Vec<_>>().join(", "));
    }
    match part.split_once(char::is_whitespace) {
        Some((name, rest)) if !is_constraint(&upper) => format!("`{name}` {rest}"),
        _ => part.to_owned(),
    }
}

/// Type names; `text` for `TEXT`.
fn types(part: &str, text: &str) -> String {
    let words = part.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let word = |piece: &str| {
        let end = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_').len();
        let (word, separator) = piece.split_at(end);
        let word = match word {
            word if is_text(word) => text,
            word if word.eq_ignore_ascii_case("TIMESTAMPTZ") => "DATETIME(6)",
            word if word.eq_ignore_ascii_case("BYTEA") => "LONGBLOB",
            word => word,
        };
        format!("{word}{separator}")
    };
    words.map(word).collect()
}

fn is_text(word: &str) -> bool {
    word.trim_end_matches(',') == "TEXT"
}

/// What stands between commas that are in no brackets.
fn top_level(body: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0_i32);
    for c in body.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if c == ',' && depth == 0 {
            parts.push(std::mem::take(&mut part).trim().to_owned());
        } else {
            part.push(c);
        }
    }
    parts.push(part.trim().to_owned());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    fn check(sql: &str, expected: &str) {
        static TABLE: Table = Table {
            name: "things",
            key: &[Column { name: "place", kind: Kind::Text }],
            columns: &[Column { name: "label", kind: Kind::Text }, Column { name: "count", kind: Kind::Int }],
        };
        assert_eq!(translate(sql, &[&TABLE], "c"), expected);
    }

    #[test]
    fn a_table_is_made_in_mysql_s_words() {
        check(
            "-- why; and more\nCREATE TABLE things (place TEXT NOT NULL, number BIGINT NOT NULL, label TEXT CHECK (label <> 'x'),
                at TIMESTAMPTZ, rank BYTEA, PRIMARY KEY (place, number));",
            "CREATE TABLE IF NOT EXISTS things (\n    `place` VARCHAR(760) NOT NULL,\n    `number` BIGINT NOT NULL,\n    \
             `label` LONGTEXT CHECK (label <> 'x'),\n    `at` DATETIME(6),\n    `rank` LONGBLOB,\n    \
             PRIMARY KEY (`place`, `number`)\n) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE c;\n",
        );
        check(
            "CREATE TABLE pair (a TEXT, b TEXT, c TEXT UNIQUE, PRIMARY KEY (a, b))",
            "CREATE TABLE IF NOT EXISTS pair (\n    `a` VARCHAR(253),\n    `b` VARCHAR(253),\n    `c` VARCHAR(253) UNIQUE,\n    \
             PRIMARY KEY (`a`, `b`)\n) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE c;\n",
        );
        check(
            "CREATE TABLE one (uuid TEXT PRIMARY KEY, text TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS one (\n    `uuid` VARCHAR(760) PRIMARY KEY,\n    `text` LONGTEXT NOT NULL\n) \
             ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE c;\n",
        );
    }

    #[test]
    fn an_index_of_long_text_is_on_its_beginning() {
        check(
            "CREATE INDEX by_label ON things (label, count DESC) WHERE count > 0; ALTER TABLE things ADD COLUMN note TEXT;",
            "CREATE INDEX by_label ON things (`label`(190), `count` DESC);\nALTER TABLE things ADD COLUMN note LONGTEXT;\n",
        );
        check("CREATE INDEX by_key ON things (place)", "CREATE INDEX by_key ON things (`place`);\n");
    }
}
