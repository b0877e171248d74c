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

#[cfg(test)]
mod tests {
    use super::render_path;

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
