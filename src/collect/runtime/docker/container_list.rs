//! The engine's list of containers, reduced to the fields needed to select a project.

use crate::evidence::Name;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

pub(crate) const PROJECT: &str = "com.docker.compose.project";

pub(crate) const SERVICE: &str = "com.docker.compose.service";

const ONE_OFF: &str = "com.docker.compose.oneoff";

/// The maximum number of containers read from a list.
const MAX_CONTAINERS: usize = 20_000;

/// A container as the engine lists it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) name: Name,
    pub(crate) project: Option<Name>,
    pub(crate) service: Option<Name>,
    pub(crate) running: bool,
}

/// All containers except one-off containers that `docker compose run` created.
pub(crate) struct ContainerList(pub(crate) Vec<Listed>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    #[serde(default)]
    id: String,
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<Labels>,
    #[serde(default)]
    state: Option<String>,
}

impl Container {
    fn listed(self) -> Option<Listed> {
        let labels = self.labels.unwrap_or_default();
        let names = self.names.unwrap_or_default().into_iter();
        // Names with an inner slash are links from other containers.
        let mut names = names.map(|name| name.trim_start_matches('/').to_string());
        let name = names.find(|name| !name.contains('/'));
        (!labels.one_off).then(|| Listed {
            id: self.id,
            name: name.unwrap_or_default(),
            project: labels.project,
            service: labels.service,
            running: self.state.as_deref() == Some("running"),
        })
    }
}

/// The labels that select a project.
#[derive(Default)]
struct Labels {
    project: Option<Name>,
    service: Option<Name>,
    one_off: bool,
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Known;
        impl<'de> Visitor<'de> for Known {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("labels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = Labels::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        PROJECT => labels.project = Some(map.next_value()?),
                        SERVICE => labels.service = Some(map.next_value()?),
                        ONE_OFF => {
                            labels.one_off = map.next_value::<String>()?.eq_ignore_ascii_case("true");
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(labels)
            }
        }
        deserializer.deserialize_map(Known)
    }
}

impl<'de> Deserialize<'de> for ContainerList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Containers;
        impl<'de> Visitor<'de> for Containers {
            type Value = ContainerList;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of containers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ContainerList, A::Error> {
                let mut found = Vec::new();
                for number in 0.. {
                    let Some(container) = list.next_element::<Container>()? else { break };
                    if number >= MAX_CONTAINERS {
                        return Err(A::Error::custom(format!("more than {MAX_CONTAINERS} containers")));
                    }
                    found.extend(container.listed());
                }
                Ok(ContainerList(found))
            }
        }
        deserializer.deserialize_seq(Containers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(json: &str) -> Vec<Listed> {
        serde_json::from_str::<ContainerList>(json).unwrap().0
    }

    #[test]
    fn reads_what_selects_a_project() {
        let list = listed(
            r#"[{"Id":"1","Names":["/web/db","/shop-db"],"State":"running","Labels":{"a":"b",
                "com.docker.compose.project":"shop","com.docker.compose.service":"db"},"Ports":[{}]},
               {"Id":"2","Names":["/run"],"Labels":{"com.docker.compose.oneoff":"True"}},
               {"Id":"3","Names":null,"Labels":null}]"#,
        );
        assert_eq!(list.len(), 2);
        assert_eq!((list[0].id.as_str(), list[0].name.as_str(), list[0].running), ("1", "shop-db", true));
        assert_eq!((list[0].project.as_deref(), list[0].service.as_deref()), (Some("shop"), Some("db")));
        assert_eq!((list[1].name.as_str(), list[1].running), ("", false));
    }

    #[test]
    fn refuses_an_absurd_number_of_containers() {
        let many = format!("[{}{{}}]", "{},".repeat(MAX_CONTAINERS));
        assert!(serde_json::from_str::<ContainerList>(&many).is_err());
    }
}
