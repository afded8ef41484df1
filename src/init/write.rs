//! The file: TOML with comments that say where everything was found. Names are
//! somebody else's: each is quoted as TOML wants it.

use crate::init::draft::{Draft, Line, Service, Stage, System, Worker};
use toml::Value;

/// Comments are wrapped at this column.
const WIDTH: usize = 78;

/// The whole text of the file.
pub fn write(draft: &Draft) -> String {
    let mut file = File::default();
    head(&mut file, draft);
    systems(&mut file, draft);
    file.section("who takes part");
    for service in &draft.services {
        write_service(&mut file, service);
    }
    for worker in &draft.workers {
        write_worker(&mut file, worker, draft.kafka.is_some());
    }
    if draft.workers.is_empty() {
        file.comment("to fill in: no worker was found. One looks like this:");
        file.comment_lines("[[worker]]\nname = \"packer\"\ngroup = \"packers\"\ntopics = [\"orders\"]");
        file.blank();
    }
    for (name, why) in &draft.left_out {
        file.comment(&format!("left out: {name}: {why}"));
    }
    topics(&mut file, draft);
    database(&mut file, draft);
    stages(&mut file, draft);
    lines(&mut file, &draft.lines);
    file.text
}

/// The text while it grows.
#[derive(Default)]
struct File {
    text: String,
}

impl File {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn blank(&mut self) {
        if !self.text.ends_with("\n\n") && !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A comment, wrapped. Whatever it holds, it stays one.
    fn comment(&mut self, words: &str) {
        let mut line = String::from("#");
        for word in words.split_whitespace() {
            if line.len() + word.len() >= WIDTH && line.len() > 1 {
                self.line(&line);
                line = String::from("#");
            }
            line.push(' ');
            line.extend(word.chars().filter(|letter| !letter.is_control()));
        }
        self.line(&line);
    }

    fn comment_lines(&mut self, text: &str) {
        for line in text.lines() {
            let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
            self.line(format!("# {line}").trim_end());
        }
    }

    fn section(&mut self, title: &str) {
        self.blank();
        let bar = "-".repeat(WIDTH.saturating_sub(title.len() + 5));
        self.line(&format!("# {title} {bar}"));
        self.blank();
    }

    fn table(&mut self, header: &str, why: &str) {
        self.blank();
        if !why.is_empty() {
            self.comment(why);
        }
        self.line(header);
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.line(&format!("{key} = {}", value.into()));
    }

    fn set_some<T: Into<Value>>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    fn set_list(&mut self, key: &str, list: &[String]) {
        if !list.is_empty() {
            self.set(key, list.to_vec());
        }
    }

    /// SQL over several lines, as it is, where no sign in it needs care.
    fn sql(&mut self, key: &str, sql: &str) {
        let plain = !sql.contains("\"\"\"") && !sql.contains('\\');
        let plain = plain && !sql.chars().any(|letter| letter.is_control() && letter != '\n');
        // A quote at its end would stand before three others.
        let end = if sql.ends_with('"') { "\n" } else { "" };
        match plain {
            true => self.line(&format!("{key} = \"\"\"\n{sql}{end}\"\"\"")),
            false => self.set(key, sql),
        }
    }
}

fn head(file: &mut File, draft: &Draft) {
    file.comment(
        "A pipeline as `pipeline-doctor init` has found and guessed it. What says \"guessed\" is to be \
         checked, what says \"to fill in\" nobody could see. Then: pipeline-doctor lint --config FILE, and \
         pipeline-doctor --config FILE",
    );
    for seen in &draft.seen {
        file.comment(&format!("seen: {seen}"));
    }
    for unseen in &draft.unseen {
        file.comment(&format!("not seen: {unseen}"));
    }
    if let Some(few) = &draft.few {
        file.comment(few);
    }
    file.blank();
    file.set("name", draft.name.as_str());
    file.comment("guessed: what flows through it, one and several");
    file.set("noun", vec![draft.noun.0.clone(), draft.noun.1.clone()]);
    file.table("[id]", &draft.id.why);
    file.set("name", draft.id.name.as_str());
    file.set("format", draft.id.format.as_str());
    if let Some(pattern) = &draft.id.pattern {
        file.comment("guessed: fits all that were seen");
        file.set("pattern", pattern.as_str());
    }
    if let Some(project) = &draft.project {
        file.table("[compose]", "");
        file.set("project", project.as_str());
    }
}

fn systems(file: &mut File, draft: &Draft) {
    match &draft.kafka {
        Some(kafka) => system(file, "[kafka]", kafka),
        None => {
            file.blank();
            file.comment("No [kafka]: no broker was found.");
        }
    }
    system(file, "[postgres]", &draft.postgres);
    if draft.postgres.address.is_some() {
        file.comment("A password does not belong into this file: set POSTGRES_URL to the whole address.");
    }
    for further in draft.databases.iter().filter(|further| uses(draft, &further.name)) {
        let name = key(&further.name);
        system(file, &format!("[database.{name}]"), further);
    }
    let unused = draft.databases.iter().filter(|further| !uses(draft, &further.name));
    for further in unused {
        file.blank();
        file.comment(&format!(
            "left out: database {}, {}: no table of it is used",
            further.name, further.why
        ));
    }
}

/// A name as a key: in quotes only where it must be.
fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match !name.is_empty() && name.bytes().all(bare) {
        true => name.to_string(),
        false => Value::from(name).to_string(),
    }
}

/// Whether something lies in a further database.
fn uses(draft: &Draft, database: &str) -> bool {
    let stages = draft.stages.iter().filter_map(|stage| stage.database.as_deref());
    let marks = draft.marks.as_ref().and_then(|marks| marks.database.as_deref());
    stages.chain(marks).any(|used| used == database)
}

