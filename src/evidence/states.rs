//! States that outside systems tell, as far as this program knows them. A state
//! that it does not know stays as it was told.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An enum of known words, and one for all others.
macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $state:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$of])* $state,)+
            /// A state that this program does not know, as it was told.
            Other(String),
        }

        impl $name {
            /// As it was told.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$state => $word,)+
                    $name::Other(told) => told,
                }
            }
        }

        impl From<&str> for $name {
            fn from(told: &str) -> Self {
                match told {
                    $($word => $name::$state,)+
                    other => $name::Other(other.to_string()),
                }
            }
        }

        impl From<String> for $name {
            fn from(told: String) -> Self {
                $name::from(told.as_str())
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

states! {
    /// What an instance does (Docker: `State.Status`).
    InstanceState {
        /// Made, and never started.
        Created = "created",
        /// It runs.
        Running = "running",
        /// Its processes are frozen.
        Paused = "paused",
        /// It has ended, and the engine starts it again.
        Restarting = "restarting",
        /// It is being removed.
        Removing = "removing",
        /// It has ended.
        Exited = "exited",
        /// It has ended, and could not be removed.
        Dead = "dead",
    }
}

states! {
    /// What a health check says (Docker: `State.Health.Status`).
    Health {
        /// It has not passed yet, and may still.
        Starting = "starting",
        /// It passes.
        Healthy = "healthy",
        /// It fails.
        Unhealthy = "unhealthy",
    }
}

states! {
    /// When the engine starts an instance again (Docker: `HostConfig.RestartPolicy.Name`).
    RestartPolicy {
        /// Never.
        No = "no",
        /// After it has failed.
        OnFailure = "on-failure",
        /// Whenever it has ended.
        Always = "always",
        /// Whenever it has ended, unless it was stopped by hand.
        UnlessStopped = "unless-stopped",
    }
}

states! {
    /// The state of a consumer group, as the broker says it in
    /// DescribeConsumerGroups, in lower case with dashes.
    GroupState {
        /// Each member has its partitions.
        Stable = "stable",
        /// It has no members, and may have offsets.
        Empty = "empty",
        /// There is no such group.
        Dead = "dead",
        /// Members are coming or going.
        PreparingRebalance = "preparing-rebalance",
        /// Members wait for their partitions.
        CompletingRebalance = "completing-rebalance",
        /// The broker assigns partitions (KIP-848).
        Assigning = "assigning",
        /// Members take over their partitions (KIP-848).
        Reconciling = "reconciling",
    }
}

states! {
    /// How a group agrees on its partitions.
    GroupProtocol {
        /// Its members assign the partitions.
        Classic = "classic",
        /// The broker assigns the partitions (KIP-848).
        Consumer = "consumer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_not_known_stays_as_it_was_told() {
        for told in ["running", "hibernating", ""] {
            let state: InstanceState = serde_json::from_value(told.into()).unwrap();
            assert_eq!(serde_json::to_value(&state).unwrap(), told);
        }
        assert_eq!(InstanceState::from("running"), InstanceState::Running);
        assert_eq!(InstanceState::from("hibernating"), InstanceState::Other("hibernating".into()));
    }
}
