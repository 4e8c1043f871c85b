//! Query parameters, read one by one so that all problems are reported at once. Unknown parameters are ignored.

use std::ops::RangeInclusive;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use crate::envelope::Detail;
use crate::error::ApiError;

/// A value built from query parameters.
pub(crate) trait FromQuery: Sized {
    /// Reads the parameters. Problems are recorded in the reader; the value is not used then.
    fn from_query(query: &mut QueryReader) -> Self;
}

/// Extracts a [`FromQuery`] value.
pub(crate) struct Checked<T>(pub(crate) T);

impl<T: FromQuery, S: Sync> FromRequestParts<S> for Checked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| ApiError::invalid("query", "must be percent-encoded UTF-8"))?;
        let mut reader = QueryReader { pairs: pairs.0, problems: Vec::new() };
        let value = T::from_query(&mut reader);
        if reader.problems.is_empty() { Ok(Self(value)) } else { Err(ApiError::Validation(reader.problems)) }
    }
}

/// The parameters of a request and the problems found so far.
pub(crate) struct QueryReader {
    pairs: Vec<(String, String)>,
    problems: Vec<Detail>,
}

impl QueryReader {
    /// Records a problem with a parameter.
    pub(crate) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(Detail::new(name, message));
    }

    /// True if the parameter is present.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(given, _)| given == name)
    }

    /// A whole number within `range`.
    pub(crate) fn number(&mut self, name: &str, default: i64, range: RangeInclusive<i64>) -> i64 {
        let parsed = self.parsed(
            name,
            |text| text.parse().ok().filter(|number| range.contains(number)),
            || format!("must be a whole number from {} to {}", range.start(), range.end()),
        );
        parsed.unwrap_or(default)
    }

    /// One of `names`; `None` if the parameter is absent.
    pub(crate) fn choice<T>(
        &mut self,
        name: &str,
        names: &[&str],
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.parsed(name, parse, || format!("must be one of {}", names.join(", ")))
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, name: &str, default: bool) -> bool {
        self.parsed(name, |text| text.parse().ok(), || "must be true or false".to_owned()).unwrap_or(default)
    }

    /// The parameter parsed by `parse`; `rule` describes valid values.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        rule: impl FnOnce() -> String,
    ) -> Option<T> {
        let mut values = self.pairs.iter().filter(|(given, _)| given == name).map(|(_, value)| value);
        let value = values.next()?;
        if values.next().is_some() {
            self.problems.push(Detail::new(name, "must be given only once"));
            return None;
        }
        let parsed = parse(value);
        if parsed.is_none() {
            self.problems.push(Detail::new(name, rule()));
        }
        parsed
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Sample(i64, bool, Option<char>);

    impl FromQuery for Sample {
        fn from_query(query: &mut QueryReader) -> Self {
            Self(
                query.number("limit", 10, 1..=100),
                query.boolean("safe", false),
                query.choice("letter", &["a", "b"], |text| {
                    text.parse().ok().filter(|c| ['a', 'b'].contains(c))
                }),
            )
        }
    }

    async fn read(query: &str) -> Result<Sample, Vec<String>> {
        let mut parts = Request::get(format!("/x?{query}")).body(()).unwrap().into_parts().0;
        match Checked::<Sample>::from_request_parts(&mut parts, &()).await {
            Ok(Checked(sample)) => Ok(sample),
            Err(ApiError::Validation(details)) => {
                Err(details.into_iter().map(|detail| detail.field).collect())
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn absent_parameters_have_their_defaults_and_strangers_are_left_alone() {
        assert_eq!(read("").await, Ok(Sample(10, false, None)));
        assert_eq!(read("limit=7&safe=true&letter=b&utm=1").await, Ok(Sample(7, true, Some('b'))));
    }

    #[tokio::test]
    async fn everything_that_is_wrong_is_said_at_once() {
        assert_eq!(read("limit=0&safe=yes&letter=c").await.unwrap_err(), ["limit", "safe", "letter"]);
        assert_eq!(read("limit=1&limit=2").await.unwrap_err(), ["limit"]);
        assert_eq!(read("limit=&safe=").await.unwrap_err(), ["limit", "safe"]);
        assert_eq!(read("limit=99999999999999999999").await.unwrap_err(), ["limit"]);
    }
}
