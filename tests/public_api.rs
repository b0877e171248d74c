//! The public surface, compared with the list that is checked in: so that each change is meant.
//!
//! `WINDLASS_PUBLIC_API=overwrite cargo test --test public_api` writes the list anew. It is read off
//! the sources: what `lib.rs` and the public modules export, with the signatures of its methods, its
//! public fields and variants, and the traits that it implements (but for derives).

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use quote::ToTokens;
use syn::{
    Attribute, Fields, File, ImplItem, Item, Meta, Signature, TraitItem, Type, UseTree, Visibility,
};

const LIST: &str = "docs/public-api.txt";

/// The files whose `pub use` is public, and the modules that they stand for.
const DOORS: [&str; 6] = [
    "src/lib.rs",
    "adapters/mod.rs",
    "adapters/bridges/mod.rs",
    "src/testing/mod.rs",
    "src/promise/mod.rs",
    "adapters/tokio.rs",
];

/// Modules that are public with all that is public in them.
const OPEN: [&str; 2] = ["src/promise/recipes.rs", "src/testing/conformance/mod.rs"];

/// Files of the inside, where names are used a second time.
const CLOSED: [&str; 4] = [
    "src/merge/delivery.rs",
    "src/merge/found.rs",
    "src/merge/member.rs",
    "src/merge/running.rs",
];

#[test]
fn the_public_surface_is_the_one_that_is_checked_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = surface(root);
    assert!(
        found.len() > 300,
        "something is wrong with how it is read: {}",
        found.len()
    );
    let list = root.join(LIST);
    if std::env::var("WINDLASS_PUBLIC_API").is_ok_and(|value| value == "overwrite") {
        let text = found
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>();
        fs::write(&list, text).unwrap();
        return;
    }
    let text = fs::read_to_string(&list).unwrap();
    let listed: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    let new: Vec<_> = found.difference(&listed).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "the public surface has changed; if that is meant, run this with \
         WINDLASS_PUBLIC_API=overwrite, and tell it in the changelog\ngone: {gone:#?}\nnew: {new:#?}"
    );
}

fn surface(root: &Path) -> BTreeSet<String> {
    let mut exported = BTreeSet::new();
    for door in DOORS {
        for item in parse(&root.join(door)).items {
            if let Item::Use(uses) = item {
                if matches!(uses.vis, Visibility::Public(_)) {
                    names(&uses.tree, &mut exported);
                }
            }
        }
    }
    let mut lines = BTreeSet::new();
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("adapters"), &mut files);
    files.retain(|path| !CLOSED.iter().any(|closed| path.ends_with(closed)));
    for path in files {
        let is_open = OPEN.iter().any(|open| path.ends_with(open));
        let mut reader = Reader {
            exported: &exported,
            is_open,
            lines: &mut lines,
        };
        reader.items(&parse(&path).items);
    }
    lines
}

fn parse(path: &Path) -> File {
    let text = fs::read_to_string(path).unwrap();
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn names(tree: &UseTree, all: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => names(&path.tree, all),
        UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, all)),
        UseTree::Name(name) => drop(all.insert(name.ident.to_string())),
        UseTree::Rename(rename) => drop(all.insert(rename.rename.to_string())),
        UseTree::Glob(_) => panic!("nothing is exported by a glob"),
    }
}

struct Reader<'a> {
    exported: &'a BTreeSet<String>,
    is_open: bool,
    lines: &'a mut BTreeSet<String>,
}

