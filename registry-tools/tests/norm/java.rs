//! Java Avro in a process beside the test: questions and answers as lines.
#![allow(clippy::disallowed_methods, reason = "tests read the environment that `cargo xtask test` sets")]

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

/// Where the jars are: set by `cargo xtask test`.
const JARS: &str = "COURSEBUS_AVRO_JARS";
/// Questions under way at a time: few enough that neither pipe fills with both sides waiting.
const BATCH: usize = 16;

pub struct Java {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Java {
    /// Starts it; `None`, said aloud, where there are no jars.
    ///
    /// # Panics
    /// Under `CI=true`, when there are none.
    pub fn start() -> Option<Self> {
        let Some(jars) = std::env::var(JARS).ok().filter(|jars| !jars.is_empty()) else {
            let line = format!("SKIPPED comparing with Java Avro: {JARS} is not set (cargo xtask test sets it)");
            let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
            let ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false" && ci != "0");
            assert!(!ci, "{line}");
            return None;
        };
        let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/norm/Norm.java");
        let mut command = Command::new("java");
        command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx384m", "-Xss1m", "-cp"]);
        command.arg(format!("{jars}/*")).arg(program).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("java 17 runs");
        let questions = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Some(Self { child, questions, answers })
    }

    /// Asks the checker about pairs of reader and writer.
    pub fn check(&mut self, pairs: &[(String, String)]) -> Vec<Verdict> {
        let questions = pairs.iter().map(|(reader, writer)| json!({"reader": reader, "writer": writer}));
        self.ask(questions.collect()).into_iter().map(Verdict::from).collect()
    }

    /// Whether its reader reads each datum, and why not the first that it does not.
    pub fn read(&mut self, reader: &str, writer: &str, data: &[Vec<u8>]) -> (Vec<bool>, Option<String>) {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let data: Vec<String> = data.iter().map(|datum| STANDARD.encode(datum)).collect();
        let answers = self.ask(vec![json!({"reader": reader, "writer": writer, "data": data})]);
        let answer = &answers[0];
        let read = answer["read"].as_array().map(|read| read.iter().map(|one| one == &json!(true)).collect());
        let why = answer["why"].as_str().or_else(|| answer["error"].as_str()).map(str::to_owned);
        (read.unwrap_or_default(), why)
    }

    fn ask(&mut self, questions: Vec<Value>) -> Vec<Value> {
        let mut answers = Vec::with_capacity(questions.len());
        for batch in questions.chunks(BATCH) {
            let text: String = batch.iter().map(|question| format!("{question}\n")).collect();
            self.questions.write_all(text.as_bytes()).and_then(|()| self.questions.flush()).expect("java listens");
            for _ in batch {
                let mut line = String::new();
                self.answers.read_line(&mut line).expect("java answers");
                answers.push(serde_json::from_str(&line).expect("an answer"));
            }
        }
        answers
    }
}

impl Drop for Java {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What Java's checker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `Err`: it threw.
    pub compatible: Result<bool, String>,
    /// The kinds of the differences, sorted, each once.
    pub kinds: Vec<String>,
}

impl From<Value> for Verdict {
    fn from(answer: Value) -> Self {
        let compatible = match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["compatible"] == json!(true)),
        };
        let kinds = answer["kinds"].as_array().into_iter().flatten();
        let mut kinds: Vec<String> = kinds.filter_map(|kind| kind.as_str().map(str::to_owned)).collect();
        kinds.sort();
        kinds.dedup();
        Self { compatible, kinds }
    }
}
