//! `init`: inspects the running system and writes a pipeline file for it.

use crate::base::error::{Error, Mistake, exit};
use crate::base::secret::{add_names, renumber, withhold};
use crate::base::visible_text::visible;
use crate::cli::{Init, TargetOptions};
use crate::collect::discover::discover;
use crate::collect::discovered::Discovery;
use crate::collect::runtime::docker::discovery::ambiguous_project;
use crate::collect::{self, interrupt};
use crate::config::{Config, Environment};
use crate::evidence::ReasonKind;
use crate::init::draft::Draft;
use crate::init::{build_draft, write};
use crate::input::text_file::describe;
use crate::printed_command::shell::quote;
use crate::run::gather::block_on;
use crate::run::output_file::{self, Existing};
use crate::text::plural::count;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Discovers the system, drafts the pipeline and writes the file. Unavailable systems do not
/// make the command fail. They are listed on stderr and in the file, with placeholders to fill in.
pub fn run(args: &Init, environment: &Environment) -> Result<u8, Error> {
    if !args.stdout {
        refuse_existing(&args.output)?;
    }
    let mut mistakes = Vec::new();
    // Services are not known yet, so --http and --config do not apply.
    let options = TargetOptions { http: Vec::new(), config: None, ..args.target.clone() };
    let config = Config::for_discovery(&options, environment, &mut mistakes);
    if let Some(config) = &config {
        collect::check(config, &mut mistakes);
    }
    let Some(config) = config.filter(|_| mistakes.is_empty()) else { return Err(Error::Usage(mistakes)) };
    let discovery = block_on(discover(&config))?;
    if let Some(why) = ambiguous_project(&discovery.docker) {
        let mistake = Mistake::new("init", why.message.clone());
        return Err(Error::usage(mistake.help("choose one with --project")));
    }
    if let Some(why) =
        discovery.docker.reason().filter(|why| why.kind == ReasonKind::Missing && options.project.is_some())
    {
        let mistake =
            Mistake::new(format!("--project {}", options.project.unwrap_or_default()), why.message.clone());
        return Err(Error::usage(mistake.help("start it first, or name an existing project")));
    }
    let draft = build_draft(&discovery);
    add_names(names(&discovery));
    // Rows, records and commands may hold secrets that only their context reveals.
    let mut text = renumber(&withhold(&write(&draft)));
    if let Some(interruption) = interrupt::interruption() {
        let _ = writeln!(io::stderr(), "{}", interruption.describe());
        text.insert_str(0, &format!("# {}\n", interruption.describe()));
    }
    for unavailable in &draft.unavailable {
        let _ = writeln!(io::stderr(), "not seen: {}", visible(&withhold(unavailable)));
    }
    if args.stdout {
        io::stdout().lock().write_all(text.as_bytes())?;
        let _ = write!(io::stderr(), "{}", withhold(&summary(&draft, Path::new("FILE"))));
    } else {
        create_file(&args.output, &text)?;
        write!(io::stdout().lock(), "{}", withhold(&summary(&draft, &args.output)))?;
    }
    Ok(exit::HEALTHY)
}

/// Returns the names that were discovered, which stay readable even if a password is the same.
fn names(discovery: &Discovery) -> Vec<String> {
    let cluster = discovery.kafka.known();
    let topics = cluster.into_iter().flat_map(|cluster| cluster.topics.keys().chain(cluster.groups.keys()));
    let tables = discovery.databases.iter().filter_map(|database| database.tables.known()).flatten();
    let columns = tables.clone().flat_map(|table| table.columns.iter().map(|column| &column.name));
    let components = discovery.components.iter().map(|component| &component.name);
    let databases = discovery.databases.iter().map(|database| &database.name);
    let all = topics.chain(tables.map(|table| &table.name)).chain(columns).chain(components).chain(databases);
    all.cloned().collect()
}

/// Fails if the file exists, because it may contain manual edits, or if it cannot be created.
fn refuse_existing(file: &Path) -> Result<(), Error> {
    match (file.symlink_metadata(), output_file::refusal(file)) {
        (Ok(_), _) if file != Path::new("/dev/null") => Err(already_exists(file)),
        (_, Some(why)) => Err(unwritable(file, why)),
        (_, None) => Ok(()),
    }
}

fn already_exists(file: &Path) -> Error {
    let mistake = Mistake::new(format!("--output {}", file.display()), "already exists; not overwritten");
    Error::usage(mistake.help("name another file with --output, or print the text with --stdout"))
}

fn unwritable(file: &Path, why: &str) -> Error {
    let place = format!("--output {}", file.display());
    let mistake = Mistake::new(place, format!("cannot be written: {why}"));
    Error::usage(mistake.help("name a file in a directory that you can write to"))
}

/// Creates the file. Fails if it exists.
fn create_file(file: &Path, text: &str) -> Result<(), Error> {
    output_file::write(file, text, Existing::Keep).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => already_exists(file),
        _ => unwritable(file, &describe(&error)),
    })
}

/// Returns what was found, and the next steps, as a terminal may show it.
pub fn summary(draft: &Draft, file: &Path) -> String {
    let number = |number: usize, one: &str| count(number as u64, one);
    let services = draft.services.len();
    let found = [
        number(services, "service"),
        number(draft.workers.len(), "worker"),
        number(draft.topics.len(), "topic"),
        number(draft.stages.len(), "stage"),
    ];
    let mut text = format!("Found {}.\n", found.join(", "));
    for stage in &draft.stages {
        let from = stage.topic.as_ref().map(|topic| format!("{topic} -> ")).unwrap_or_default();
        let line = format!("{:<14} {from}{} -> {}", stage.name, stage.worker, stage.effect);
        text += &format!("  {}\n", visible(&line));
    }
    text += &format!("ID: {} ({}).\n", visible(&draft.id.name), draft.id.format);
    let incomplete = draft.stages.iter().filter(|stage| stage.incomplete).count();
    if incomplete > 0 {
        text += &format!("Fill in {}: search for \"TODO\".\n", number(incomplete, "incomplete stage"));
    }
    if let Some(hint) = &draft.more_events_hint {
        text += &format!("{}\n", visible(hint));
    }
    let file = quote(&file.display().to_string());
    let file = visible(&file);
    text += &format!(
        "\nReview the file, starting with the lines marked \"guessed\". Then run:\n  \
         pipeline-doctor lint --config {file}\n  pipeline-doctor --config {file}\n"
    );
    text
}
