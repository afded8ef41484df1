//! What else the engine tells once nobody waits for it: its clock, what its
//! images' tags stand for now, and the same containers a little later.

use crate::collect::runtime::docker::{Engine, early, inspect};
use crate::collect::{in_time, now};
use crate::config::Config;
use crate::evidence::{Clock, Image, Later, Name, Runtime, Seen, Why, WhyKind};
use crate::text::address::{hosts_of, is_own};
use bollard::errors::Error;
use bollard::models::ContainerState;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use tokio::time::{Duration, Instant, sleep_until};

/// How long a name is looked up; a name server that is slow is no answer.
const FOR_NAMES: Duration = Duration::from_secs(1);

/// Completes what was seen at `first` (`/info`, `/images/{name}/json`, and
/// `/containers/{id}/json` once more, `--settle` later).
pub async fn further(config: &Config, seen: Seen<Runtime>, first: Instant, until: Instant) -> Seen<Runtime> {
    let (Seen::Known(mut docker), Ok(engine)) = (seen.clone(), Engine::connect(config)) else {
        return seen;
    };
    let until = early(until);
    let (clock, images, hosts, later) = tokio::join!(
        clock(&engine, until),
        images(&engine, &docker, until),
        hosts(&docker, until),
        later(&engine, &docker, (first, config.settle), until),
    );
    docker.clock = clock;
    docker.images = images;
    docker.hosts = hosts;
    for container in docker.instances_mut() {
        container.again = later.get(&container.id).cloned();
    }
    Seen::Known(docker)
}

async fn clock(engine: &Engine, until: Instant) -> Option<Clock> {
    let asked = now();
    let info = tokio::time::timeout_at(until, engine.client.info()).await.ok()?.ok()?;
    let there = info.system_time?.parse().ok()?;
    Some(Clock::between(asked, there, now(), 0))
}

/// The images that containers were made from, and those that the references
/// which they name stand for now.
async fn images(engine: &Engine, docker: &Runtime, until: Instant) -> BTreeMap<String, Seen<Image>> {
    let names = docker.instances().flat_map(|container| [&container.image, &container.image_id]);
    let names: BTreeSet<&String> = names.filter(|name| !name.is_empty()).collect();
    let asked = names.into_iter().map(|name| async move {
        let image = in_time(&engine.address, until, image(engine, name)).await;
        (name.clone(), Seen::from(image))
    });
    join_all(asked).await.into_iter().collect()
}

async fn image(engine: &Engine, name: &str) -> Result<Image, Why> {
    match engine.client.inspect_image(name).await {
        Ok(seen) => Ok(Image {
            id: seen.id.unwrap_or_default(),
            created: seen.created.and_then(|created| created.parse().ok()),
        }),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => {
            Err(Why::new(WhyKind::Missing, format!("the engine has no image {name}")))
        }
        Err(error) => Err(engine.why(&error)),
    }
}

/// Whether the hosts that no container answers to resolve here.
async fn hosts(docker: &Runtime, until: Instant) -> BTreeMap<Name, Seen<bool>> {
    let addresses = docker.instances().flat_map(|container| container.environment.values());
    let hosts: BTreeSet<String> = addresses.flat_map(|address| hosts_of(address)).collect();
    let strange = |host: &String| {
        let known = docker.answering_to(host).is_some() || is_own(host) || host.parse::<IpAddr>().is_ok();
        !known && !host.is_empty()
    };
    let patience = until.min(Instant::now() + FOR_NAMES);
    let asked = hosts.into_iter().filter(strange).map(|host| async move {
        let found = tokio::time::timeout_at(patience, tokio::net::lookup_host((host.as_str(), 0))).await;
        let found = found.map(|found| found.is_ok_and(|mut addresses| addresses.next().is_some()));
        let resolves = match found {
            Ok(found) => Seen::Known(found),
            Err(_) => Seen::unknown(WhyKind::NoAnswer, format!("no name server has answered for {host}")),
        };
        (host, resolves)
    });
    join_all(asked).await.into_iter().collect()
}

/// The containers once more, by id; not if there is no time for it.
async fn later(
    engine: &Engine,
    docker: &Runtime,
    (first, settle): (Instant, Duration),
    until: Instant,
) -> BTreeMap<String, Later> {
    let Some(at) = first.checked_add(settle).filter(|at| *at < until) else {
        return BTreeMap::new();
    };
    sleep_until(at).await;
    let after_ms = u64::try_from(first.elapsed().as_millis()).unwrap_or(u64::MAX);
    let ids = docker.instances().map(|container| async move {
        let seen = tokio::time::timeout_at(until, inspect(engine, &container.id)).await;
        let seen = seen.ok()?.ok()??;
        let state: ContainerState = seen.state.unwrap_or_default();
        let later = Later {
            after_ms,
            state: crate::collect::runtime::docker::container::status(&state),
            restarts: seen.restart_count.unwrap_or_default(),
            started: crate::collect::runtime::docker::container::started(&state),
        };
        Some((container.id.clone(), later))
    });
    join_all(ids).await.into_iter().flatten().collect()
}
