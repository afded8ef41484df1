//! Parses a file in `src/` to find the names that it declares and the paths that it uses.
//! Comments, strings and test code are ignored.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::collections::{BTreeMap, HashMap, HashSet};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, Meta, UseTree};

/// The segments of a path, such as `["crate", "fact", "View"]`. Empty for a path that begins
/// with `::`.
pub type Path = Vec<String>;

/// A parsed file, before names are resolved.
#[derive(Default)]
pub struct Source {
    /// The file's own module (with an empty path) and its inline modules.
    pub modules: BTreeMap<Path, Names>,
    /// All paths in the file, with `use` trees expanded.
    pub mentions: Vec<Mention>,
    /// All identifiers outside `use` items. They decide which names a glob imports.
    pub words: HashSet<String>,
    /// Test-only modules, such as `#[cfg(test)] mod tests;`.
    pub tests: Vec<Path>,
}

/// The names of one module.
#[derive(Default)]
pub struct Names {
    pub items: HashSet<String>,
    pub imports: HashMap<String, Vec<Path>>,
    pub globs: Vec<Path>,
}

/// A path and its position.
pub struct Mention {
    /// The inline module that contains the path, relative to the file's own module.
    pub inside: Path,
    pub path: Path,
    pub glob: bool,
    pub line: usize,
}

/// Parses one file.
pub fn parse(text: &str) -> syn::Result<Source> {
    let file = syn::parse_file(text)?;
    let mut reader = Reader::default();
    reader.source.modules.entry(Path::new()).or_default();
    if !is_test_only(&file.attrs) {
        reader.visit_file(&file);
    }
    Ok(reader.source)
}

#[derive(Default)]
struct Reader {
    source: Source,
    inside: Path,
    /// Imports in the enclosing blocks, innermost last.
    blocks: Vec<HashMap<String, Path>>,
}

/// A leaf of a `use` tree: its path, the name it binds, and its line.
struct Leaf {
    path: Path,
    name: Option<String>,
    glob: bool,
    line: usize,
}

impl Reader {
    fn names(&mut self) -> &mut Names {
        self.source.modules.entry(self.inside.clone()).or_default()
    }

    /// Records a path. Skips a single name, which is declared in this file or imported by a
    /// `use` that is itself recorded.
    fn mention(&mut self, mut path: Path, line: usize) {
        if path.len() < 2 {
            return;
        }
        if let Some(import) = self.blocks.iter().rev().find_map(|block| block.get(&path[0])) {
            path.splice(..1, import.iter().cloned());
        }
        self.source.mentions.push(Mention { inside: self.inside.clone(), path, glob: false, line });
    }

    /// Records the paths in the arguments of a macro or an attribute.
    fn scan(&mut self, tokens: TokenStream, strings: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.scan(group.stream(), strings),
                TokenTree::Ident(_) => {
                    // An identifier after `::` continues a path such as `Vec::<T>::new` or begins
                    // an external path.
                    let continues = at >= 2 && is_separator(&tokens[at - 2..]);
                    at += self.scan_path(Path::new(), &tokens[at..], continues);
                    continue;
                }
                // Strings in attributes such as `#[serde(with = "crate::base::time")]` contain
                // paths, too.
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

    /// Records the path at the start of `tokens`. Returns its number of tokens.
    fn scan_path(&mut self, mut path: Path, tokens: &[TokenTree], skip: bool) -> usize {
        let line = tokens[0].span().start().line;
        let mut at = 0;
        while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
            path.push(name_of(ident));
            self.source.words.insert(name_of(ident));
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
        let (attributes, name) = attributes_and_name(item);
        if is_test_only(attributes) {
            if let Item::Mod(module) = item {
                let path = self.inside.iter().cloned().chain([name_of(&module.ident)]).collect();
                self.source.tests.push(path);
            }
            return;
        }
        if let Some(name) = name
            && self.blocks.is_empty()
        {
            self.names().items.insert(name_of(name));
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let Some((_, items)) = &module.content else { return };
        self.inside.push(name_of(&module.ident));
        let blocks = std::mem::take(&mut self.blocks);
        self.names();
        items.iter().for_each(|item| self.visit_item(item));
        self.blocks = blocks;
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for Leaf { path, name, glob, line } in leaves(item) {
            // A glob import inside a block is treated like one in the enclosing module.
            if glob {
                self.names().globs.push(path.clone());
            } else if let (Some(name), true) = (name, self.blocks.is_empty()) {
                self.names().imports.entry(name).or_default().push(path.clone());
            }
            self.source.mentions.push(Mention { inside: self.inside.clone(), path, glob, line });
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let uses = block.stmts.iter().filter_map(|statement| match statement {
            syn::Stmt::Item(Item::Use(item)) if !is_test_only(&item.attrs) => Some(item),
            _ => None,
        });
        let imports = uses.flat_map(leaves).filter_map(|leaf| Some((leaf.name?, leaf.path)));
        self.blocks.push(imports.collect());
        visit::visit_block(self, block);
        self.blocks.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter().map(|segment| name_of(&segment.ident)).collect();
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

    /// Skips `pub(in crate::fact)`, which uses nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.source.words.insert(name_of(ident));
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Const(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !is_test_only(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !is_test_only(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_test_only(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !is_test_only(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !is_test_only(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }
}

fn name_of(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_string).unwrap_or(text)
}

fn is_separator(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(first), TokenTree::Punct(second), ..]
        if first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':')
}

fn leaves(item: &syn::ItemUse) -> Vec<Leaf> {
    let mut found = Vec::new();
    collect_leaves(&item.tree, Path::new(), &mut found);
    if item.leading_colon.is_some() {
        found.iter_mut().for_each(|leaf| leaf.path.clear());
    }
    found
}

fn collect_leaves(tree: &UseTree, mut path: Path, found: &mut Vec<Leaf>) {
    match tree {
        UseTree::Path(part) => {
            path.push(name_of(&part.ident));
            collect_leaves(&part.tree, path, found);
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| collect_leaves(tree, path.clone(), found))
        }
        UseTree::Glob(glob) => {
            let line = glob.star_token.spans[0].start().line;
            found.push(Leaf { path, name: None, glob: true, line });
        }
        UseTree::Name(leaf) => found.push(named_leaf(path, &leaf.ident, None)),
        UseTree::Rename(leaf) => found.push(named_leaf(path, &leaf.ident, Some(name_of(&leaf.rename)))),
    }
}

/// Builds the leaf of `a::b`, `a::b as c` or `a::{self}`.
fn named_leaf(mut path: Path, ident: &Ident, rename: Option<String>) -> Leaf {
    let line = ident.span().start().line;
    if ident != "self" || path.is_empty() {
        path.push(name_of(ident));
    }
    let name = rename.or_else(|| path.last().cloned()).filter(|name| name != "_");
    Leaf { path, name, glob: false, line }
}

/// Returns an item's attributes and the name it declares.
fn attributes_and_name(item: &Item) -> (&[Attribute], Option<&Ident>) {
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
        // Modules come from the files and from `Source::modules`.
        Item::Mod(item) => (&item.attrs, None),
        Item::Use(item) => (&item.attrs, None),
        Item::Impl(item) => (&item.attrs, None),
        Item::ExternCrate(item) => (&item.attrs, None),
        Item::ForeignMod(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

/// Reports whether an item has `#[test]`, `#[cfg(test)]` or `#[cfg(all(test, …))]`.
fn is_test_only(attributes: &[Attribute]) -> bool {
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
