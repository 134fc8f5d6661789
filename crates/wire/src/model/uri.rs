/// `/{Bucket}/{Key+}?list-type=2`, taken apart.
#[derive(Debug, Default)]
pub struct UriPattern {
    /// The pattern's own segments; an empty last one (a trailing slash) is left out.
    pub segments: Box<[Segment]>,
    /// Query parameters that the operation has always: (`acl`, ``), (`list-type`, `2`).
    pub query: Box<[(&'static str, &'static str)]>,
    /// The model's path, for a client: it may end in a slash.
    pub trailing_slash: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    Literal(&'static str),
    /// `{name}`: one segment, not empty.
    Label(&'static str),
    /// `{name+}`: all that is left, slashes included.
    Greedy(&'static str),
}

impl UriPattern {
    pub(crate) fn parse(uri: &'static str) -> UriPattern {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let path = path.strip_prefix('/').unwrap_or(path);
        let trailing_slash = path.ends_with('/');
        let path = path.strip_suffix('/').unwrap_or(path);
        let segment =
            |segment: &'static str| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
                Some(label) => label.strip_suffix('+').map_or(Segment::Label(label), Segment::Greedy),
                None => Segment::Literal(segment),
            };
        let pair = |pair: &'static str| pair.split_once('=').unwrap_or((pair, ""));
        UriPattern {
            segments: match path {
                "" => Box::default(),
                path => path.split('/').map(segment).collect(),
            },
            query: query.split('&').filter(|part| !part.is_empty()).map(pair).collect(),
            trailing_slash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let pattern = UriPattern::parse("/{Bucket}/{Key+}?select&select-type=2");
        assert_eq!(*pattern.segments, [Segment::Label("Bucket"), Segment::Greedy("Key")]);
        assert_eq!(*pattern.query, [("select", ""), ("select-type", "2")]);
        let pattern = UriPattern::parse("/2015-03-31/functions/");
        assert_eq!(*pattern.segments, [Segment::Literal("2015-03-31"), Segment::Literal("functions")]);
        assert!(pattern.trailing_slash);
        assert!(UriPattern::parse("/").segments.is_empty());
    }
}
