//! The ids of objects, computed here: hashing content that is in memory anyway is the cheapest proof that it is what an
//! id names.

use gix_index::hash::{Kind, ObjectId};
use sha2::Digest;

/// A hash under way, of the kind that a repository names its objects with.
///
/// Plain SHA-1, with the processor's own instructions where it has them: the attacks that git's collision-detecting one
/// guards against need content that git would have had to accept first.
#[derive(Debug, Clone)]
pub enum Hasher {
    /// 20 bytes.
    Sha1(sha1::Sha1),
    /// 32 bytes.
    Sha256(sha2::Sha256),
}

impl Hasher {
    /// Of nothing yet; `None` for an object format that is not known.
    #[must_use]
    pub fn new(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Sha1 => Some(Self::Sha1(sha1::Sha1::new())),
            Kind::Sha256 => Some(Self::Sha256(sha2::Sha256::new())),
            _ => None,
        }
    }

    /// Of a blob of `length` bytes, which are to be added.
    #[must_use]
    pub fn blob(kind: Kind, length: u64) -> Option<Self> {
        let mut hasher = Self::new(kind)?;
        hasher.add(format!("blob {length}\0").as_bytes());
        Some(hasher)
    }

    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// The id of all that was added.
    #[must_use]
    pub fn id(self) -> ObjectId {
        match self {
            Self::Sha1(hasher) => ObjectId::Sha1(hasher.finalize().into()),
            Self::Sha256(hasher) => ObjectId::Sha256(hasher.finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_blob_has_its_well_known_id() {
        for kind in [Kind::Sha1, Kind::Sha256] {
            assert!(Hasher::blob(kind, 0).unwrap().id().is_empty_blob(), "{kind}");
        }
    }
}
