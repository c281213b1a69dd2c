//! The `Link` header of RFC 8288.

/// One link of a `Link` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The target as it stands between the angle brackets.
    pub url: String,
    /// The relation types as given, such as `next` or `next last`; empty where absent.
    pub rel: String,
}

impl Link {
    /// Whether a relation type is among this link's, whatever its case.
    #[must_use]
    pub fn has_rel(&self, rel: &str) -> bool {
        self.rel
            .split_ascii_whitespace()
            .any(|part| part.eq_ignore_ascii_case(rel))
    }
}

/// Reads a `Link` header. Commas and semicolons inside targets and quotes belong to them;
/// what is malformed is left out.
#[must_use]
pub fn parse_link_header(value: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find('<') {
        let after = &rest[start + 1..];
        let Some(end) = after.find('>') else { break };
        let url = after[..end].trim().to_owned();
        let (rel, remaining) = parse_params(&after[end + 1..]);
        links.push(Link {
            url,
            rel: rel.unwrap_or_default(),
        });
        rest = remaining;
    }
    links
}

/// The first `rel` of a link's parameters, and what follows the comma behind them.
fn parse_params(text: &str) -> (Option<String>, &str) {
    let mut rel = None;
    let mut param = String::new();
    let mut quoted = false;
    let mut escaped = false;
    let mut finish = |param: &mut String| {
        if let Some((name, value)) = param.split_once('=')
            && name.trim().eq_ignore_ascii_case("rel")
            && rel.is_none()
        {
            rel = Some(value.trim().to_owned());
        }
        param.clear();
    };
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => {
                escaped = false;
                param.push(c);
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => finish(&mut param),
            ',' if !quoted => {
                finish(&mut param);
                return (rel, &text[index + 1..]);
            }
            c => param.push(c),
        }
    }
    finish(&mut param);
    (rel, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(url: &str, rel: &str) -> Link {
        Link {
            url: url.into(),
            rel: rel.into(),
        }
    }

    #[test]
    fn commas_semicolons_and_quotes_inside_targets_and_values_survive() {
        assert_eq!(
            parse_link_header(
                r#"<https://a/?ids=1,2;3>; title="a, \"b\"; rel=last"; rel="next", </b>;rel=LAST"#
            ),
            [link("https://a/?ids=1,2;3", "next"), link("/b", "LAST")]
        );
        assert!(link("x", "prev NEXT").has_rel("next"));
        assert!(!link("x", "nextish").has_rel("next"));
    }

    #[test]
    fn the_first_rel_counts_and_broken_parts_are_left_out() {
        assert_eq!(
            parse_link_header("<a>; rel=next; rel=prev"),
            [link("a", "next")]
        );
        assert_eq!(parse_link_header("<a"), []);
        assert_eq!(parse_link_header("rel=next"), []);
        assert_eq!(parse_link_header("<a>"), [link("a", "")]);
        assert_eq!(parse_link_header("<a>; rel=\"next"), [link("a", "next")]);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in "[<>;,=\"\\\\ a-z\u{e9}\u{1f600}]{0,60}") {
            let _ = parse_link_header(&value);
        }

        #[test]
        fn links_survive_their_own_text(
            links in proptest::collection::vec(("[^<> ][^<>]{0,20}[^<> ]", "[a-z]{1,8}( [a-z]{1,8})?", "[^\"\\\\]{0,12}"), 0..4)
        ) {
            let text = links
                .iter()
                .map(|(url, rel, title)| format!("<{url}>; title=\"{title}\"; rel=\"{rel}\""))
                .collect::<Vec<_>>()
                .join(", ");
            let expected: Vec<Link> = links
                .iter()
                .map(|(url, rel, _)| link(url.trim(), rel))
                .collect();
            prop_assert_eq!(parse_link_header(&text), expected);
        }
    }
}
