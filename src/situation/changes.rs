//! What changed: a container beside its image's tag, its compose file, its addresses,
//! and the event's time.

use crate::base::states::states;
use crate::evidence::{Instance, Runtime, Seen, Why, WhyKind};
use crate::pipeline::Role;
use crate::situation::source::Source;
use crate::situation::workload::{Workloads, age};
use crate::text::address::{DATABASE_VARIABLES, hosts_of, is_own};

states! {
    /// An instance's image beside the one that its tag names now.
    pub enum ImageState {
        Outdated = "outdated",
        Current = "current",
    }
}

states! {
    /// What an instance was made from, beside what is declared now.
    pub enum ConfigState {
        Other = "other",
        Current = "current",
    }
}

states! {
    /// Where the addresses in an instance's environment lead.
    pub enum AddressState {
        Own = "own",
        Unresolved = "unresolved",
        Outside = "outside",
    }
}

states! {
    /// The database in an instance's environment, beside the one that was looked at.
    pub enum DatabaseUsed {
        Other = "other",
        Same = "same",
    }
}

states! {
    /// When an instance was started.
    pub enum StartedWhen {
        After = "after",
        Before = "before",
    }
}

/// A state, and what was observed, in words.
pub type Told<T> = Seen<(T, String)>;

/// What changed around one component's container.
pub struct Change<'a> {
    /// The component.
    pub part: &'a str,
    /// Its image, beside the one that its reference stands for now.
    pub image: Told<ImageState>,
    /// Its configuration, beside what the compose file and `.env` say now.
    pub config: Told<ConfigState>,
    /// Names of variables that its container has with another value than they say now.
    pub other_variables: &'a [String],
    /// Whether the addresses in its environment lead out of it, and resolve.
    pub addresses: Told<AddressState>,
    /// Whether it uses the database that was looked at.
    pub database: Told<DatabaseUsed>,
}

/// The changes around each component, in the pipeline's order.
pub fn build<'a>(source: Source<'a>, workloads: &Workloads<'a>) -> Vec<Change<'a>> {
    source.pipeline.parts().map(|(part, _)| change(Running { source, workloads, part })).collect()
}

fn change<'a>(of: Running<'_, 'a>) -> Change<'a> {
    Change {
        part: of.part,
        image: of.container(|runtime, instance| of.image(runtime, instance)),
        config: of.container(|_, instance| of.config(instance)),
        other_variables: of.other_variables(),
        addresses: of.container(|runtime, instance| of.addresses(runtime, instance)),
        database: of.container(|runtime, instance| of.database(runtime, instance)),
    }
}

/// A component, of which a container may run.
struct Running<'w, 'a> {
    source: Source<'a>,
    workloads: &'w Workloads<'a>,
    part: &'a str,
}

