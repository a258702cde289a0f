//! What lint and check find: for people, for programs, and for CI systems. Exit 3 when there is something.

use std::{path::Path, process::ExitCode};

use coursebus_registry_tools::contracts::Finding;
use serde_json::json;

use crate::{
    context::Global,
    failure::Failure,
    output::{self, Choice},
};

/// Prints findings about the contracts in a folder.
pub fn report(global: &Global, what: &str, folder: &Path, findings: &[Finding]) -> Result<ExitCode, Failure> {
    let files: Vec<Option<String>> = findings.iter().map(|finding| file(folder, finding)).collect();
    let rows: Vec<(&Finding, Option<&str>)> = findings.iter().zip(files.iter().map(Option::as_deref)).collect();
    let text = match global.choice {
        Choice::Table => table(&rows),
        Choice::Json => json(&rows),
        Choice::Junit => junit(what, &rows),
        Choice::Github => github(&rows),
    };
    if !text.is_empty() {
        output::print(&text)?;
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

type Row<'a> = (&'a Finding, Option<&'a str>);

/// The file as it is seen from here.
fn file(folder: &Path, finding: &Finding) -> Option<String> {
    finding.file.as_ref().map(|file| folder.join(file).display().to_string())
}

fn table(rows: &[Row<'_>]) -> String {
    if rows.is_empty() {
        return "nothing found".to_owned();
    }
    let line = |(finding, file): &Row<'_>| {
        let line = finding.line.map_or(String::new(), |line| format!(":{line}"));
        let place = file.map_or_else(|| finding.event.clone(), |file| format!("{file}{line}"));
        format!("{place}: {} [{}]\n   of: {}", finding.message, finding.rule, finding.event)
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    let s = if rows.len() == 1 { "" } else { "s" };
    format!("{}\n{} finding{s}; docs/contracts.md has a part for each rule", lines.join("\n"), rows.len())
}

fn json(rows: &[Row<'_>]) -> String {
    let rows = rows.iter().map(|(finding, file)| {
        let Finding { rule, event, line, message, .. } = finding;
        json!({"rule": rule, "event": event, "file": file, "line": line, "message": message})
    });
    serde_json::Value::from_iter(rows).to_string()
}

/// A test case a finding, as CI systems read it; one that passes when nothing was found.
fn junit(what: &str, rows: &[Row<'_>]) -> String {
    let case = |(finding, file): &Row<'_>| {
        let line = finding.line.map_or(String::new(), |line| format!(" line=\"{line}\""));
        let file = file.map_or(String::new(), |file| format!(" file=\"{}\"", xml(file)));
        format!(
            "    <testcase classname=\"{}\" name=\"{}\"{file}{line}><failure type=\"{}\" message=\"{}\"/></testcase>\n",
            xml(&finding.event),
            xml(finding.rule),
            xml(finding.rule),
            xml(&finding.message)
        )
    };
    let cases: String = rows.iter().map(case).collect();
    let none = format!("    <testcase classname=\"{what}\" name=\"nothing found\"/>\n");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{what}\" tests=\"{}\" failures=\"{}\">\n{}  </testsuite>\n</testsuites>",
        rows.len().max(1),
        rows.len(),
        if rows.is_empty() { none } else { cases }
    )
}

/// Commands that GitHub's runner makes annotations of.
fn github(rows: &[Row<'_>]) -> String {
    let line = |(finding, file): &Row<'_>| {
        let file = file.map_or(String::new(), |file| format!("file={},", property(file)));
        let line = finding.line.map_or(String::new(), |line| format!("line={line},"));
        let message = format!("{} ({})", finding.message, finding.event);
        format!("::error {file}{line}title={}::{}", property(finding.rule), data(&message))
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn xml(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    // XML 1.0 has no other control characters, not even escaped.
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_says_all_and_escapes_it() {
        let finding = Finding {
            rule: "doc",
            event: "coursebus.a.b.done.v1".to_owned(),
            file: Some("avro/a,b.avsc".to_owned()),
            line: Some(3),
            message: "<x> & \"y\": 100%\nz".to_owned(),
        };
        let rows = [(&finding, Some("schemas/avro/a,b.avsc"))];
        assert_eq!(
            github(&rows),
            "::error file=schemas/avro/a%2Cb.avsc,line=3,title=doc::<x> & \"y\": 100%25%0Az (coursebus.a.b.done.v1)"
        );
        let junit = junit("schema lint", &rows);
        assert!(junit.contains("<testsuite name=\"schema lint\" tests=\"1\" failures=\"1\">"), "{junit}");
        assert!(junit.contains("message=\"&lt;x&gt; &amp; &quot;y&quot;: 100%\nz\""), "{junit}");
        assert!(table(&rows).starts_with("schemas/avro/a,b.avsc:3: <x>"));
        assert!(json(&rows).contains("\"line\":3"));
        assert_eq!((github(&[]).as_str(), json(&[]).as_str()), ("", "[]"));
        assert!(super::junit("schema lint", &[]).contains("tests=\"1\" failures=\"0\""));
    }
}
