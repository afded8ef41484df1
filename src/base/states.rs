//! States that have a word: enums whose words stand in one place, so that a misspelt
//! state does not compile.

/// An enum of which each variant has a word.
pub trait State: Copy + 'static {
    /// The words of all states, in their order.
    const WORDS: &'static [&'static str];

    /// Its word.
    fn as_str(self) -> &'static str;
}

/// Declares an enum with a word for each of its states.
macro_rules! states {
    ($(#[$doc:meta])* $visible:vis enum $name:ident { $($state:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        $visible enum $name {
            $(#[doc = concat!("`", $word, "`")] $state),+
        }

        impl $crate::base::states::State for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn as_str(self) -> &'static str {
                match self {
                    $($name::$state => $word),+
                }
            }
        }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &'static [$name] = &[$($name::$state),+];
            /// Their words, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                $crate::base::states::State::as_str(self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use states;

#[cfg(test)]
mod tests {
    states! {
        /// Of a lamp.
        pub enum Lamp { Off = "off", BurntOut = "burnt-out" }
    }

    #[test]
    fn each_state_has_its_word() {
        assert_eq!(Lamp::WORDS, ["off", "burnt-out"]);
        assert_eq!(Lamp::ALL.iter().map(ToString::to_string).collect::<Vec<_>>(), Lamp::WORDS);
    }
}
