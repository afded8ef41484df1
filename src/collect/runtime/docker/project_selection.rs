//! Selects the pipeline's containers if several projects run on one engine.

use crate::collect::runtime::docker::container_list::Listed;
use crate::evidence::{Name, Reason, ReasonKind};
use crate::pipeline::{Pipeline, Role};
use std::collections::{BTreeMap, BTreeSet};

/// The selected project and containers.
#[derive(Debug, PartialEq)]
pub(crate) struct Choice {
    /// The compose project, if one matches.
    pub(crate) project: Option<Name>,
    /// Other projects that have services with the same names.
    pub(crate) others: Vec<Name>,
    /// Ids of the containers to inspect.
    pub(crate) ids: Vec<String>,
}

/// Selects the compose project, its containers, and other containers with a declared name.
pub(crate) fn choose(
    listed: &[Listed],
    pipeline: &Pipeline,
    requested: Option<&str>,
) -> Result<Choice, Reason> {
    let projects = projects(listed, pipeline);
    let project = match requested {
        Some(requested) => Some(find_requested(requested, listed)?),
        None => best_match(&projects, listed, pipeline)?,
    };
    let of_project: Vec<&Listed> =
        listed.iter().filter(|c| project.is_some() && c.project == project).collect();
    let by_name: Vec<&Listed> = listed
        .iter()
        .filter(|c| c.project.is_none() || (requested.is_none() && c.project != project))
        .filter(|c| {
            component_by_name(c, pipeline).is_some_and(|component| !has_component(&of_project, component))
        })
        .collect();
    let selected: BTreeSet<&str> =
        of_project.iter().chain(&by_name).filter_map(|c| c.project.as_deref()).collect();
    Ok(Choice {
        others: projects.keys().filter(|name| !selected.contains(*name)).map(ToString::to_string).collect(),
        ids: of_project.iter().chain(&by_name).map(|c| c.id.clone()).collect(),
        project,
    })
}

fn has_component(containers: &[&Listed], component: &str) -> bool {
    containers.iter().any(|c| c.service.as_deref() == Some(component))
}

/// The pipeline components that a project contains.
#[derive(Default)]
struct Components<'a> {
    names: BTreeSet<&'a str>,
    /// Whether any component is specific to the pipeline. Databases and brokers are not, because
    /// their names are common in other projects.
    distinctive: bool,
}

fn projects<'a>(listed: &'a [Listed], pipeline: &'a Pipeline) -> BTreeMap<&'a str, Components<'a>> {
    let mut projects: BTreeMap<&str, Components> = BTreeMap::new();
    for container in listed {
        let by_name = component_by_name(container, pipeline);
        let component = component_by_service(container, pipeline).or(by_name);
        if let (Some(project), Some(component)) = (container.project.as_deref(), component) {
            let components = projects.entry(project).or_default();
            components.names.insert(component);
            components.distinctive |= by_name.is_some() || !is_common(component, pipeline);
        }
    }
    projects
}

fn is_common(component: &str, pipeline: &Pipeline) -> bool {
    pipeline.service(component).is_some_and(|service| matches!(service.role, Role::Broker | Role::Database))
}

fn component_by_service<'a>(container: &Listed, pipeline: &'a Pipeline) -> Option<&'a str> {
    let service = container.service.as_deref()?;
    let mut names = pipeline.components().map(|(name, _)| name);
    names.find(|name| *name == service)
}

fn component_by_name<'a>(container: &Listed, pipeline: &'a Pipeline) -> Option<&'a str> {
    let mut components = pipeline.components();
    components.find(|(_, name)| *name == Some(container.name.as_str())).map(|(component, _)| component)
}

fn find_requested(requested: &str, listed: &[Listed]) -> Result<Name, Reason> {
    let all: BTreeSet<&str> = listed.iter().filter_map(|c| c.project.as_deref()).collect();
    if all.contains(requested) {
        return Ok(requested.into());
    }
    let existing = match all.is_empty() {
        true => "no compose project exists".to_string(),
        false => format!("existing: {}", all.into_iter().collect::<Vec<_>>().join(", ")),
    };
    let message = format!("no containers in compose project `{requested}`; {existing}");
    Err(Reason::new(ReasonKind::Missing, message))
}

