//! Which records of a partition must wait, because an earlier one of their key is held. Pure.
//!
//! A record waits exactly when an earlier held record conflicts with it: both have the same record key, and their order keys
//! are equal or one of them is not known, because its value cannot be read. A record without a record key conflicts with none.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::Arc,
};

use coursebus_schemas::OrderKey;
use coursebus_transport::Offset;

/// How much of one partition may be held. At a bound the partition takes no more records until there is room again: what was
/// held is retried or discarded. Nothing is lost meanwhile, the log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldLimits {
    /// How many keys may be blocked. Default 10,000.
    pub keys_max: usize,
    /// How many bytes the parked records may have together. Default 64 MiB.
    pub bytes_max: usize,
}

impl Default for HeldLimits {
    fn default() -> Self {
        Self { keys_max: 10_000, bytes_max: 64 << 20 }
    }
}

/// A bound is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    Keys(usize),
    Bytes(usize),
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(max) => write!(f, "{max} keys are held, which is the most"),
            Self::Bytes(max) => write!(f, "{max} bytes are held, which is the most"),
        }
    }
}

/// The held record that others wait behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) offset: Offset,
    pub(crate) code: Arc<str>,
}

/// By what a record is ordered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'a> {
    pub(crate) record: Option<&'a [u8]>,
    /// `None` where the value cannot be read.
    pub(crate) order: Option<&'a OrderKey>,
}

/// The keys of a partition that are blocked.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    keys: HashMap<Box<[u8]>, Waiting>,
    count: usize,
    bytes: usize,
}

/// What is held of one record key: by order key the first record.
#[derive(Debug, Default)]
struct Waiting {
    unknown: Option<Cause>,
    orders: HashMap<OrderKey, Cause>,
}

impl Gate {
    /// Whether something of this record key is held: a look that costs next to nothing, before the order key is computed.
    pub(crate) fn touches(&self, record_key: Option<&[u8]>) -> bool {
        !self.keys.is_empty() && record_key.is_some_and(|key| self.keys.contains_key(key))
    }

    /// The first held record that this one must wait behind.
    pub(crate) fn blocks(&self, keys: Keys<'_>) -> Option<&Cause> {
        let waiting = self.keys.get(keys.record?)?;
        let known = match keys.order {
            Some(order) => waiting.orders.get(order),
            None => waiting.orders.values().min_by_key(|cause| cause.offset),
        };
        waiting.unknown.iter().chain(known).min_by_key(|cause| cause.offset)
    }

    fn has(&self, keys: Keys<'_>) -> bool {
        let waiting = keys.record.and_then(|key| self.keys.get(key));
        waiting.is_some_and(|waiting| match keys.order {
            Some(order) => waiting.orders.contains_key(order),
            None => waiting.unknown.is_some(),
        })
    }

    /// Holds a record; offsets rise from call to call.
    fn hold(&mut self, keys: Keys<'_>, cause: Cause, bytes: usize) {
        self.bytes += bytes;
        let Some(key) = keys.record else { return };
        let waiting = self.keys.entry(key.into()).or_default();
        match keys.order {
            None if waiting.unknown.is_some() => return,
            None => waiting.unknown = Some(cause),
            Some(order) => match waiting.orders.entry(order.clone()) {
                Entry::Occupied(_) => return,
                Entry::Vacant(place) => drop(place.insert(cause)),
            },
        }
        self.count += 1;
    }

    /// Takes over what a draft has held, once that is committed.
    pub(crate) fn merge(&mut self, held: Gate) {
        self.bytes += held.bytes;
        for (key, waiting) in held.keys {
            let known = self.keys.entry(key).or_default();
            if let (None, Some(cause)) = (&known.unknown, waiting.unknown) {
                known.unknown = Some(cause);
                self.count += 1;
            }
            for (order, cause) in waiting.orders {
                if let Entry::Vacant(place) = known.orders.entry(order) {
                    place.insert(cause);
                    self.count += 1;
                }
            }
        }
    }
}

/// A gate with what one transaction is about to hold; the gate itself is changed when that is committed.
pub(crate) struct Draft<'g> {
    base: &'g Gate,
    own: Gate,
    new_keys: usize,
}

impl<'g> Draft<'g> {
    pub(crate) fn new(base: &'g Gate) -> Self {
        Self { base, own: Gate::default(), new_keys: 0 }
    }

    /// See [`Gate::touches`].
    pub(crate) fn touches(&self, record_key: Option<&[u8]>) -> bool {
        self.base.touches(record_key) || self.own.touches(record_key)
    }

    /// See [`Gate::blocks`].
    pub(crate) fn blocks(&self, keys: Keys<'_>) -> Option<&Cause> {
        let both = [self.base.blocks(keys), self.own.blocks(keys)];
        both.into_iter().flatten().min_by_key(|cause| cause.offset)
    }

    /// Whether a record may be held within the bounds.
    pub(crate) fn room(&self, limits: HeldLimits, keys: Keys<'_>, bytes: usize) -> Result<(), Full> {
        let count = self.base.count + self.new_keys + usize::from(self.is_new(keys));
        if count > limits.keys_max {
            return Err(Full::Keys(limits.keys_max));
        }
        let together = self.base.bytes + self.own.bytes;
        // One record has room always, however large it is: waiting would make none.
        if together > 0 && together + bytes > limits.bytes_max {
            return Err(Full::Bytes(limits.bytes_max));
        }
        Ok(())
    }

    fn is_new(&self, keys: Keys<'_>) -> bool {
        keys.record.is_some() && !self.base.has(keys) && !self.own.has(keys)
    }

    /// Holds a record; offsets rise from call to call.
    pub(crate) fn hold(&mut self, keys: Keys<'_>, cause: Cause, bytes: usize) {
        self.new_keys += usize::from(self.is_new(keys));
        self.own.hold(keys, cause, bytes);
    }

    /// What was held, for [`Gate::merge`].
    pub(crate) fn finish(self) -> Gate {
        self.own
    }
}

#[cfg(test)]
mod tests;
