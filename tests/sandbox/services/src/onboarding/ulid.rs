//! ULIDs: ids that sort by time, with 48 bits of milliseconds and 80 random bits, as 26
//! characters of Crockford's Base32.

use uuid::Uuid;

use crate::clock;

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

pub fn new() -> String {
    let time = u128::try_from(clock::now().as_millisecond()).unwrap_or_default();
    // A few of these bits are fixed in every UUID. The others are random enough.
    encode(time << 80 | Uuid::new_v4().as_u128() & ((1 << 80) - 1))
}

fn encode(id: u128) -> String {
    let digit = |at: u32| char::from(DIGITS[(id >> (5 * at) & 31) as usize]);
    (0..26).rev().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_numbers_in_crockford_base32() {
        assert_eq!(encode(0), "0".repeat(26));
        assert_eq!(encode(u128::MAX), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        assert_eq!(encode(1_469_918_176_385 << 80 | 33)[..10], *"01ARYZ6S41");
        assert_eq!((new().len(), new() == new()), (26, false));
    }
}
