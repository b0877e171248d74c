//! Paths as errors carry them: bounded, however deep the tree.

use std::collections::VecDeque;

/// Stands between the names of a path.
const SEPARATOR: &str = "-->";
/// So many names are kept from the root on.
const FIRST: usize = 4;
/// So many names are kept at the end.
const LAST: usize = 12;

/// Joins `names`, which start at the root: at most the first 4 and the last 12.
///
/// In place of the others stands how many they are, as in `a-->b-->c-->d-->[84 more]-->…`.
pub(crate) fn render_path<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut path: Vec<&str> = names.by_ref().take(FIRST).collect();
    let mut last = VecDeque::with_capacity(LAST + 1);
    let mut left_out = 0_usize;
    for name in names {
        last.push_back(name);
        if last.len() > LAST {
            last.pop_front();
            left_out += 1;
        }
    }
    let gap = format!("[{left_out} more]");
    if left_out > 0 {
        path.push(&gap);
    }
    path.extend(last);
    path.join(SEPARATOR)
}

/// A path to which names are added one by one: as [`render_path`] would render it, but without
/// going through all its names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growing {
    names: usize,
    /// The end of the first names in the text, once there are that many.
    head: usize,
}

impl Growing {
    /// A path of these names, from the root on, and its text.
    pub(crate) fn new(names: &[&str]) -> (Self, String) {
        let growing = Growing {
            names: names.len(),
            head: names
                .get(..FIRST)
                .map_or(0, |first| first.join(SEPARATOR).len()),
        };
        (growing, render_path(names.iter().copied()))
    }

    /// The path one name below, and its text; `path` is the text so far, `last` are the names from
    /// the new one upwards.
    pub(crate) fn grown<'a>(
        self,
        path: &str,
        last: impl IntoIterator<Item = &'a str>,
    ) -> (Self, String) {
        let names = self.names + 1;
        let mut last = last.into_iter();
        if names <= FIRST + LAST {
            let text = [path, SEPARATOR, last.next().unwrap_or_default()].concat();
            let head = if names == FIRST {
                text.len()
            } else {
                self.head
            };
            return (Growing { names, head }, text);
        }
        let mut kept: Vec<&str> = last.take(LAST).collect();
        kept.reverse();
        let (head, gap) = (&path[..self.head], names - FIRST - LAST);
        let last = kept.join(SEPARATOR);
        let text = format!("{head}{SEPARATOR}[{gap} more]{SEPARATOR}{last}");
        (Growing { names, ..self }, text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Growing, render_path};

    #[test]
    fn growing_path_is_the_same_at_each_length_whatever_it_began_with() {
        let names: Vec<String> = (1..=40).map(|i| format!("n{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for begun in 1..40 {
            let (mut path, mut text) = Growing::new(&names[..begun]);
            for n in begun + 1..=40 {
                (path, text) = path.grown(&text, names[..n].iter().rev().copied());
                assert_eq!(text, render_path(names[..n].iter().copied()));
            }
        }
    }

    fn numbered(n: usize) -> String {
        let names: Vec<String> = (1..=n).map(|i| i.to_string()).collect();
        render_path(names.iter().map(String::as_str))
    }

    #[test]
    fn short_paths_are_whole() {
        assert_eq!(numbered(0), "");
        assert_eq!(numbered(1), "1");
        assert_eq!(numbered(5), "1-->2-->3-->4-->5");
        let whole = numbered(16);
        assert!(whole.starts_with("1-->2-->3-->4-->5-->6-->") && whole.ends_with("-->15-->16"));
        assert_eq!(whole.split("-->").count(), 16);
    }

    #[test]
    fn long_paths_keep_the_first_4_and_the_last_12_names() {
        assert_eq!(
            numbered(17),
            "1-->2-->3-->4-->[1 more]-->6-->7-->8-->9-->10-->11-->12-->13-->14-->15-->16-->17"
        );
        let cut = numbered(1_000_000);
        assert!(
            cut.starts_with("1-->2-->3-->4-->[999984 more]-->999989-->"),
            "{cut}"
        );
        assert!(cut.ends_with("-->999999-->1000000"), "{cut}");
    }
}