impl<'a> Running<'_, 'a> {
    /// What its container tells; without one it is not asked.
    fn container<T>(&self, tell: impl Fn(&'a Runtime, &'a Instance) -> Told<T>) -> Told<T> {
        self.source.runtime().and_then(|runtime| {
            self.workloads.container(self.part).and_then(|container| match container {
                Some(container) => tell(runtime, container),
                None => Seen::not_asked("no container"),
            })
        })
    }

    fn is_system(&self) -> bool {
        let role = self.source.pipeline.service(self.part).map(|service| service.role);
        matches!(role, Some(Role::Broker | Role::Database))
    }

    fn image(&self, docker: &Runtime, container: &Instance) -> Told<ImageState> {
        if self.is_system() {
            return Seen::not_asked("whoever runs it decides when it is renewed");
        }
        let Some(tagged) = docker.images.get(&container.image) else {
            return Seen::not_asked("images were not looked at");
        };
        tagged.as_ref().map(|tagged| {
            if tagged.id == container.image_id {
                return (ImageState::Current, format!("runs what {} stands for", container.image));
            }
            let own = docker.images.get(&container.image_id).and_then(Seen::known);
            let older = match (own.and_then(|own| own.created), tagged.created) {
                (Some(own), Some(tagged)) if tagged > own => {
                    format!(" {} older than the one its tag names", age(tagged, own))
                }
                (Some(own), Some(tagged)) => {
                    format!(" {} newer than the one its tag names", age(own, tagged))
                }
                _ => " other than the one its tag names".to_string(),
            };
            (ImageState::Outdated, format!("runs an image of {}{older}", container.image))
        })
    }

    fn other_variables(&self) -> &'a [String] {
        let declared = self.source.declared();
        let service = declared.known().and_then(|declared| declared.workloads.get(self.part));
        service.and_then(|service| service.other_variables.as_deref()).unwrap_or_default()
    }

    fn config(&self, container: &Instance) -> Told<ConfigState> {
        self.source.declared().and_then(|compose| {
            let Some(service) = compose.workloads.get(self.part) else {
                return Seen::not_asked("not declared");
            };
            let names = self.other_variables();
            if !names.is_empty() {
                let say = format!("runs with another {} than the compose file gives now", names.join(", "));
                return Seen::Known((ConfigState::Other, say));
            }
            // Versions differ in what they put into the hash.
            let version = container.details.compose_version.as_deref().unwrap_or_default();
            let comparable = !version.is_empty() && compose.read_by.contains(version);
            match (&service.config_hash, &container.config.hash) {
                (Some(file), Some(own)) if comparable && file != own => {
                    let say = "was made from another configuration than the compose file has now".to_string();
                    Seen::Known((ConfigState::Other, say))
                }
                (Some(_), Some(_)) if comparable => {
                    Seen::Known((ConfigState::Current, "as the compose file says".to_string()))
                }
                _ => Seen::not_asked("not compared with the compose file"),
            }
        })
    }

    fn addresses(&self, docker: &Runtime, container: &Instance) -> Told<AddressState> {
        let places = self.places(container);
        if places.is_empty() {
            return Seen::not_asked("its environment names no address of others");
        }
        // Who shares the host's network, or another container's, is not alone there.
        let networks = &container.addresses.networks;
        let alone = !networks.is_empty() && !networks.contains_key("host");
        if let Some((name, host)) = places.iter().find(|(_, host)| alone && is_own(host)) {
            let say = format!("its {name} is {host}: inside a container that is itself");
            return Seen::Known((AddressState::Own, say));
        }
        let mut unseen: Option<Why> = None;
        for (name, host) in &places {
            match docker.hosts.get(host) {
                Some(Seen::Known(false)) => {
                    let say = format!("its {name} names {host}, which does not resolve from here");
                    return Seen::Known((AddressState::Unresolved, say));
                }
                Some(Seen::Unknown(why) | Seen::NotAsked(why)) => unseen = Some(why.clone()),
                _ => {}
            }
        }
        match unseen {
            Some(why) => Seen::Unknown(why),
            None => Seen::Known((AddressState::Outside, "its addresses lead to others".to_string())),
        }
    }

    /// The hosts in its environment, by variable: those of others. Its own address it
    /// may know as it likes.
    fn places<'i>(&self, container: &'i Instance) -> Vec<(&'i String, String)> {
        if self.is_system() {
            return Vec::new();
        }
        let service = self.source.pipeline.service(self.part);
        let own = service.and_then(|service| service.address_variable.as_ref());
        let variables = container.environment.iter().filter(|(name, _)| Some(*name) != own);
        variables
            .flat_map(|(name, value)| hosts_of(value).into_iter().map(move |host| (name, host)))
            .collect()
    }

    fn database(&self, docker: &Runtime, container: &Instance) -> Told<DatabaseUsed> {
        let own = DATABASE_VARIABLES.iter().find_map(|name| Some((*name, container.environment.get(*name)?)));
        let Some((variable, own)) = own else { return Seen::not_asked("its environment names no database") };
        if hosts_of(own).iter().any(|host| docker.hosts.get(host) == Some(&Seen::Known(false))) {
            return Seen::not_asked(format!("the host of its {variable} does not resolve"));
        }
        self.source.database().and_then(|rows| {
            let further = self.source.evidence.further_databases();
            let further = further.filter_map(|(_, seen)| Some(&seen.known()?.address));
            let looked_at: Vec<String> = [&rows.address]
                .into_iter()
                .chain(further)
                .filter_map(|at| Some(host_and_name(at)?.1))
                .collect();
            let (Some((host, name)), false) = (host_and_name(own), looked_at.is_empty()) else {
                return Seen::unknown(WhyKind::Failed, format!("{variable} could not be read"));
            };
            let say = format!("its {variable} is {host}/{name}");
            match looked_at.contains(&name) {
                false => {
                    let say = format!("{say}; {} was looked at", rows.address);
                    Seen::Known((DatabaseUsed::Other, say))
                }
                // Another host may be another way to the same server.
                true if rows.mapped.as_ref().is_some_and(|mapped| mapped.from == host) => {
                    Seen::Known((DatabaseUsed::Same, say))
                }
                true => Seen::not_asked(format!("{say}: whether that is {}, nobody tells", rows.address)),
            }
        })
    }
}

/// "shop-db:5432" and "shop" of an address.
fn host_and_name(address: &str) -> Option<(String, String)> {
    let url = url::Url::parse(address).ok()?;
    let host = format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(5432));
    Some((host, url.path().trim_start_matches('/').to_string()))
}
