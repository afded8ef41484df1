//! Which containers are the pipeline's, where several projects run on one engine.

use crate::evidence::{Name, Why, WhyKind};
use crate::pipeline::{Pipeline, Role};
use std::collections::{BTreeMap, BTreeSet};

/// A container as the engine lists it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) name: Name,
    pub(crate) project: Option<Name>,
    pub(crate) service: Option<Name>,
}

/// What was chosen.
#[derive(Debug, PartialEq)]
pub(crate) struct Choice {
    /// The compose project, if one matches.
    pub(crate) project: Option<Name>,
    /// Other projects that run services of the same names.
    pub(crate) others: Vec<Name>,
    /// Ids of the containers to look at.
    pub(crate) ids: Vec<String>,
}

/// Chooses the compose project, and the containers that count: those of the
/// project, and those that carry a declared container name.
pub(crate) fn choose(listed: &[Listed], pipeline: &Pipeline, asked: Option<&str>) -> Result<Choice, Why> {
    let projects = projects(listed, pipeline);
    let project = match asked {
        Some(asked) => Some(asked_for(asked, listed)?),
        None => best(&projects, listed, pipeline)?,
    };
    let own: Vec<&Listed> = listed.iter().filter(|c| project.is_some() && c.project == project).collect();
    let named: Vec<&Listed> = listed
        .iter()
        .filter(|c| c.project.is_none() || (asked.is_none() && c.project != project))
        .filter(|c| part_by_name(c, pipeline).is_some_and(|part| !has_part(&own, part)))
        .collect();
    let taken: BTreeSet<&str> = own.iter().chain(&named).filter_map(|c| c.project.as_deref()).collect();
    Ok(Choice {
        others: projects.keys().filter(|name| !taken.contains(*name)).map(ToString::to_string).collect(),
        ids: own.iter().chain(&named).map(|c| c.id.clone()).collect(),
        project,
    })
}

fn has_part(containers: &[&Listed], part: &str) -> bool {
    containers.iter().any(|c| c.service.as_deref() == Some(part))
}

/// What a project has of the pipeline.
#[derive(Default)]
struct Parts<'a> {
    names: BTreeSet<&'a str>,
    /// It has something that no other pipeline has: more than a database or a
    /// broker, which any project may call by the same name.
    telling: bool,
}

fn projects<'a>(listed: &'a [Listed], pipeline: &'a Pipeline) -> BTreeMap<&'a str, Parts<'a>> {
    let mut projects: BTreeMap<&str, Parts> = BTreeMap::new();
    for container in listed {
        let by_name = part_by_name(container, pipeline);
        let part = part_by_service(container, pipeline).or(by_name);
        if let (Some(project), Some(part)) = (container.project.as_deref(), part) {
            let parts = projects.entry(project).or_default();
            parts.names.insert(part);
            parts.telling |= by_name.is_some() || !is_common(part, pipeline);
        }
    }
    projects
}

fn is_common(part: &str, pipeline: &Pipeline) -> bool {
    pipeline.service(part).is_some_and(|service| matches!(service.role, Role::Broker | Role::Database))
}

fn part_by_service<'a>(container: &Listed, pipeline: &'a Pipeline) -> Option<&'a str> {
    let service = container.service.as_deref()?;
    let mut names = pipeline.parts().map(|(name, _)| name);
    names.find(|name| *name == service)
}

fn part_by_name<'a>(container: &Listed, pipeline: &'a Pipeline) -> Option<&'a str> {
    let mut parts = pipeline.parts();
    parts.find(|(_, name)| *name == Some(container.name.as_str())).map(|(part, _)| part)
}

fn asked_for(asked: &str, listed: &[Listed]) -> Result<Name, Why> {
    let all: BTreeSet<&str> = listed.iter().filter_map(|c| c.project.as_deref()).collect();
    if all.contains(asked) {
        return Ok(asked.into());
    }
    let seen = match all.is_empty() {
        true => "there is no compose project here".to_string(),
        false => format!("here: {}", all.into_iter().collect::<Vec<_>>().join(", ")),
    };
    let say = format!("no container of compose project `{asked}`; {seen}");
    Err(Why::new(WhyKind::Missing, say))
}

