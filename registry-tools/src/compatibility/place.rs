//! Where in a schema something stands: a JSON pointer, and the line of a file. Pure.

use std::{fmt, path::PathBuf};

/// A place in a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The way there through the types, as a JSON pointer in which a named type stands for its definition: `/fields/3/type`.
    /// `/` is the whole schema.
    pub path: String,
    /// The file that the schema came from.
    pub file: Option<PathBuf>,
    /// The line there, from 1, of the definition.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{}:{line}", file.display()),
            (Some(file), None) => write!(f, "{} at {}", file.display(), self.path),
            (None, _) => f.write_str(&self.path),
        }
    }
}

/// The line, from 1, on which the value at a JSON pointer begins. `None` when there is none, or the text is not JSON.
///
/// Pointers here are made of attributes of Avro and of numbers, so nothing in them is escaped.
pub fn line_of(text: &str, pointer: &str) -> Option<usize> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    for segment in pointer.split('/').skip(1).filter(|segment| !segment.is_empty()) {
        match reader.peek()? {
            b'{' => reader.enter_member(segment)?,
            b'[' => reader.enter_element(segment.parse().ok()?)?,
            _ => return None,
        }
    }
    reader.peek()?;
    Some(1 + reader.text[..reader.at].iter().filter(|byte| **byte == b'\n').count())
}

/// Walks over JSON that was parsed before, without making values of it.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.peek()? == expected).then(|| self.at += 1)
    }

    /// Goes to the value of a member. The last one of a name counts, as with every JSON parser here.
    fn enter_member(&mut self, name: &str) -> Option<()> {
        self.take(b'{')?;
        let mut found = None;
        while self.peek()? != b'}' {
            let from = self.at;
            self.skip_string()?;
            let is_it = self.text.get(from + 1..self.at - 1)? == name.as_bytes();
            self.take(b':')?;
            self.peek()?;
            if is_it {
                found = Some(self.at);
            }
            self.skip()?;
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        self.at = found?;
        Some(())
    }

    fn enter_element(&mut self, index: usize) -> Option<()> {
        self.take(b'[')?;
        for _ in 0..index {
            self.skip()?;
            self.take(b',')?;
        }
        (self.peek()? != b']').then_some(())
    }

    fn skip_string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match self.text.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }

    /// Goes past one value, however deep.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    while self.text.get(self.at).is_some_and(|byte| !b",:]}\"[{ \n\r\t".contains(byte)) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn lines_are_found_by_pointer() {
        let text = "{\n \"type\": \"record\",\n \"fields\": [\n  {\"name\": \"a\\\"}\", \"x\": [1, {}],\n   \"type\": [\"null\",\n    \"int\"]},\n  {\n   \"name\": \"b\"}]}";
        for (pointer, line) in [
            ("", Some(1)),
            ("/", Some(1)),
            ("/type", Some(2)),
            ("/fields", Some(3)),
            ("/fields/0", Some(4)),
            ("/fields/0/type", Some(5)),
            ("/fields/0/type/1", Some(6)),
            ("/fields/1", Some(7)),
            ("/fields/1/name", Some(8)),
            ("/fields/2", None),
            ("/nothing", None),
            ("/type/0", None),
        ] {
            assert_eq!(line_of(text, pointer), line, "{pointer}");
        }
        for broken in ["", "{", "{\"a\"", "{\"a\":", "[", "{\"a\":\"", "{\"a\":\"\\", "]", "{]", "{\"b\":1]"] {
            assert_eq!(line_of(broken, "/a"), None, "{broken}");
        }
    }
}
