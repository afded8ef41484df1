//! Enums with one fixed string per variant, so that a misspelled state does not compile.

/// An enum with a word for each variant.
pub trait State: Copy + 'static {
    /// The words for all variants, in declaration order.
    const WORDS: &'static [&'static str];

    /// Returns the word for this variant.
    fn as_str(self) -> &'static str;
}

/// Declares an enum that implements [`State`].
macro_rules! state_enum {
    ($(#[$doc:meta])* $visible:vis enum $name:ident { $($state:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        $visible enum $name {
            $(#[doc = concat!("`", $word, "`")] $state),+
        }

        impl $crate::base::state_enum::State for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn as_str(self) -> &'static str {
                match self {
                    $($name::$state => $word),+
                }
            }
        }

        impl $name {
            /// All variants, in declaration order.
            pub const ALL: &'static [$name] = &[$($name::$state),+];
            /// The words for all variants, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Returns the word for this variant.
            pub fn as_str(self) -> &'static str {
                $crate::base::state_enum::State::as_str(self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use state_enum;

#[cfg(test)]
mod tests {
    state_enum! {
        /// The state of a lamp.
        pub enum Lamp { Off = "off", BurntOut = "burnt-out" }
    }

    #[test]
    fn each_variant_has_its_word() {
        assert_eq!(Lamp::WORDS, ["off", "burnt-out"]);
        assert_eq!(Lamp::ALL.iter().map(ToString::to_string).collect::<Vec<_>>(), Lamp::WORDS);
    }
}
