//! How many events are stuck, and where.

use crate::report::material::Material;
use crate::report::model::{Extent, StageExtent};

/// The stuck events of all stages.
pub(super) fn extent(material: &Material) -> Extent {
    let view = material.view();
    let stages = material.pipeline.stage.iter();
    let seen: Vec<_> = stages.filter_map(|stage| Some((stage, *view.extent(stage).known()?))).collect();
    let mut newest: Vec<_> = seen.iter().flat_map(|(_, extent)| &extent.newest).collect();
    newest.sort_by(|a, b| (b.at, &a.id).cmp(&(a.at, &b.id)));
    // Where ways branch, one event may be stuck at several stages.
    let mut ids: Vec<&String> = Vec::new();
    newest.iter().for_each(|stuck| {
        if !ids.contains(&&stuck.id) {
            ids.push(&stuck.id);
        }
    });
    let all_listed = seen.iter().all(|(_, extent)| extent.stuck == extent.newest.len() as u64);
    let stuck = match all_listed {
        true => ids.len() as u64,
        false => seen.iter().map(|(_, extent)| extent.stuck).sum(),
    };
    Extent {
        window_s: material.evidence.target.window_s,
        complete: seen.len() == material.pipeline.stage.len()
            && seen.iter().all(|(_, extent)| !extent.limited)
            && view.caught_up().known().is_some(),
        stuck: (!seen.is_empty()).then_some(stuck),
        since: seen.iter().filter_map(|(_, extent)| extent.since).min(),
        last_good: seen.iter().filter_map(|(_, extent)| extent.last_good).max(),
        newest_ids: ids.into_iter().take(Extent::SHOWN).cloned().collect(),
        stages: seen
            .iter()
            .map(|(stage, extent)| StageExtent {
                stage: stage.name.clone(),
                events: extent.events,
                stuck: extent.stuck,
                limited: extent.limited,
            })
            .collect(),
    }
}
