//! Reads a pipeline file and reports all mistakes at once, in line order.

use crate::base::error::{Mistake, sort_by_line};
use crate::input::Source;
use crate::input::toml_document::Document;
use crate::pipeline::model::Pipeline;
use crate::pipeline::sql;
use crate::pipeline::validate::{
    components, duplicate_list_items, empty_strings, hops, id_pattern, invalid_values, match_all_patterns,
    names, references, stages,
};

impl Pipeline {
    /// Reads a pipeline and adds all mistakes to `mistakes`. A pipeline with mistakes must not be
    /// used.
    pub fn read(source: &Source, mistakes: &mut Vec<Mistake>) -> Option<Pipeline> {
        let mut type_mistakes = Vec::new();
        let pipeline: Option<Pipeline> = source.read(&mut type_mistakes);
        let mut found = type_mistakes.clone();
        if let Some(document) = Document::parse(source) {
            id_pattern::check(&document, &mut found);
            references::check(&document, &mut found);
            stages::check(&document, &type_mistakes, &mut found);
            components::check(&document, &type_mistakes, &mut found);
            hops::check(&document, &type_mistakes, &mut found);
            duplicate_list_items::check(&document, &mut found);
            empty_strings::check(&document, &mut found);
            names::check(&document, &mut found);
            invalid_values::check(&document, &mut found);
            match_all_patterns::check(&document, &mut found);
            sql::check(&document, &mut found);
            document.reject_control_characters(&mut found);
        }
        sort_by_line(&mut found, &[&source.name]);
        mistakes.append(&mut found);
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
    fn a_valid_pipeline_has_no_mistakes() {
        assert_eq!(mistakes_of(shop()), Vec::<String>::new());
    }

    #[test]
    fn suggests_the_nearest_valid_name_for_every_unknown_name() {
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
    fn an_additional_broker_or_database_cannot_use_the_main_name() {
        let text =
            shop() + "\n[broker.kafka]\nservice = \"kafka\"\n\n[database.postgres]\nservice = \"kafka\"\n";
        let found = mistakes_of(text);
        for name in ["broker cannot be called `kafka`", "database cannot be called `postgres`"] {
            assert!(found.iter().any(|mistake| mistake.contains(name)), "{found:#?}");
        }
    }

    #[test]
    fn rejects_names_that_their_system_does_not_allow() {
        let hostile = [
            "$(touch${IFS}x)",
            "`touch x`",
            "a;touch x",
            "a|b",
            "a&b",
            "a\\nb",
            "x: {privileged: true}",
            "--rm",
            "a'b",
        ];
        for (key, name) in [
            ("name = \"order-worker\"", "name = \"NAME\"\n#"),
            ("role = \"emitter\"", "role = \"emitter\"\ncontainer = \"NAME\""),
            ("role = \"api\"", "role = \"api\"\naddress = \"http://NAME/\""),
            ("service = \"kafka\"", "service = \"kafka\"\naddress = \"NAME:9092\""),
            ("name = \"orders\"", "name = \"NAME\"\n#"),
            ("table = \"done\"", "table = \"NAME\""),
            ("event_id = \"event_id\"", "event_id = \"NAME\""),
            ("[marks]", "[database.\"NAME\"]\nservice = \"db\"\n\n[marks]"),
        ] {
            for hostile in hostile {
                let found = mistakes_of(shop().replacen(key, &name.replace("NAME", hostile), 1));
                assert!(
                    found.iter().any(|mistake| mistake.contains("not a valid")),
                    "{key} {hostile}: {found:#?}"
                );
            }
        }
        let group =
            |group: &str| mistakes_of(shop().replace("group = \"orders\"", &format!("group = \"{group}\"")));
        assert_eq!(group("any group, with $(x)"), Vec::<String>::new());
        assert!(!group("a\\nb").is_empty() && !group("--all-groups").is_empty());
    }

    #[test]
    fn rejects_sql_that_binds_a_value() {
        let found = mistakes_of(shop().replace("where type = 'ORDERED'", "where id = {id}"));
        assert!(found.iter().any(|mistake| mistake.contains("binds a value")), "{found:#?}");
    }
}
