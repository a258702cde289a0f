//! The statics of the topics.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::catalog::{Cleanup, Partitioner};
use super::load::Loaded;
use super::names::constant;

/// The contents of `topics.rs`.
pub fn items(loaded: &Loaded) -> Vec<TokenStream> {
    let mut items = vec![
        quote!(
            use std::time::Duration;
        ),
        quote!(
            use crate::topic::{Cleanup, Partitioner, Topic};
        ),
    ];
    items.extend(loaded.catalog.topics.iter().map(|(name, topic)| {
        let ident = format_ident!("{}", constant(name));
        let (partitions, description) = (Literal::i32_unsuffixed(topic.partitions), &topic.description);
        let replication = match topic.replication.map(Literal::i32_unsuffixed) {
            Some(count) => quote!(Some(#count)),
            None => quote!(None),
        };
        let retention = match topic.retention_days.map(|days| Literal::u64_unsuffixed(days * 24)) {
            Some(hours) => quote!(Some(Duration::from_hours(#hours))),
            None => quote!(None),
        };
        let cleanup = match topic.cleanup {
            Cleanup::Delete => quote!(Delete),
            Cleanup::Compact => quote!(Compact),
        };
        let partitioner = match topic.partitioner {
            Partitioner::Crc32 => quote!(Crc32),
            Partitioner::Murmur2 => quote!(Murmur2),
        };
        quote! {
            pub(super) static #ident: Topic = Topic {
                name: #name,
                partitions: #partitions,
                replication: #replication,
                cleanup: Cleanup::#cleanup,
                retention: #retention,
                partitioner: Partitioner::#partitioner,
                description: #description,
            };
        }
    }));
    items
}