impl Reader<'_> {
    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn is_exported(&self, name: &impl ToString, vis: &Visibility) -> bool {
        let is_public = matches!(vis, Visibility::Public(_));
        is_public && (self.is_open || self.exported.contains(&name.to_string()))
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Mod(module) if !is_hidden(&module.attrs) => {
                if let Some((_, items)) = &module.content {
                    self.items(items);
                }
            }
            Item::Fn(f) if self.is_exported(&f.sig.ident, &f.vis) => self.signature("", &f.sig),
            Item::Struct(s) if self.is_exported(&s.ident, &s.vis) => {
                self.add(format!("struct {}{}", s.ident, text(&s.generics)));
                self.fields(&s.ident.to_string(), &s.fields);
            }
            Item::Enum(e) if self.is_exported(&e.ident, &e.vis) => {
                self.add(format!("enum {}{}", e.ident, text(&e.generics)));
                for variant in &e.variants {
                    self.add(format!(
                        "{}::{}{}",
                        e.ident,
                        variant.ident,
                        text(&variant.fields)
                    ));
                }
            }
            Item::Type(t) if self.is_exported(&t.ident, &t.vis) => {
                self.add(format!(
                    "type {}{} = {}",
                    t.ident,
                    text(&t.generics),
                    text(&t.ty)
                ));
            }
            Item::Trait(t) if self.is_exported(&t.ident, &t.vis) => {
                let bounds = text(&t.supertraits);
                self.add(format!("trait {}{}: {bounds}", t.ident, text(&t.generics)));
                for item in &t.items {
                    self.trait_item(&t.ident.to_string(), item);
                }
            }
            Item::Impl(block) if !is_hidden(&block.attrs) => self.implementation(block),
            _ => {}
        }
    }

    fn fields(&mut self, owner: &str, fields: &Fields) {
        for (place, field) in fields.iter().enumerate() {
            if matches!(field.vis, Visibility::Public(_)) {
                let name = field
                    .ident
                    .as_ref()
                    .map_or(place.to_string(), ToString::to_string);
                self.add(format!("{owner}.{name}: {}", text(&field.ty)));
            }
        }
    }

    fn trait_item(&mut self, owner: &str, item: &TraitItem) {
        match item {
            TraitItem::Fn(f) if !is_hidden(&f.attrs) => self.signature(owner, &f.sig),
            TraitItem::Type(t) => self.add(format!("{owner}::{}: {}", t.ident, text(&t.bounds))),
            _ => {}
        }
    }

    fn implementation(&mut self, block: &syn::ItemImpl) {
        let Type::Path(path) = &*block.self_ty else {
            return;
        };
        let Some(owner) = path.path.segments.last().map(|last| last.ident.to_string()) else {
            return;
        };
        if !self.exported.contains(&owner) {
            return;
        }
        if let Some((_, implemented, _)) = &block.trait_ {
            let (generics, bounds) = (text(&block.generics), text(&block.generics.where_clause));
            let (implemented, ty) = (text(implemented), text(&block.self_ty));
            self.add(format!("impl{generics} {implemented} for {ty} {bounds}"));
            return;
        }
        let owner = text(&block.self_ty);
        for item in &block.items {
            if let ImplItem::Fn(f) = item {
                if matches!(f.vis, Visibility::Public(_)) && !is_hidden(&f.attrs) {
                    let bounds = text(&block.generics);
                    self.signature(&format!("impl{bounds} {owner}"), &f.sig);
                }
            }
        }
    }

    fn signature(&mut self, owner: &str, signature: &Signature) {
        self.add(format!("{owner}::{}", text(signature)));
    }

    fn add(&mut self, line: String) {
        self.lines
            .insert(line.trim_start_matches("::").trim_end().to_owned());
    }
}

/// `#[doc(hidden)]`, and what only the tests see.
fn is_hidden(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| match &attr.meta {
        Meta::List(list) => {
            let (name, tokens) = (text(&list.path), list.tokens.to_string());
            (name == "doc" && tokens == "hidden")
                || (name == "cfg" && tokens.contains("test") && !tokens.contains("feature"))
        }
        _ => false,
    })
}

/// On one line, with the blanks where a reader expects them.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (from, to) in [
        (" < ", "<"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ::", "::"),
        (":: ", "::"),
        ("& ", "&"),
        (" ,", ","),
        (" :", ":"),
        ("( ", "("),
        (" )", ")"),
        (" (", "("),
        ("' ", "'"),
        (" ;", ";"),
    ] {
        text = text.replace(from, to);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
