//! Reads a pipeline's file: all mistakes at once, in the order of its lines.

use crate::base::error::{Mistake, by_line};
use crate::input::Source;
use crate::input::document::Document;
use crate::pipeline::model::Pipeline;
use crate::pipeline::sql;
use crate::pipeline::validate::{hops, id, lists, names, parts, patterns, stages, texts, values};

impl Pipeline {
    /// Reads a pipeline. All mistakes are put into `mistakes`; a pipeline with
    /// mistakes must not be used.
    pub fn read(source: &Source, mistakes: &mut Vec<Mistake>) -> Option<Pipeline> {
        let mut read = Vec::new();
        let pipeline: Option<Pipeline> = source.read(&mut read);
        let mut own = read.clone();
        if let Some(document) = Document::of(source) {
            id::check(&document, &mut own);
            names::check(&document, &mut own);
            stages::check(&document, &read, &mut own);
            parts::check(&document, &read, &mut own);
            hops::check(&document, &read, &mut own);
            lists::check(&document, &mut own);
            texts::check(&document, &mut own);
            values::check(&document, &mut own);
            patterns::check(&document, &mut own);
            sql::check(&document, &mut own);
            document.control_characters(&mut own);
        }
        by_line(&mut own, &[&source.name]);
        mistakes.append(&mut own);
        pipeline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> String {
        include_str!("../../tests/support/shop.toml").to_string()
    }

    fn mistakes_of(text: String) -> Vec<String> {
        let source = Source { name: "shop.toml".into(), text };
        let mut mistakes = Vec::new();
        Pipeline::read(&source, &mut mistakes);
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_further_broker_or_database_cannot_have_the_name_of_the_main_one() {
        let further = "\n[broker.kafka]\nservice = \"kafka\"\n\n[database.postgres]\nservice = \"kafka\"\n";
        let found = mistakes_of(shop() + further);
        for name in ["broker cannot be called `kafka`", "database cannot be called `postgres`"] {
            assert!(found.iter().any(|mistake| mistake.contains(name)), "{found:#?}");
        }
    }

    #[test]
    fn a_good_pipeline_has_no_mistakes() {
        assert_eq!(mistakes_of(shop()), Vec::<String>::new());
    }

    #[test]
    fn wrong_names_are_reported_together_with_the_nearest_valid_one() {
        let text = shop()
            .replace("worker = \"order-worker\"", "worker = \"oder-worker\"")
            .replace("topic = \"orders\"", "topic = \"oders\"")
            .replace("stage = \"order\"", "stage = \"oder\"");
        let found = mistakes_of(text);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].contains("did you mean `orders`?"), "{found:#?}");
        assert!(found[1].contains("did you mean `order-worker`?"), "{found:#?}");
        assert!(found[2].contains("did you mean `order`?"), "{found:#?}");
    }

    #[test]
    fn sql_that_binds_a_value_itself_is_a_mistake() {
        let found = mistakes_of(shop().replace("where type = 'ORDERED'", "where id = {id}"));
        assert!(found.iter().any(|mistake| mistake.contains("binds a value")), "{found:#?}");
    }
}
