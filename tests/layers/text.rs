//! What one file of `src/` says: the names it declares and the paths it uses.
//! Comments, strings and code that only tests compile do not count.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::collections::{BTreeMap, HashMap, HashSet};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, Meta, UseTree};

/// `["crate", "fact", "View"]`; empty for a path that begins with `::`.
pub type Path = Vec<String>;

/// One file, before any name is resolved.
#[derive(Default)]
pub struct Text {
    /// The file's own module (under the empty path) and its inline modules.
    pub modules: BTreeMap<Path, Names>,
    /// Every path that is written, with `use` trees taken apart.
    pub mentions: Vec<Mention>,
    /// Every identifier outside of a `use`; decides what a glob brings in.
    pub words: HashSet<String>,
    /// Modules that only tests compile: `#[cfg(test)] mod tests;`.
    pub tests: Vec<Path>,
}

/// The names of one module.
#[derive(Default)]
pub struct Names {
    pub items: HashSet<String>,
    pub imports: HashMap<String, Vec<Path>>,
    pub globs: Vec<Path>,
}

/// One path, and where it is written.
pub struct Mention {
    /// The inline module it stands in, below the file's own.
    pub inside: Path,
    pub path: Path,
    pub glob: bool,
    pub line: usize,
}

/// Reads one file.
pub fn read(source: &str) -> syn::Result<Text> {
    let file = syn::parse_file(source)?;
    let mut reader = Reader::default();
    reader.text.modules.entry(Path::new()).or_default();
    if !only_for_tests(&file.attrs) {
        reader.visit_file(&file);
    }
    Ok(reader.text)
}

#[derive(Default)]
struct Reader {
    text: Text,
    inside: Path,
    /// Imports of the enclosing blocks, the innermost last.
    blocks: Vec<HashMap<String, Path>>,
}

/// One leaf of a `use` tree: its path, the name it binds, and its line.
struct Leaf {
    path: Path,
    name: Option<String>,
    glob: bool,
    line: usize,
}

impl Reader {
    fn names(&mut self) -> &mut Names {
        self.text.modules.entry(self.inside.clone()).or_default()
    }

    /// Notes a path; one name alone is either declared here or imported by a
    /// `use`, which is noted itself.
    fn mention(&mut self, mut path: Path, line: usize) {
        if path.len() < 2 {
            return;
        }
        if let Some(import) = self.blocks.iter().rev().find_map(|block| block.get(&path[0])) {
            path.splice(..1, import.iter().cloned());
        }
        self.text.mentions.push(Mention { inside: self.inside.clone(), path, glob: false, line });
    }