fn system(file: &mut File, header: &str, system: &System) {
    file.table(header, &system.why);
    file.set("service", system.service.as_str());
    file.set_some("address", system.address.as_deref());
    file.set_some("used_by", system.used_by.as_deref());
}

fn write_service(file: &mut File, service: &Service) {
    file.table("[[service]]", &service.why);
    file.set("name", service.name.as_str());
    file.set("role", service.role);
    file.set_some("container", service.container.as_deref());
    file.set_some("port", service.port.map(i64::from));
    file.set_some("health", service.health.as_deref());
    file.set_some("address_variable", service.address_variable.as_deref());
    if service.health.is_none() && ["emitter", "api"].contains(&service.role) {
        file.comment("to fill in, if it has one: health = \"/health\"");
    }
}

fn write_worker(file: &mut File, worker: &Worker, kafka: bool) {
    file.table("[[worker]]", &worker.why);
    file.set("name", worker.name.as_str());
    file.set_some("container", worker.container.as_deref());
    file.set_some("group", worker.group.as_deref());
    if worker.group.is_some() {
        file.set("topics", worker.topics.clone());
    } else if kafka {
        file.comment("No group of it was seen. If it reads topics, to fill in: group and topics.");
    }
    if let Some(started) = &worker.started {
        file.comment("guessed: the first line of its log that sounds like it");
        file.set("started", started.as_str());
    }
    if !worker.image.is_empty() {
        let list = |key: &str, list: &[String]| match list {
            [] => String::new(),
            list => format!(", {key} = {}", Value::from(list.to_vec())),
        };
        let image = Value::from(worker.image.as_str());
        let (command, environment) =
            (list("command", &worker.command), list("environment", &worker.environment));
        file.line(&format!("deploy = {{ image = {image}{command}{environment} }}"));
    }
}

fn topics(file: &mut File, draft: &Draft) {
    if draft.kafka.is_none() {
        return;
    }
    file.section("topics");
    for (name, partitions, why) in &draft.topics {
        file.table("[[topic]]", why);
        file.set("name", name.as_str());
        if *partitions > 0 {
            file.set("partitions", i64::from(*partitions));
        }
    }
    if let Some(dead) = &draft.dead_letters {
        file.table("[dead_letters]", "guessed by the topic's name, and by the names of its records' headers");
        file.set("topic", dead.topic.as_str());
        if dead.reason.is_none() {
            file.comment("to fill in: no header was seen that says why");
        }
        file.set("reason", dead.reason.as_deref().unwrap_or("error"));
        file.set_some("worker", dead.worker.as_deref());
    }
}

fn database(file: &mut File, draft: &Draft) {
    file.section("what the database holds");
    match &draft.marks {
        Some(marks) => {
            file.table("[marks]", "guessed by its columns: who has processed what");
            file.set_some("database", marks.database.as_deref());
            file.set("table", marks.table.as_str());
            file.set("id", marks.id.as_str());
            file.set_some("event_id", marks.event_id.as_deref());
            file.set("event_type", marks.event_type.as_str());
            file.set("source", marks.source.as_str());
            file.set("processed_at", marks.processed_at.as_str());
        }
        None => file.comment(
            "No [marks]: no table was found that says who has processed what (an id, a type, a source, a time).",
        ),
    }
    file.table("[event]", &draft.event.why);
    file.comment("`id` and `at` of all events. If only some rows are events, add a `where`.");
    file.sql("sql", &draft.event.sql);
}

fn stages(file: &mut File, draft: &Draft) {
    file.section("the stages, in order");
    file.comment("`sql`: `id`, `at` and `status` of what the worker leaves, of all events.");
    if draft.stages.is_empty() {
        file.comment("to fill in: no stage was found.");
    }
    for stage in &draft.stages {
        write_stage(file, stage, draft);
    }
}

fn write_stage(file: &mut File, stage: &Stage, draft: &Draft) {
    let mark = if stage.to_fill { "to fill in" } else { "guessed" };
    file.table("[[stage]]", &format!("{mark}: {}", stage.why));
    file.set("name", stage.name.as_str());
    file.set("event", stage.event.as_str());
    file.set_some("topic", stage.topic.as_deref());
    if let Some(after) = &stage.after {
        file.set("after", after.clone());
    }
    file.comment(&stage.emitter_why);
    file.set("emitter", stage.emitter.as_str());
    if stage.recorded_by_emitter {
        file.comment("the emitter's own rows of this type stand among the marks");
        file.set("recorded_by_emitter", true);
    }
    file.set("worker", stage.worker.as_str());
    if draft.marks.is_some() {
        file.set_list("marked_by", &stage.marked_by);
    }
    file.set("effect", stage.effect.as_str());
    file.set_some("database", stage.database.as_deref());
    if !stage.good_status.is_empty() {
        file.comment("guessed: the statuses that were seen, without those that sound bad");
    }
    file.set_list("good_status", &stage.good_status);
    file.set_list("waiting_status", &stage.waiting_status);
    file.comment(&stage.grace_why);
    file.set("grace_s", i64::try_from(stage.grace_s).unwrap_or(i64::MAX));
    if stage.undated {
        file.comment("its rows do not say when they were written: their `at` is the event's");
        file.set("undated", true);
    }
    file.sql("sql", &stage.sql);
}

fn lines(file: &mut File, lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    file.section("lines that are logged of an event");
    file.comment("Suggestions: take the comment signs away from those that every healthy event leaves.");
    for line in lines {
        let mut one = File::default();
        one.line("[[line]]");
        one.set("name", line.name.as_str());
        one.set("part", line.part.as_str());
        one.set("stage", line.stage.as_str());
        one.set("pattern", line.pattern.as_str());
        file.blank();
        file.comment_lines(&one.text);
    }
}
