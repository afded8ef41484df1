//! How many events are stuck, and where.

use crate::report::material::Material;
use crate::report::model::{Extent, StageExtent};

/// The stuck events of all stages.
pub(super) fn extent(material: &Material) -> Extent {
    let backlog = &material.situation.backlog;
    let stages = material.pipeline.stage.iter();
    let seen = stages.filter_map(|stage| Some((stage, *backlog.extent(stage).known()?)));
    Extent {
        window_s: backlog.window_s,
        complete: backlog.complete,
        stuck: backlog.stuck,
        since: backlog.since,
        last_good: backlog.last_good,
        newest_ids: backlog.newest.iter().take(Extent::SHOWN).map(ToString::to_string).collect(),
        stages: seen
            .map(|(stage, extent)| StageExtent {
                stage: stage.name.clone(),
                events: extent.events,
                stuck: extent.stuck,
                limited: extent.limited,
            })
            .collect(),
    }
}
