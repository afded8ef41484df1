//! `init`: looks at what runs, and writes a file for it.

use crate::base::error::{Error, Mistake, exit};
use crate::cli::{Init, Look, quoted};
use crate::collect;
use crate::collect::discover::survey;
use crate::collect::runtime::docker::survey::must_be_named;
use crate::config::{Config, Environment};
use crate::evidence::WhyKind;
use crate::init::draft::Draft;
use crate::init::{guess, write};
use crate::input::file::in_words;
use crate::run::look::waited_for;
use crate::text::plural::count;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Looks, guesses, writes; exit code 0 also where not everything was seen: it is
/// said, and the file has its place for it.
pub fn run(args: &Init, environment: &Environment) -> Result<u8, Error> {
    if !args.stdout {
        free(&args.output)?;
    }
    let mut mistakes = Vec::new();
    // Nobody knows yet which services there are.
    let look = Look { http: Vec::new(), config: None, ..args.look.clone() };
    let config = Config::undescribed(&look, environment, &mut mistakes);
    if let Some(config) = &config {
        collect::check(config, &mut mistakes);
    }
    let Some(config) = config.filter(|_| mistakes.is_empty()) else { return Err(Error::Usage(mistakes)) };
    let seen = waited_for(survey(&config))?;
    if let Some(why) = must_be_named(&seen.docker) {
        let mistake = Mistake::new("init", why.say.clone());
        return Err(Error::usage(mistake.help("choose one with --project")));
    }
    if let Some(why) = seen.docker.why().filter(|why| why.kind == WhyKind::Missing && look.project.is_some())
    {
        let mistake =
            Mistake::new(format!("--project {}", look.project.unwrap_or_default()), why.say.clone());
        return Err(Error::usage(mistake.help("start it first, or name one that is there")));
    }
    let draft = guess(&seen);
    let text = write(&draft);
    for unseen in &draft.unseen {
        let _ = writeln!(io::stderr(), "not seen: {unseen}");
    }
    if args.stdout {
        io::stdout().lock().write_all(text.as_bytes())?;
        let _ = write!(io::stderr(), "{}", summary(&draft, Path::new("FILE")));
    } else {
        put(&args.output, &text)?;
        write!(io::stdout().lock(), "{}", summary(&draft, &args.output))?;
    }
    Ok(exit::HEALTHY)
}

/// A file that is there is somebody's work.
fn free(file: &Path) -> Result<(), Error> {
    match file.symlink_metadata() {
        Ok(_) => Err(taken(file)),
        Err(_) => Ok(()),
    }
}

fn taken(file: &Path) -> Error {
    let mistake = Mistake::new(format!("--output {}", file.display()), "is there already, and is left alone");
    Error::usage(mistake.help("name another file with --output, or see it with --stdout"))
}

fn put(file: &Path, text: &str) -> Result<(), Error> {
    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    opened.and_then(|mut opened| opened.write_all(text.as_bytes())).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => taken(file),
        _ => {
            let place = format!("--output {}", file.display());
            let mistake = Mistake::new(place, format!("cannot be written: {}", in_words(&error)));
            Error::usage(mistake.help("name a file in a directory that you may write to"))
        }
    })
}

/// What was found, and how to go on.
fn summary(draft: &Draft, file: &Path) -> String {
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
        text += &format!("  {:<14} {from}{} -> {}\n", stage.name, stage.worker, stage.effect);
    }
    text += &format!("The id: {} ({}).\n", draft.id.name, draft.id.format);
    let to_fill = draft.stages.iter().filter(|stage| stage.to_fill).count();
    if to_fill > 0 {
        text += &format!("{} nobody could see: look for \"to fill in\".\n", number(to_fill, "stage"));
    }
    if let Some(few) = &draft.few {
        text += &format!("{few}\n");
    }
    let file = quoted(&file.display().to_string());
    text += &format!(
        "\nNow read it, what says \"guessed\" first. Then:\n  pipeline-doctor lint --config {file}\n  pipeline-doctor --config {file}\n"
    );
    text
}
