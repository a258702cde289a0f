//! The files of `schemas/src/generated/`: `mod.rs`, `topics.rs` and one file a domain, with a submodule for
//! each older minor version.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::avro::Record;
use super::event;
use super::load::{EventType, Loaded, Version};
use super::names::constant;
use super::personal::{self, Marks};
use super::record::{self, Scope};
use super::topics;

type Files = BTreeMap<PathBuf, String>;

/// The text of every generated file, by its path under `schemas/`.
pub fn render(loaded: &Loaded) -> Result<Files> {
    let mut domains: BTreeMap<&str, Vec<&EventType>> = BTreeMap::new();
    for event in &loaded.types {
        domains.entry(&event.name.domain).or_default().push(event);
    }
    let mut files = Files::new();
    let used = RefCell::new(BTreeSet::new());
    for (domain, events) in &domains {
        let marks = personal::marks(loaded, events)?;
        let domain = Domain { loaded, name: domain, events, marks, used: &used };
        domain.render(&mut files).with_context(|| format!("domain {}", domain.name))?;
    }
    for key in loaded.catalog.docs.keys() {
        ensure!(used.borrow().contains(key), "[docs]: {key} is not used");
    }
    insert(&mut files, "topics.rs", "The topics of the catalogue.", topics::items(loaded))?;
    let modules = domains.keys().map(|domain| {
        let name = format_ident!("{domain}");
        quote!(pub mod #name;)
    });
    let events = loaded.types.iter().map(|event| {
        let (domain, name) = (format_ident!("{}", event.name.domain), format_ident!("{}", event.name.static_name()));
        quote!(&#domain::#name)
    });
    let topics = loaded.catalog.topics.keys().map(|topic| format_ident!("{}", constant(topic)));
    let items = modules.chain([
        quote!(
            mod topics;
        ),
        quote!(
            use crate::event::EventType;
        ),
        quote!(
            use crate::topic::Topic;
        ),
        quote!(pub(crate) static EVENTS: &[&EventType] = &[#(#events),*];),
        quote!(pub(crate) static TOPICS: &[&Topic] = &[#(&topics::#topics),*];),
    ]);
    insert(&mut files, "mod.rs", "The event types of the catalogue.", items.collect())?;
    Ok(files)
}

struct Domain<'a> {
    loaded: &'a Loaded,
    name: &'a str,
    events: &'a [&'a EventType],
    marks: Marks,
    /// The keys of `[docs]` that are used.
    used: &'a RefCell<BTreeSet<String>>,
}

impl Domain<'_> {
    fn render(&self, files: &mut Files) -> Result<()> {
        let newest = self.events.iter().map(|event| (*event, event.newest())).collect::<Vec<_>>();
        let shared = shared_records(&newest)?;
        let mut items = vec![
            quote!(
                use std::sync::LazyLock;
            ),
            quote!(
                use serde::{Deserialize, Serialize};
            ),
            quote!(
                use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
            ),
            quote!(
                use crate::key::{Key, OrderKey};
            ),
            quote!(
                use crate::writer::WriterSchema;
            ),
            quote!(
                use super::topics;
            ),
        ];
        let mut older: BTreeMap<(u32, u32), Vec<(&EventType, &Version)>> = BTreeMap::new();
        for event in self.events {
            for version in &event.versions[..event.versions.len() - 1] {
                older.entry((event.name.major, version.minor)).or_default().push((event, version));
            }
        }
        for (major, minor) in older.keys() {
            let module = format_ident!("v{major}_{minor}");
            items.push(quote!(pub mod #module;));
        }
        let path_of = |record: &Record| ident(&record.name);
        self.structs(&newest, &shared, &path_of, &mut items)?;
        for event in self.events {
            items.extend(event::schemas(event));
            items.push(event::newest(self.loaded, event)?);
        }
        insert(files, &format!("{}.rs", self.name), &format!("Events of the domain `{}`.", self.name), items)?;
        older.iter().try_for_each(|((major, minor), events)| self.older(*major, *minor, events, &shared, files))
    }

    fn older(
        &self,
        major: u32,
        minor: u32,
        events: &[(&EventType, &Version)],
        shared: &[Rc<Record>],
        files: &mut Files,
    ) -> Result<()> {
        let (same, own): (Vec<_>, Vec<_>) =
            shared_records(events)?.into_iter().partition(|record| shared.contains(record));
        let mut items = vec![
            quote!(
                use std::sync::LazyLock;
            ),
            quote!(
                use serde::{Deserialize, Serialize};
            ),
            quote!(
                use crate::event::{Event, EventType};
            ),
            quote!(
                use crate::key::{Key, OrderKey};
            ),
            quote!(
                use crate::writer::WriterSchema;
            ),
        ];
        let path_of = |record: &Record| {
            let name = ident(&record.name);
            if same.iter().any(|other| other.name == record.name) { quote!(super::#name) } else { name }
        };
        self.structs(events, &own, &path_of, &mut items)?;
        items.extend(events.iter().map(|(event, version)| event::older(event, version)));
        let path = format!("{}/v{major}_{minor}.rs", self.name);
        insert(files, &path, &format!("Minor version {major}.{minor} of events that have a newer one."), items)
    }

    fn structs(
        &self,
        events: &[(&EventType, &Version)],
        shared: &[Rc<Record>],
        path_of: &dyn Fn(&Record) -> TokenStream,
        items: &mut Vec<TokenStream>,
    ) -> Result<()> {
        let docs = |key: &str| {
            let doc = self.loaded.catalog.docs.get(key)?;
            self.used.borrow_mut().insert(key.to_owned());
            Some(doc.clone())
        };
        let scope = Scope { domain: self.name, marks: &self.marks, docs: &docs, path_of };
        for (event, version) in events {
            let (name, entry) = (event.name.type_name(), self.loaded.entry(event));
            let doc = format!("{}\n\n`{}` on the topic `{}`.", entry.description, entry.name, entry.topic);
            items.extend(record::render(&scope, &version.record, &name, &doc)?);
            items.push(event::implementation(self.loaded, event, version)?);
        }
        for record in shared {
            let doc = record::doc_of(&scope, record);
            let doc =
                doc.with_context(|| format!("{} has no doc, neither in the schema nor in [docs]", record.name))?;
            items.extend(record::render(&scope, record, &record.name, &doc)?);
        }
        Ok(())
    }
}

/// The records inside events, each once. One name is one shape within a domain, and not an event's.
fn shared_records(events: &[(&EventType, &Version)]) -> Result<Vec<Rc<Record>>> {
    let mut shared: Vec<Rc<Record>> = Vec::new();
    let mut names = BTreeSet::new();
    for (event, version) in events {
        ensure!(names.insert(event.name.type_name()), "two events are named {}", event.name.type_name());
        let mut found = Vec::new();
        version.record.fields.iter().filter_map(|field| field.ty.record()).for_each(|record| record.visit(&mut found));
        for record in found {
            match shared.iter().find(|other| other.name == record.name) {
                None => shared.push(Rc::clone(record)),
                Some(other) if other == record => {}
                Some(_) => bail!("record {} has another shape in {}", record.name, event.name.event),
            }
        }
    }
    for record in &shared {
        ensure!(!names.contains(&record.name), "{} is an event and a record", record.name);
    }
    Ok(shared)
}

fn ident(name: &str) -> TokenStream {
    let ident = format_ident!("{name}");
    quote!(#ident)
}

/// Formats the items, a blank line between those that are not one line each.
fn insert(files: &mut Files, path: &str, doc: &str, items: Vec<TokenStream>) -> Result<()> {
    let mut text = format!(
        "//! {doc}\n//!\n//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.\n\n"
    );
    let mut previous_is_line = true;
    for item in items {
        let item = prettyplease::unparse(&syn::parse2(item).with_context(|| format!("render {path}"))?);
        let is_line = item.lines().count() == 1;
        let apart = !(is_line && previous_is_line);
        if apart && !text.ends_with("\n\n") {
            text.push('\n');
        }
        previous_is_line = is_line;
        text.push_str(&item);
    }
    files.insert(Path::new("src/generated").join(path), text);
    Ok(())
}
