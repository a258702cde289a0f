//! `docs/catalogue.md`: the catalogue for readers.

use std::fmt::Write;

use super::catalog::{Cleanup, Event, Flow, Topic};
use super::load::Loaded;

/// Where it is, from `schemas/`.
pub const PATH: &str = "../docs/catalogue.md";

const HEAD: &str = "\
# The catalogue
Written by `cargo xtask codegen` from `schemas/catalog.toml`, and held by its check: edit that. Fields and their meaning:
`coursebus event show TYPE`. Why these types: [ADR 0016](adr/0016-catalogue-of-own-types.md). How a service emits them:
[adapters.md](adapters.md).

Names that begin with `org.openedx` are Open edX's, with their fields unchanged; the others are ours.
";

/// The text of the page: flows with their types, then topics with theirs.
pub fn render(loaded: &Loaded) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## What the flows read\n| # | flow | from → to | types |\n|---|---|---|---|\n");
    for flow in &loaded.catalog.flows {
        page.push_str(&flow_row(flow, &loaded.catalog.events));
    }
    page.push_str("\n## Topics and their types\n");
    for (name, topic) in &loaded.catalog.topics {
        let events: Vec<&Event> = loaded.catalog.events.iter().filter(|event| event.topic == *name).collect();
        page.push_str(&topic_section(name, topic, &events));
    }
    page
}

fn flow_row(flow: &Flow, events: &[Event]) -> String {
    let types = events.iter().filter(|event| event.flows.contains(&flow.number));
    let types: Vec<String> = types.map(|event| format!("`{}`", event.name)).collect();
    format!("| {} | {} | {} | {} |\n", flow.number, flow.name, flow.way, types.join("<br>"))
}

fn topic_section(name: &str, topic: &Topic, events: &[&Event]) -> String {
    let partitioner = format!("{:?}", topic.partitioner).to_lowercase();
    let kept = match (topic.cleanup, topic.retention_days) {
        (Cleanup::Compact, _) => "the last record of a key is kept".to_owned(),
        (Cleanup::Delete, Some(days)) => format!("kept {days} days"),
        (Cleanup::Delete, None) => "kept for ever".to_owned(),
    };
    let mut text =
        format!("\n### {name}\n{} {} partitions, {partitioner}, {kept}.\n\n", topic.description, topic.partitions);
    text.push_str("| type | of | key | order | personal | |\n|---|---|---|---|---|---|\n");
    for event in events {
        let order = if event.order_by.is_empty() { String::new() } else { code(&event.order_by) };
        let (key, personal) = (code(std::slice::from_ref(&event.key)), code(&event.personal_data));
        let (name, owner, description) = (&event.name, &event.owner, &event.description);
        writeln!(text, "| `{name}` | {owner} | {key} | {order} | {personal} | {description} |").expect("text grows");
    }
    text
}

fn code(paths: &[String]) -> String {
    paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
}
