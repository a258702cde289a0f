//! What becomes of an order key whose record can never be processed.

/// The policy of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnPoison {
    /// The record and the later ones of its order key are held; all other keys flow, and the order of the key is kept when
    /// they come back.
    #[default]
    Park,
    /// The record is held as dead and its key goes on: the order of the key is given up.
    Skip,
    /// The partition stops, visibly.
    Stop,
}
