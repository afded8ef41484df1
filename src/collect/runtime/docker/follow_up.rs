//! Engine data that no other driver waits for: the engine's clock, the images that tags
//! currently point to, and the containers' state a little later.

use crate::collect::runtime::docker::{Engine, before_deadline, container, inspect};
use crate::collect::{interrupt, now, timeout_at, with_deadline};
use crate::config::Config;
use crate::evidence::{
    Clock, Image, Instance, InstanceState, LaterState, Name, Observed, Reason, ReasonKind, Runtime,
};
use crate::text::address::{hosts_of, is_loopback_host};
use bollard::errors::Error;
use bollard::models::ContainerState;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use tokio::time::{Duration, Instant};

/// Timeout for a DNS lookup.
const DNS_TIMEOUT: Duration = Duration::from_secs(1);

/// Completes the evidence collected at `first` with `/info`, `/images/{name}/json` and,
/// after `--settle`, `/containers/{id}/json` again.
pub async fn follow_up(
    config: &Config,
    runtime: Observed<Runtime>,
    first: Instant,
    until: Instant,
) -> Observed<Runtime> {
    let (Observed::Known(mut docker), Ok(engine)) = (runtime.clone(), Engine::connect(config)) else {
        return runtime;
    };
    let until = before_deadline(until);
    let (clock, images, hosts, later) = tokio::join!(
        clock(&engine, until),
        images(&engine, &docker, until),
        hosts(&docker, until),
        inspect_again(&engine, &docker, (first, config.settle), until),
    );
    docker.clock = clock;
    docker.images = images;
    docker.hosts = hosts;
    for container in docker.instances_mut() {
        container.again = later.get(&container.id).cloned();
    }
    Observed::Known(docker)
}

async fn clock(engine: &Engine, until: Instant) -> Option<Clock> {
    let sent = now();
    let info = timeout_at(until, engine.client.info()).await.ok()?.ok()?;
    let engine_time = info.system_time?.parse().ok()?;
    Some(Clock::between(sent, engine_time, now(), 0))
}

/// Reads the images that the containers were created from, and the images that their image
/// references currently point to.
async fn images(engine: &Engine, docker: &Runtime, until: Instant) -> BTreeMap<String, Observed<Image>> {
    let names = docker.instances().flat_map(|container| [&container.image, &container.image_id]);
    let names: BTreeSet<&String> = names.filter(|name| !name.is_empty()).collect();
    let lookups = names.into_iter().cloned().map(|name| async move {
        let image = with_deadline(&engine.address, until, image(engine, &name)).await;
        (name, Observed::from(image))
    });
    // Leave connections for the other requests in case all of these lookups hang.
    stream::iter(lookups).buffered(IMAGES_AT_ONCE).collect().await
}

/// Maximum number of images looked up at the same time.
const IMAGES_AT_ONCE: usize = 8;

async fn image(engine: &Engine, name: &str) -> Result<Image, Reason> {
    match engine.client.inspect_image(name).await {
        Ok(image) => Ok(Image {
            id: image.id.unwrap_or_default(),
            created: image.created.and_then(|created| created.parse().ok()),
        }),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => {
            Err(Reason::new(ReasonKind::Missing, format!("the engine has no image {name}")))
        }
        Err(error) => Err(engine.reason(&error)),
    }
}

/// Checks whether host names that do not belong to any container resolve from here.
async fn hosts(docker: &Runtime, until: Instant) -> BTreeMap<Name, Observed<bool>> {
    let addresses = docker.instances().flat_map(|container| container.environment.values());
    let hosts: BTreeSet<String> = addresses.flat_map(|address| hosts_of(address)).collect();
    let is_external = |host: &String| {
        let known = docker.instance_at_host(host).is_some()
            || is_loopback_host(host)
            || host.parse::<IpAddr>().is_ok();
        !known && !host.is_empty()
    };
    let dns_until = until.min(Instant::now() + DNS_TIMEOUT);
    let lookups = hosts.into_iter().filter(is_external).map(|host| async move {
        let found = timeout_at(dns_until, tokio::net::lookup_host((host.as_str(), 0))).await;
        let found = found.map(|found| found.is_ok_and(|mut addresses| addresses.next().is_some()));
        let resolves = match found {
            Ok(found) => Observed::Known(found),
            Err(_) if interrupt::interruption().is_some() => Observed::Unknown(interrupt::reason()),
            Err(_) => Observed::unknown(ReasonKind::NoAnswer, format!("the DNS lookup for {host} timed out")),
        };
        (host, resolves)
    });
    join_all(lookups).await.into_iter().collect()
}

/// A container that was restarted and has run for less than this may end again.
const YOUNG: SignedDuration = SignedDuration::from_secs(60);
/// A container that has ended within this time may be restarted by hand just now.
const JUST_ENDED: SignedDuration = SignedDuration::from_secs(5);

/// Reports whether the container may be restarting. One that has run or lain still for a while changes nothing
/// that matters within a second.
fn may_restart(container: &Instance) -> bool {
    let since = |at: Option<Timestamp>, max| at.is_some_and(|at| now().duration_since(at) < max);
    match container.state {
        InstanceState::Created | InstanceState::Paused => false,
        InstanceState::Restarting => true,
        InstanceState::Running => container.restarts > 0 && since(container.started, YOUNG),
        _ => since(container.finished, JUST_ENDED),
    }
}

/// Inspects the containers that may be restarting again, by id, if there is enough time.
async fn inspect_again(
    engine: &Engine,
    docker: &Runtime,
    (first, settle): (Instant, Duration),
    until: Instant,
) -> BTreeMap<String, LaterState> {
    let open: Vec<&Instance> = docker.instances().filter(|container| may_restart(container)).collect();
    let Some(at) = first.checked_add(settle).filter(|at| *at < until && !open.is_empty()) else {
        return BTreeMap::new();
    };
    let _ = timeout_at(at, std::future::pending::<()>()).await;
    let after_ms = u64::try_from(first.elapsed().as_millis()).unwrap_or(u64::MAX);
    let ids = open.into_iter().map(|container| async move {
        let response = timeout_at(until, inspect(engine, &container.id)).await;
        let response = response.ok()?.ok()??;
        let state: ContainerState = response.state.unwrap_or_default();
        let later = LaterState {
            after_ms,
            state: container::status(&state),
            restarts: response.restart_count.unwrap_or_default(),
            started: container::started(&state),
        };
        Some((container.id.clone(), later))
    });
    join_all(ids).await.into_iter().flatten().collect()
}