    /// The paths in the arguments of a macro or an attribute.
    fn scan(&mut self, tokens: TokenStream, strings: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.scan(group.stream(), strings),
                TokenTree::Ident(_) => {
                    // After `::` it continues `Vec::<T>::new`, or the path is external.
                    let continues = at >= 2 && is_separator(&tokens[at - 2..]);
                    at += self.scan_path(Path::new(), &tokens[at..], continues);
                    continue;
                }
                // #[serde(with = "crate::base::time")] names a path, too.
                TokenTree::Literal(literal) if strings => {
                    let text = literal.to_string();
                    if let Ok(tokens) = text.trim_matches('"').parse() {
                        self.scan(tokens, false);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Reads the path that begins `tokens`; returns how many tokens it has.
    fn scan_path(&mut self, mut path: Path, tokens: &[TokenTree], skip: bool) -> usize {
        let line = tokens[0].span().start().line;
        let mut at = 0;
        while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
            path.push(word(ident));
            self.text.words.insert(word(ident));
            at += 1;
            if !is_separator(&tokens[at..]) {
                break;
            }
            match tokens.get(at + 2) {
                Some(TokenTree::Ident(_)) => at += 2,
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for part in
                        inner.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','))
                    {
                        if !part.is_empty() {
                            self.scan_path(path.clone(), part, skip);
                        }
                    }
                    return at + 3;
                }
                _ => break,
            }
        }
        if !skip {
            self.mention(path, line);
        }
        at.max(1)
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = parts(item);
        if only_for_tests(attributes) {
            if let Item::Mod(module) = item {
                let path = self.inside.iter().cloned().chain([word(&module.ident)]).collect();
                self.text.tests.push(path);
            }
            return;
        }
        if let Some(name) = name
            && self.blocks.is_empty()
        {
            self.names().items.insert(word(name));
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let Some((_, items)) = &module.content else { return };
        self.inside.push(word(&module.ident));
        let blocks = std::mem::take(&mut self.blocks);
        self.names();
        items.iter().for_each(|item| self.visit_item(item));
        self.blocks = blocks;
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for Leaf { path, name, glob, line } in leaves(item) {
            // A block's glob is looked through last, as if it were the module's.
            if glob {
                self.names().globs.push(path.clone());
            } else if let (Some(name), true) = (name, self.blocks.is_empty()) {
                self.names().imports.entry(name).or_default().push(path.clone());
            }
            self.text.mentions.push(Mention { inside: self.inside.clone(), path, glob, line });
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let uses = block.stmts.iter().filter_map(|statement| match statement {
            syn::Stmt::Item(Item::Use(item)) if !only_for_tests(&item.attrs) => Some(item),
            _ => None,
        });
        let imports = uses.flat_map(leaves).filter_map(|leaf| Some((leaf.name?, leaf.path)));
        self.blocks.push(imports.collect());
        visit::visit_block(self, block);
        self.blocks.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter().map(|segment| word(&segment.ident)).collect();
            let line = path.segments.first().map_or(0, |first| first.ident.span().start().line);
            self.mention(segments, line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.scan(called.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let strings = ["serde", "schemars"].iter().any(|name| attribute.path().is_ident(name));
        match &attribute.meta {
            Meta::NameValue(value) if value.path.is_ident("doc") => {}
            Meta::List(list) => {
                self.visit_path(&list.path);
                self.scan(list.tokens.clone(), strings);
            }
            _ => visit::visit_attribute(self, attribute),
        }
    }

    /// `pub(in crate::fact)` says who may use it, and uses nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.text.words.insert(word(ident));
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Const(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !only_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !only_for_tests(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !only_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !only_for_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !only_for_tests(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }
}

fn word(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_string).unwrap_or(text)
}

fn is_separator(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(first), TokenTree::Punct(second), ..]
        if first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':')
}

fn leaves(item: &syn::ItemUse) -> Vec<Leaf> {
    let mut found = Vec::new();
    collect(&item.tree, Path::new(), &mut found);
    if item.leading_colon.is_some() {
        found.iter_mut().for_each(|leaf| leaf.path.clear());
    }
    found
}

fn collect(tree: &UseTree, mut path: Path, found: &mut Vec<Leaf>) {
    match tree {
        UseTree::Path(part) => {
            path.push(word(&part.ident));
            collect(&part.tree, path, found);
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| collect(tree, path.clone(), found)),
        UseTree::Glob(glob) => {
            let line = glob.star_token.spans[0].start().line;
            found.push(Leaf { path, name: None, glob: true, line });
        }
        UseTree::Name(leaf) => found.push(named(path, &leaf.ident, None)),
        UseTree::Rename(leaf) => found.push(named(path, &leaf.ident, Some(word(&leaf.rename)))),
    }
}

/// `a::b`, `a::b as c`, `a::{self}`.
fn named(mut path: Path, ident: &Ident, rename: Option<String>) -> Leaf {
    let line = ident.span().start().line;
    if ident != "self" || path.is_empty() {
        path.push(word(ident));
    }
    let name = rename.or_else(|| path.last().cloned()).filter(|name| name != "_");
    Leaf { path, name, glob: false, line }
}

/// The attributes of an item, and the name that it declares.
fn parts(item: &Item) -> (&[Attribute], Option<&Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::TraitAlias(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        // Modules are known from the files and from `Text::modules`.
        Item::Mod(item) => (&item.attrs, None),
        Item::Use(item) => (&item.attrs, None),
        Item::Impl(item) => (&item.attrs, None),
        Item::ExternCrate(item) => (&item.attrs, None),
        Item::ForeignMod(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

/// `#[test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`.
fn only_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => needs_test(list.tokens.clone()),
        _ => false,
    })
}

fn needs_test(condition: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = condition.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match (token, tokens.get(at + 1)) {
        (TokenTree::Ident(name), Some(TokenTree::Group(group))) if name == "all" => {
            needs_test(group.stream())
        }
        (TokenTree::Ident(name), _) => name == "test",
        _ => false,
    })
}
