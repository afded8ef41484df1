//! States of containers and consumer groups, as Docker and Kafka report them. Unknown states are
//! kept as reported.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Defines an enum of known words with a variant for all other words.
macro_rules! state_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $state:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$of])* $state,)+
            /// An unknown state, as reported.
            Other(String),
        }

        impl $name {
            /// Returns the word that the system reported.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$state => $word,)+
                    $name::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => $name::$state,)+
                    other => $name::Other(other.to_string()),
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                $name::from(word.as_str())
            }
        }

        impl From<$name> for String {
            fn from(state: $name) -> Self {
                state.as_str().to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

state_enum! {
    /// The state of an instance (Docker: `State.Status`).
    InstanceState {
        /// Created but never started.
        Created = "created",
        /// Running.
        Running = "running",
        /// Paused, with its processes frozen.
        Paused = "paused",
        /// Exited, and the engine is restarting it.
        Restarting = "restarting",
        /// Being removed.
        Removing = "removing",
        /// Exited.
        Exited = "exited",
        /// Exited, but could not be removed.
        Dead = "dead",
    }
}

state_enum! {
    /// The result of a health check (Docker: `State.Health.Status`).
    Health {
        /// Not passed yet; still within the start period.
        Starting = "starting",
        /// Passing.
        Healthy = "healthy",
        /// Failing.
        Unhealthy = "unhealthy",
    }
}

state_enum! {
    /// When the engine restarts an instance (Docker: `HostConfig.RestartPolicy.Name`).
    RestartPolicy {
        /// Never.
        No = "no",
        /// After it exits with an error.
        OnFailure = "on-failure",
        /// Whenever it exits.
        Always = "always",
        /// Whenever it exits, unless it was stopped manually.
        UnlessStopped = "unless-stopped",
    }
}

state_enum! {
    /// The state of a consumer group from DescribeConsumerGroups, in lower case with dashes.
    GroupState {
        /// Every member has its partitions.
        Stable = "stable",
        /// No members, though it may have offsets.
        Empty = "empty",
        /// The group does not exist.
        Dead = "dead",
        /// Members are joining or leaving.
        PreparingRebalance = "preparing-rebalance",
        /// Members are waiting for their partitions.
        CompletingRebalance = "completing-rebalance",
        /// The broker is assigning partitions (KIP-848).
        Assigning = "assigning",
        /// Members are taking over their partitions (KIP-848).
        Reconciling = "reconciling",
    }
}

state_enum! {
    /// The protocol that assigns a group's partitions.
    GroupProtocol {
        /// The members assign the partitions.
        Classic = "classic",
        /// The broker assigns the partitions (KIP-848).
        Consumer = "consumer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_unknown_states_as_reported() {
        for word in ["running", "hibernating", ""] {
            let state: InstanceState = serde_json::from_value(word.into()).unwrap();
            assert_eq!(serde_json::to_value(&state).unwrap(), word);
        }
        assert_eq!(InstanceState::from("running"), InstanceState::Running);
        assert_eq!(InstanceState::from("hibernating"), InstanceState::Other("hibernating".into()));
    }
}
