//! Reads the catalogue and the schemas of its event types.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::avro::{self, Record};
use super::catalog::{self, Catalog};
use super::names::TypeName;

pub struct Loaded {
    pub catalog: Catalog,
    /// In the order of the catalogue.
    pub types: Vec<EventType>,
    /// Every schema file, by its path under `schemas/`.
    pub avsc: BTreeMap<PathBuf, Value>,
}

pub struct EventType {
    /// The index in the catalogue.
    pub index: usize,
    pub name: TypeName,
    /// Oldest first, never empty.
    pub versions: Vec<Version>,
}

pub struct Version {
    pub minor: u32,
    pub json: Value,
    pub record: Rc<Record>,
}

impl Loaded {
    pub fn entry(&self, event: &EventType) -> &catalog::Event {
        &self.catalog.events[event.index]
    }
}

impl EventType {
    pub fn newest(&self) -> &Version {
        self.versions.last().expect("an event type has a version")
    }
}

pub fn load(schemas: &Path) -> Result<Loaded> {
    let path = schemas.join("catalog.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let catalog: Catalog = toml::from_str(&text).context("schemas/catalog.toml")?;
    let mut avsc = BTreeMap::new();
    read_folder(schemas, Path::new("avro"), &mut avsc)?;

    let mut types: Vec<EventType> = Vec::new();
    for (index, event) in catalog.events.iter().enumerate() {
        let name = TypeName::parse(&event.name)?;
        if types.iter().any(|other| other.name == name) {
            bail!("{}: twice in the catalogue", event.name);
        }
        let versions = versions(&name, &avsc).with_context(|| event.name.clone())?;
        types.push(EventType { index, name, versions });
    }
    for path in avsc.keys() {
        let folder = path.parent().unwrap_or(path);
        ensure!(
            types.iter().any(|event| Path::new(&event.name.folder()) == folder),
            "{}: no event type in the catalogue",
            path.display()
        );
    }
    Ok(Loaded { catalog, types, avsc })
}

fn versions(name: &TypeName, avsc: &BTreeMap<PathBuf, Value>) -> Result<Vec<Version>> {
    let folder = PathBuf::from(name.folder());
    let mut versions = Vec::new();
    for (path, json) in avsc.iter().filter(|(path, _)| path.parent() == Some(&folder)) {
        let version = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.split_once('.'));
        let version = version.and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse().ok()?)));
        let (major, minor) = version.with_context(|| format!("{}: not <major>.<minor>.avsc", path.display()))?;
        if major == name.major {
            let record = avro::parse(json).with_context(|| path.display().to_string())?;
            versions.push(Version { minor, json: json.clone(), record });
        }
    }
    versions.sort_by_key(|version| version.minor);
    ensure!(!versions.is_empty(), "no schema in schemas/{}", folder.display());
    Ok(versions)
}

fn read_folder(schemas: &Path, folder: &Path, avsc: &mut BTreeMap<PathBuf, Value>) -> Result<()> {
    for entry in fs::read_dir(schemas.join(folder)).with_context(|| format!("read schemas/{}", folder.display()))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            read_folder(schemas, &path, avsc)?;
        } else {
            let text = fs::read_to_string(entry.path())?;
            let json = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
            avsc.insert(path, json);
        }
    }
    Ok(())
}
