//! The Rust struct of an Avro record.

use anyhow::{Context, Result, bail};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;

use super::avro::{Field, Record, Type};
use super::personal::Marks;

/// What a struct is rendered with.
pub struct Scope<'a> {
    pub domain: &'a str,
    pub marks: &'a Marks,
    pub docs: &'a dyn Fn(&str) -> Option<String>,
    /// The path of the struct of a record, from the module being rendered.
    pub path_of: &'a dyn Fn(&Record) -> TokenStream,
}

/// Renders the struct `name` for a record, and what belongs to it.
pub fn render(scope: &Scope<'_>, record: &Record, name: &str, doc: &str) -> Result<Vec<TokenStream>> {
    let ident = format_ident!("{name}");
    let doc = doc_comment(doc);
    let fields = record.fields.iter().map(|field| render_field(scope, record, name, field));
    let fields = fields.collect::<Result<Vec<_>>>().with_context(|| format!("{}.{name}", scope.domain))?;
    let personal = |field: &Field| scope.marks.contains(&(name.to_owned(), field.name.clone()));
    let masked = record.fields.iter().any(personal);
    let debug = if masked { quote!() } else { quote!(Debug,) };
    let mut items = vec![quote! {
        #doc
        #[derive(#debug Clone, PartialEq, Serialize, Deserialize)]
        pub struct #ident { #(#fields),* }
    }];
    if masked {
        let shown = record.fields.iter().map(|field| {
            let (text, ident) = (&field.name, field_ident(&field.name));
            let value = if personal(field) { quote!(&format_args!("<personal>")) } else { quote!(&self.#ident) };
            quote!(.field(#text, #value))
        });
        items.push(quote! {
            impl std::fmt::Debug for #ident {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(#name)#(#shown)*.finish()
                }
            }
        });
    }
    for field in &record.fields {
        if let Some((function, value)) = default_function(name, field)? {
            let ty = render_type(scope, &field.ty);
            items.push(quote!(fn #function() -> #ty { #value }));
        }
    }
    Ok(items)
}

/// The field's name in Rust.
pub fn field_ident(name: &str) -> Ident {
    match name {
        "self" | "super" | "crate" | "Self" => format_ident!("{name}_"),
        _ => syn::parse_str(name).unwrap_or_else(|_| Ident::new_raw(name, Span::call_site())),
    }
}

/// A doc comment, one attribute a line.
pub fn doc_comment(text: &str) -> TokenStream {
    let lines = text.lines().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    quote!(#(#[doc = #lines])*)
}

fn render_field(scope: &Scope<'_>, record: &Record, name: &str, field: &Field) -> Result<TokenStream> {
    let documented = || (scope.docs)(&format!("{}.{}.{}", scope.domain, record.name, field.name));
    let inner = || field.ty.record().and_then(|inner| doc_of(scope, inner));
    let doc = field.doc.clone().or_else(documented).or_else(inner);
    let doc = doc.with_context(|| format!("{} has no doc, neither in the schema nor in [docs]", field.name))?;
    let doc = doc_comment(&doc);
    let ident = field_ident(&field.name);
    let ty = render_type(scope, &field.ty);
    let text = &field.name;
    let rename = if ident == format!("{text}_") { quote!(#[serde(rename = #text)]) } else { quote!() };
    let default = match (&field.default, default_function(name, field)?) {
        (None, _) => quote!(),
        (Some(_), None) => quote!(#[serde(default)]),
        (Some(_), Some((function, _))) => {
            let function = function.to_string();
            quote!(#[serde(default = #function)])
        }
    };
    Ok(quote!(#doc #rename #default pub #ident: #ty))
}

/// The documentation of a record.
pub fn doc_of(scope: &Scope<'_>, record: &Record) -> Option<String> {
    record.doc.clone().or_else(|| (scope.docs)(&format!("{}.{}", scope.domain, record.name)))
}

fn render_type(scope: &Scope<'_>, ty: &Type) -> TokenStream {
    match ty {
        Type::Boolean => quote!(bool),
        Type::Int => quote!(i32),
        Type::Long => quote!(i64),
        Type::Float => quote!(f32),
        Type::Double => quote!(f64),
        Type::String => quote!(String),
        Type::Array(items) => {
            let items = render_type(scope, items);
            quote!(Vec<#items>)
        }
        Type::Map(values) => {
            let values = render_type(scope, values);
            quote!(std::collections::BTreeMap<String, #values>)
        }
        Type::Nullable(inner) => {
            let inner = render_type(scope, inner);
            quote!(Option<#inner>)
        }
        Type::Record(record) => (scope.path_of)(record),
    }
}

/// The function that gives a field's default, where `Default` does not.
fn default_function(name: &str, field: &Field) -> Result<Option<(Ident, TokenStream)>> {
    let Some(default) = &field.default else { return Ok(None) };
    let value = match (&field.ty, default) {
        (Type::Nullable(_), Value::Null) | (Type::Boolean, Value::Bool(false)) => return Ok(None),
        (Type::Boolean, Value::Bool(true)) => quote!(true),
        (Type::Int | Type::Long, Value::Number(number)) if number.is_i64() => match number.as_i64() {
            Some(0) => return Ok(None),
            _ => syn::parse_str(&number.to_string())?,
        },
        (Type::Float | Type::Double, Value::Number(number)) => match number.as_f64() {
            Some(0.0) => return Ok(None),
            Some(value) => quote!(#value),
            None => bail!("the default of {} is not a number", field.name),
        },
        (Type::String, Value::String(text)) if text.is_empty() => return Ok(None),
        (Type::String, Value::String(text)) => quote!(#text.to_owned()),
        (Type::Array(_), Value::Array(items)) if items.is_empty() => return Ok(None),
        (Type::Map(_), Value::Object(entries)) if entries.is_empty() => return Ok(None),
        _ => bail!("the default of {} is not one of its type, or not one that is generated", field.name),
    };
    Ok(Some((format_ident!("default_{}_{}", name.to_lowercase(), field.name), value)))
}
