//! What a relay writes beside each batch, in the batch's own transaction: which rows it published. Read at the next start, it
//! says which rows are still there only because the relay died before it deleted them. Pure.

/// The key of the one record that stays on the relay's compacted topic.
pub(crate) const KEY: &str = "batch";

const VERSION: u8 = 1;

/// The rows of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// Which outbox.
    pub(crate) identity: String,
    /// The number of the batch; one more than that of the one before.
    pub(crate) batch: i64,
    /// Ids of rows with the prints of their events.
    pub(crate) rows: Vec<(i64, u64)>,
}

/// A record on the relay's topic is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record on the relay's topic is none of its")]
pub struct ReceiptError;

impl Receipt {
    /// The record's value.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 16 * self.rows.len());
        out.push(VERSION);
        // An identity is at most 255 characters of ASCII.
        let identity = &self.identity.as_bytes()[..self.identity.len().min(255)];
        out.push(u8::try_from(identity.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(identity);
        out.extend_from_slice(&self.batch.to_be_bytes());
        for (id, print) in &self.rows {
            out.extend_from_slice(&id.to_be_bytes());
            out.extend_from_slice(&print.to_be_bytes());
        }
        out
    }

    /// Reads a record's value.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let (&[version, len], rest) = bytes.split_first_chunk::<2>().ok_or(ReceiptError)?;
        if version != VERSION {
            return Err(ReceiptError);
        }
        let (identity, rest) = rest.split_at_checked(usize::from(len)).ok_or(ReceiptError)?;
        let identity = str::from_utf8(identity).map_err(|_| ReceiptError)?.to_owned();
        let (batch, rest) = rest.split_first_chunk::<8>().ok_or(ReceiptError)?;
        let (rows, []) = rest.as_chunks::<16>() else { return Err(ReceiptError) };
        let number = |bytes: &[u8]| u64::from_be_bytes(std::array::from_fn(|i| bytes[i]));
        let rows = rows.iter().map(|row| (number(&row[..8]).cast_signed(), number(&row[8..]))).collect();
        Ok(Self { identity, batch: i64::from_be_bytes(*batch), rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_back() {
        for rows in [vec![], vec![(1, 2), (i64::MAX, u64::MAX), (-1, 0)]] {
            let receipt = Receipt { identity: "a-b".into(), batch: 7, rows };
            assert_eq!(Receipt::from_bytes(&receipt.to_bytes()), Ok(receipt));
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let good = Receipt { identity: "i".into(), batch: 1, rows: vec![(1, 2)] }.to_bytes();
        for bad in [&[][..], &[9, 0], &good[..good.len() - 1], &[1, 200, 3]] {
            assert_eq!(Receipt::from_bytes(bad), Err(ReceiptError), "{bad:?}");
        }
    }
}
