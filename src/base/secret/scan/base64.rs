//! Decodes base64.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// Reports whether the text is base64 of `user:password`.
pub(super) fn is_user_and_password(word: &str) -> bool {
    word.len() >= 4 && begins_with_user(&decode(word.trim_end_matches('=')), 0)
}

/// Reports whether a text begins with a name and a colon, followed by another printable character.
pub(super) fn begins_with_user(text: &[u8], min: usize) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.@+-".contains(byte);
    let name = text.iter().take_while(|byte| is_name(byte)).count();
    name >= min && text.get(name) == Some(&b':') && text.get(name + 1).is_some_and(u8::is_ascii_graphic)
}

/// Text is often cut, so that bits are left over at its end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&STANDARD, NO_PAD.with_decode_allow_trailing_bits(true));

/// Reports whether a byte is one of base64, in either alphabet.
pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte)
}

/// Decodes the base64 at the beginning of a word, in either alphabet, as far as whole bytes go.
pub(super) fn decode(word: &str) -> Vec<u8> {
    let length = word.bytes().take_while(|byte| is_base64(*byte)).count();
    // A single last character holds no whole byte.
    let whole = length - usize::from(length % 4 == 1);
    LENIENT.decode(word[..whole].replace('-', "+").replace('_', "/")).unwrap_or_default()
}
