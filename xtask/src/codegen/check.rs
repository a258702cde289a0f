//! What the catalogue and the schemas must hold together.

use anyhow::{Context, Result, bail, ensure};

use super::avro::{Record, Type};
use super::catalog::{Cleanup, Event, Partitioner};
use super::load::{EventType, Loaded};

/// Checks every rule and reports all that is broken at once.
pub fn check(loaded: &Loaded) -> Result<()> {
    let mut broken = Vec::new();
    for event in &loaded.types {
        let entry = loaded.entry(event);
        let results = [
            envelope(event, entry),
            versions(event),
            keys(event, entry),
            topic(loaded, entry),
            documented(event, entry),
            flows(loaded, entry),
        ];
        broken.extend(results.into_iter().filter_map(Result::err).map(|error| format!("{}: {error:#}", entry.name)));
    }
    for name in loaded.catalog.topics.keys() {
        broken.extend(shared_topic(loaded, name).err().map(|error| format!("topic {name}: {error:#}")));
    }
    for flow in &loaded.catalog.flows {
        let used = loaded.catalog.events.iter().any(|event| event.flows.contains(&flow.number));
        broken.extend((!used).then(|| format!("flow {}: no event type is for it", flow.number)));
    }
    ensure!(broken.is_empty(), "the catalogue and the schemas do not hold together\n{}", broken.join("\n"));
    Ok(())
}

fn envelope(event: &EventType, entry: &Event) -> Result<()> {
    for version in &event.versions {
        ensure!(version.record.name == "CloudEvent", "the record is named {}, not CloudEvent", version.record.name);
        ensure!(version.json["namespace"] == *entry.name, "the namespace is not the event type");
    }
    Ok(())
}

/// A minor version adds fields with defaults and changes nothing else.
fn versions(event: &EventType) -> Result<()> {
    for (minor, version) in (0..).zip(&event.versions) {
        ensure!(version.minor == minor, "minor version {minor} is not there");
    }
    for pair in event.versions.windows(2) {
        extends(&pair[0].record, &pair[1].record).with_context(|| format!("minor version {}", pair[1].minor))?;
    }
    Ok(())
}

fn extends(old: &Record, new: &Record) -> Result<()> {
    for field in &old.fields {
        let newer = new.field(&field.name).with_context(|| format!("{}.{} is gone", old.name, field.name))?;
        ensure!(newer.default == field.default, "the default of {}.{} changed", old.name, field.name);
        same(&field.ty, &newer.ty).with_context(|| format!("{}.{}", old.name, field.name))?;
    }
    for field in &new.fields {
        let added = old.field(&field.name).is_none();
        ensure!(!added || field.default.is_some(), "{}.{} has no default", new.name, field.name);
    }
    Ok(())
}

fn same(old: &Type, new: &Type) -> Result<()> {
    match (old, new) {
        (Type::Record(old), Type::Record(new)) => extends(old, new),
        (Type::Nullable(old), Type::Nullable(new)) | (Type::Array(old), Type::Array(new)) => same(old, new),
        (Type::Map(old), Type::Map(new)) => same(old, new),
        _ => {
            ensure!(old == new, "the type changed");
            Ok(())
        }
    }
}

fn keys(event: &EventType, entry: &Event) -> Result<()> {
    for version in &event.versions {
        let key = version.record.at(&entry.key)?;
        let plain = matches!(key.ty, Type::String | Type::Long | Type::Int | Type::Boolean);
        ensure!(plain, "the key {} is a {}", entry.key, key.ty.describe());
        for path in entry.order_by() {
            key_part(&version.record, path)?;
        }
    }
    ensure!(entry.order_by().contains(&entry.key), "order_by does not hold the key: equal order keys must share it");
    Ok(())
}

/// What a part of an order key is, without its being nullable.
fn key_part(record: &Record, path: &str) -> Result<Type> {
    let field = record.at(path)?;
    let ty = match &field.ty {
        Type::Nullable(inner) => inner,
        ty => ty,
    };
    match ty {
        Type::String | Type::Long | Type::Int | Type::Boolean => Ok(ty.clone()),
        _ => bail!("{path} is a {}, which cannot be ordered by", ty.describe()),
    }
}

fn topic(loaded: &Loaded, entry: &Event) -> Result<()> {
    let topic = loaded.catalog.topics.get(&entry.topic).with_context(|| format!("no topic {}", entry.topic))?;
    ensure!(
        !entry.is_openedx() || topic.partitioner == Partitioner::Crc32,
        "Python services write it, so its topic is crc32"
    );
    let key_is_order = *entry.order_by() == [entry.key.clone()];
    ensure!(topic.cleanup == Cleanup::Delete || key_is_order, "a compacted topic keeps one record of several entities");
    Ok(())
}

/// All types on a topic have one key schema and one kind of order key.
fn shared_topic(loaded: &Loaded, topic: &str) -> Result<()> {
    let mut first = None;
    for event in loaded.types.iter().filter(|event| loaded.entry(event).topic == topic) {
        let (entry, record) = (loaded.entry(event), &event.newest().record);
        let order = entry.order_by().iter().map(|path| key_part(record, path)).collect::<Result<Vec<_>>>()?;
        let shape = (record.at(&entry.key)?.ty.clone(), order);
        ensure!(*first.get_or_insert(shape.clone()) == shape, "{} has another kind of key or order key", entry.name);
    }
    ensure!(first.is_some(), "no event type is on it");
    Ok(())
}

fn flows(loaded: &Loaded, entry: &Event) -> Result<()> {
    for number in &entry.flows {
        ensure!(loaded.catalog.flows.iter().any(|flow| flow.number == *number), "no flow {number}");
    }
    Ok(())
}

fn documented(event: &EventType, entry: &Event) -> Result<()> {
    if entry.is_openedx() {
        return Ok(());
    }
    for version in &event.versions {
        let mut records = Vec::new();
        version.record.visit(&mut records);
        for record in records {
            ensure!(record.doc.is_some(), "{} has no doc", record.name);
            for field in &record.fields {
                ensure!(field.doc.is_some(), "{}.{} has no doc", record.name, field.name);
            }
        }
    }
    Ok(())
}