/// Returns the project named in the pipeline if it exists, or else the project with the
/// most pipeline components.
fn best_match(
    projects: &BTreeMap<&str, Components>,
    listed: &[Listed],
    pipeline: &Pipeline,
) -> Result<Option<Name>, Reason> {
    let preferred = pipeline.compose.project.as_deref();
    if preferred.is_some() && listed.iter().any(|c| c.project.as_deref() == preferred) {
        return Ok(preferred.map(Name::from));
    }
    let distinctive = || projects.iter().filter(|(_, components)| components.distinctive);
    let most = distinctive().map(|(_, components)| components.names.len()).max();
    let candidates: Vec<&str> = distinctive()
        .filter(|(_, components)| Some(components.names.len()) == most)
        .map(|(name, _)| *name)
        .collect();
    match candidates.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).into())),
        several => {
            let message = format!(
                "{} compose projects run these services: {}; choose one with --project",
                several.len(),
                several.join(", ")
            );
            Err(Reason::new(ReasonKind::Ambiguous, message))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::input::Source;
    use crate::pipeline::Pipeline;

    /// A pipeline with one worker, one API and one database.
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

    fn in_project(project: &str, service: &str) -> Listed {
        let name = format!("{project}-{service}-1");
        Listed {
            id: name.clone(),
            name,
            project: Some(project.into()),
            service: Some(service.into()),
            running: true,
        }
    }

    fn without_project(name: &str) -> Listed {
        Listed { id: name.into(), name: name.into(), ..Listed::default() }
    }

    #[test]
    fn selects_only_the_project_with_most_components() {
        let listed = [
            in_project("a", "api"),
            in_project("b", "api"),
            in_project("b", "packer"),
            in_project("b", "web"),
        ];
        let choice = choose(&listed, &pipeline(""), None).unwrap();
        assert_eq!(choice.project.as_deref(), Some("b"));
        assert_eq!(choice.others, ["a"]);
        assert_eq!(choice.ids, ["b-api-1", "b-packer-1", "b-web-1"]);
    }

    #[test]
    fn reports_tie_as_ambiguous_unless_project_is_named() {
        let listed = [in_project("a", "api"), in_project("b", "api")];
        let why = choose(&listed, &pipeline(""), None).unwrap_err();
        assert_eq!(why.kind, ReasonKind::Ambiguous);
        assert_eq!(why.message, "2 compose projects run these services: a, b; choose one with --project");
        let requested = choose(&listed, &pipeline(""), Some("a")).unwrap();
        assert_eq!(requested.ids, ["a-api-1"]);
        let hinted = pipeline("compose = { project = \"b\" }");
        assert_eq!(choose(&listed, &hinted, None).unwrap().ids, ["b-api-1"]);
    }

    #[test]
    fn database_alone_does_not_select_project() {
        let choice = choose(&[in_project("blog", "db")], &pipeline(""), None).unwrap();
        assert_eq!(choice.project, None);
        assert_eq!(choice.others, ["blog"]);
        assert_eq!(choice.ids, Vec::<String>::new());
    }

    #[test]
    fn reports_missing_project() {
        let why = choose(&[in_project("a", "api")], &pipeline(""), Some("z")).unwrap_err();
        assert_eq!(why.message, "no containers in compose project `z`; existing: a");
    }

    #[test]
    fn adds_named_container_that_the_project_lacks() {
        let listed = [
            in_project("a", "api"),
            without_project("shop-packer"),
            without_project("shop-api"),
            without_project("x"),
        ];
        let choice = choose(&listed, &pipeline(""), None).unwrap();
        assert_eq!(choice.ids, ["a-api-1", "shop-packer"]);
    }
}