/// The project that the pipeline prefers, if it is there; else the one with
/// most of the pipeline's parts.
fn best(
    projects: &BTreeMap<&str, Parts>,
    listed: &[Listed],
    pipeline: &Pipeline,
) -> Result<Option<Name>, Why> {
    let preferred = pipeline.compose.project.as_deref();
    if preferred.is_some() && listed.iter().any(|c| c.project.as_deref() == preferred) {
        return Ok(preferred.map(Name::from));
    }
    let telling = || projects.iter().filter(|(_, parts)| parts.telling);
    let most = telling().map(|(_, parts)| parts.names.len()).max();
    let winners: Vec<&str> =
        telling().filter(|(_, parts)| Some(parts.names.len()) == most).map(|(name, _)| *name).collect();
    match winners.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).into())),
        several => {
            let say = format!(
                "{} compose projects run these services: {}; choose with --project",
                several.len(),
                several.join(", ")
            );
            Err(Why::new(WhyKind::Ambiguous, say))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::input::Source;
    use crate::pipeline::Pipeline;

    /// A pipeline of one worker, one API, one database.
    pub(crate) fn pipeline(hints: &str) -> Pipeline {
        let text = format!(
            r#"
name = "shop"
noun = ["order", "orders"]
id = {{ name = "order id", format = "text" }}
kafka = {{ service = "db" }}
postgres = {{ service = "db" }}
marks = {{ table = "t", id = "i", event_id = "e", event_type = "y", source = "s", processed_at = "p" }}
event = {{ sql = "select 1", keys = ["customer"] }}
{hints}
[[service]]
name = "api"
role = "api"
container = "shop-api"
port = 80
health = "/health"
address_variable = "API_URL"
[[service]]
name = "db"
role = "database"
[[worker]]
name = "packer"
container = "shop-packer"
group = "packers"
topics = []
started = 'Packer started'
deploy = {{ image = "shop", environment = ["API_URL", "SHOP_TOKEN"] }}
"#
        );
        let source = Source { name: "shop.toml".into(), text };
        let mut mistakes = Vec::new();
        let pipeline = Pipeline::read(&source, &mut mistakes);
        assert!(mistakes.is_empty(), "{mistakes:#?}");
        pipeline.unwrap()
    }

    fn of(project: &str, service: &str) -> Listed {
        let name = format!("{project}-{service}-1");
        Listed { id: name.clone(), name, project: Some(project.into()), service: Some(service.into()) }
    }

    fn by_hand(name: &str) -> Listed {
        Listed { id: name.into(), name: name.into(), ..Listed::default() }
    }

    #[test]
    fn the_project_with_most_parts_is_chosen_and_the_others_are_not_mixed_in() {
        let listed = [of("a", "api"), of("b", "api"), of("b", "packer"), of("b", "web")];
        let choice = choose(&listed, &pipeline(""), None).unwrap();
        assert_eq!(choice.project.as_deref(), Some("b"));
        assert_eq!(choice.others, ["a"]);
        assert_eq!(choice.ids, ["b-api-1", "b-packer-1", "b-web-1"]);
    }

    #[test]
    fn a_tie_is_ambiguous_unless_somebody_says_which() {
        let listed = [of("a", "api"), of("b", "api")];
        let why = choose(&listed, &pipeline(""), None).unwrap_err();
        assert_eq!(why.kind, WhyKind::Ambiguous);
        assert_eq!(why.say, "2 compose projects run these services: a, b; choose with --project");
        let asked = choose(&listed, &pipeline(""), Some("a")).unwrap();
        assert_eq!(asked.ids, ["a-api-1"]);
        let hinted = pipeline("compose = { project = \"b\" }");
        assert_eq!(choose(&listed, &hinted, None).unwrap().ids, ["b-api-1"]);
    }

    #[test]
    fn a_database_alone_does_not_make_it_the_pipelines_project() {
        let choice = choose(&[of("blog", "db")], &pipeline(""), None).unwrap();
        assert_eq!(choice.project, None);
        assert_eq!(choice.others, ["blog"]);
        assert_eq!(choice.ids, Vec::<String>::new());
    }

    #[test]
    fn a_project_that_is_not_there_is_said_to_be_missing() {
        let why = choose(&[of("a", "api")], &pipeline(""), Some("z")).unwrap_err();
        assert_eq!(why.say, "no container of compose project `z`; here: a");
    }

    #[test]
    fn a_container_by_hand_counts_by_its_name_where_the_project_has_none() {
        let listed = [of("a", "api"), by_hand("shop-packer"), by_hand("shop-api"), by_hand("x")];
        let choice = choose(&listed, &pipeline(""), None).unwrap();
        assert_eq!(choice.ids, ["a-api-1", "shop-packer"]);
    }
}
