//! The static description of an event type and its `impl Event`.

use anyhow::{Context, Result, bail};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::avro::{Record, Type};
use super::catalog::Compatibility;
use super::load::{EventType, Loaded, Version};
use super::names::constant;
use super::personal;
use super::record::field_ident;

/// The constants with the text of each minor version's schema.
pub fn schemas(event: &EventType) -> Vec<TokenStream> {
    let constants = event.versions.iter().map(|version| {
        let (name, text) = (schema_constant(event, version), version.json.to_string());
        quote!(const #name: &str = #text;)
    });
    constants.collect()
}

/// The static of the newest minor version.
pub fn newest(loaded: &Loaded, event: &EventType) -> Result<TokenStream> {
    let entry = loaded.entry(event);
    let ident = format_ident!("{}", event.name.static_name());
    let (name, owner, description) = (&entry.name, &entry.owner, &entry.description);
    let origin = if entry.is_openedx() { quote!(OpenEdx) } else { quote!(Coursebus) };
    let topic = format_ident!("{}", constant(&entry.topic));
    let (major, minor) = (Literal::u32_unsuffixed(event.name.major), Literal::u32_unsuffixed(event.newest().minor));
    let schema = schema_constant(event, event.newest());
    let versions = event.versions.iter().map(|version| {
        let (minor, schema) = (Literal::u32_unsuffixed(version.minor), schema_constant(event, version));
        quote!(Version { major: #major, minor: #minor, schema: #schema })
    });
    let key = key_spec(&event.newest().record, &entry.key)?;
    let order_by = entry.order_by().iter().map(|path| segments(path));
    let compatibility = compatibility(entry.compatibility());
    let personal_data = personal::paths(loaded, event);
    let writer = writer(&quote!(#schema));
    Ok(quote! {
        pub(super) static #ident: EventType = EventType {
            name: #name,
            owner: #owner,
            origin: Origin::#origin,
            topic: &topics::#topic,
            major: #major,
            minor: #minor,
            schema: #schema,
            versions: &[#(#versions),*],
            key: #key,
            order_by: &[#(#order_by),*],
            compatibility: Compatibility::#compatibility,
            personal_data: &[#(#personal_data),*],
            description: #description,
            writer: #writer,
        };
    })
}

/// The static of an older minor version, in a submodule.
pub fn older(event: &EventType, version: &Version) -> TokenStream {
    let ident = format_ident!("{}", event.name.static_name());
    let (minor, schema) = (Literal::u32_unsuffixed(version.minor), schema_constant(event, version));
    let writer = writer(&quote!(super::#schema));
    quote! {
        static #ident: EventType =
            EventType { minor: #minor, schema: super::#schema, writer: #writer, ..super::#ident };
    }
}

/// The implementation for the struct of one version.
pub fn implementation(loaded: &Loaded, event: &EventType, version: &Version) -> Result<TokenStream> {
    let entry = loaded.entry(event);
    let (ident, ty) = (format_ident!("{}", event.name.static_name()), format_ident!("{}", event.name.type_name()));
    let key = key_value(&version.record, &entry.key)?;
    let parts = entry.order_by().iter().map(|path| key_value(&version.record, path)).collect::<Result<Vec<_>>>()?;
    Ok(quote! {
        impl Event for #ty {
            const TYPE: &'static EventType = &#ident;
            fn key(&self) -> Key<'_> { #key }
            fn order_key(&self, out: &mut OrderKey) {
                out.clear();
                #(out.push(#parts);)*
            }
        }
    })
}

fn schema_constant(event: &EventType, version: &Version) -> proc_macro2::Ident {
    format_ident!("{}_{}_{}", event.name.static_name(), event.name.major, version.minor)
}

fn writer(schema: &TokenStream) -> TokenStream {
    quote! {
        || {
            static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(#schema));
            &WRITER
        }
    }
}

fn segments(path: &str) -> TokenStream {
    let segments = path.split('.');
    quote!(&[#(#segments),*])
}

fn key_spec(record: &Record, path: &str) -> Result<TokenStream> {
    let field = record.at(path)?;
    let (name, ty) = (serde_json::to_string(&field.name)?, field.json["type"].to_string());
    let (schema, path) = (format!("{{\"name\":{name},\"type\":{ty}}}"), segments(path));
    let primitive = match field.ty {
        Type::String => quote!(String),
        Type::Long => quote!(Long),
        Type::Int => quote!(Int),
        Type::Boolean => quote!(Boolean),
        _ => bail!("{} is no key", field.name),
    };
    Ok(quote!(KeySpec { path: #path, schema: #schema, primitive: Primitive::#primitive }))
}

/// The expression for the value at a path.
fn key_value(record: &Record, path: &str) -> Result<TokenStream> {
    let mut place = quote!(self);
    let mut record = record;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        let field = record.field(name).with_context(|| format!("no field {path}"))?;
        let ident = field_ident(name);
        place = quote!(#place.#ident);
        match &field.ty {
            Type::Record(inner) if names.peek().is_some() => record = inner,
            _ if names.peek().is_some() => bail!("{path}: {name} is not a record, or a nullable one"),
            Type::Nullable(inner) if **inner == Type::String => {
                return Ok(quote!(#place.as_deref().map_or(Key::Null, Key::Str)));
            }
            Type::Nullable(inner) => {
                let variant = variant(inner)?;
                return Ok(quote!(#place.map_or(Key::Null, Key::#variant)));
            }
            Type::String => return Ok(quote!(Key::Str(&#place))),
            ty => {
                let variant = variant(ty)?;
                return Ok(quote!(Key::#variant(#place)));
            }
        }
    }
    bail!("{path} is a record")
}

fn variant(ty: &Type) -> Result<TokenStream> {
    Ok(match ty {
        Type::Long => quote!(Long),
        Type::Int => quote!(Int),
        Type::Boolean => quote!(Bool),
        _ => bail!("{} is no part of a key", ty.describe()),
    })
}

fn compatibility(level: Compatibility) -> TokenStream {
    match level {
        Compatibility::None => quote!(None),
        Compatibility::Backward => quote!(Backward),
        Compatibility::BackwardTransitive => quote!(BackwardTransitive),
        Compatibility::Forward => quote!(Forward),
        Compatibility::ForwardTransitive => quote!(ForwardTransitive),
        Compatibility::Full => quote!(Full),
        Compatibility::FullTransitive => quote!(FullTransitive),
    }
}
