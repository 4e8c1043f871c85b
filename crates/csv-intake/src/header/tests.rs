//! Valid headers, and the messages for invalid ones.

use proptest::prelude::*;

use super::*;

const CONTACT: [&str; 4] = ["id", "email", "name", "age"];

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn mapping(pairs: &[(&str, &str)]) -> Mapping {
    let target = |target: &str| Some(target).filter(|target| *target != "null").map(str::to_owned);
    pairs.iter().map(|(key, to)| ((*key).to_owned(), target(to))).collect()
}

/// A request against the columns of a contact, in which `email` has aliases.
#[derive(Default)]
struct Request {
    mapping: Mapping,
    unknown_columns: UnknownColumns,
    defaults: BTreeMap<String, String>,
}

impl Request {
    fn mapped(pairs: &[(&str, &str)]) -> Self {
        Request { mapping: mapping(pairs), ..Request::default() }
    }

    fn ignoring(pairs: &[(&str, &str)]) -> Self {
        Request { unknown_columns: UnknownColumns::Ignore, ..Request::mapped(pairs) }
    }

    fn resolve(&self, header: &[String]) -> Result<Resolved, Vec<HeaderProblem>> {
        let aliases = names(&["Mail Address"]);
        let known = CONTACT.map(|name| Known { name, aliases: if name == "email" { &aliases } else { &[] } });
        let wanted = Wanted {
            known: &known,
            mapping: &self.mapping,
            unknown_columns: self.unknown_columns,
            defaults: &self.defaults,
        };
        let (resolved, problems) = examine(header, &wanted);
        if problems.is_empty() { Ok(resolved) } else { Err(problems) }
    }

    fn columns(&self, header: &[&str]) -> Vec<Option<usize>> {
        self.resolve(&names(header)).unwrap().columns
    }
}

fn problems(header: &[&str], pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let problems = Request::mapped(pairs).resolve(&names(header)).unwrap_err();
    problems.into_iter().map(|problem| (problem.column, problem.message)).collect()
}

fn problem(column: &str, message: &str) -> (String, String) {
    (column.to_owned(), message.to_owned())
}

#[test]
fn columns_are_found_in_any_order_trimmed_and_without_case() {
    let header = ["Name", " EMAIL\u{200b}", "\u{feff}age"];
    assert_eq!(Request::default().columns(&header), [Some(2), Some(1), Some(3)]);
    assert_eq!(Request::default().columns(&["mail address"]), [Some(1)]);
}

#[test]
fn a_mapping_is_applied_to_headers_trimmed_and_without_case() {
    let request = Request::mapped(&[("mail ", "EMail"), ("FULL NAME", " name")]);
    assert_eq!(request.columns(&["Mail", "age", "Full name"]), [Some(1), Some(3), Some(2)]);
}

#[test]
fn a_mapping_may_swap_columns_and_name_them_by_position() {
    let swapped = Request::mapped(&[("name", "email"), ("email", "name")]);
    assert_eq!(swapped.columns(&["name", "email"]), [Some(1), Some(2)]);
    let by_position = Request::mapped(&[("#1", "email"), ("#3", "null")]);
    assert_eq!(by_position.columns(&["x", "name", ""]), [Some(1), Some(2), None]);
    assert_eq!(by_position.resolve(&names(&["x", "name", ""])).unwrap().nameless, Vec::<usize>::new());
    let both = Request::mapped(&[("Mail", "email"), ("#3", "null")]);
    assert_eq!(both.columns(&["Mail", "name", "mail"]), [Some(1), Some(2), None], "a position says more");
    let all = Request::mapped(&[("Mail", "email"), ("#1", "email")]);
    assert_eq!(all.columns(&["Mail"]), [Some(1)]);
}

#[test]
fn columns_are_left_out_by_null_by_ignoring_and_for_being_ours() {
    assert_eq!(Request::mapped(&[("x", "null")]).columns(&["x", "email", "X"]), [None, Some(1), None]);
    assert_eq!(Request::mapped(&[("name", "null")]).columns(&["email", "name"]), [Some(1), None]);
    assert_eq!(Request::ignoring(&[]).columns(&["x", "email", "x", ""]), [None, Some(1), None, None]);
    let header = ["_row", "_status", "_reason", "_ID", "email", "_row"];
    assert_eq!(Request::default().columns(&header), [None, None, None, None, Some(1), None]);
}

#[test]
fn a_mapping_goes_before_equal_names_where_unknown_columns_are_ignored() {
    let request = Request::ignoring(&[("E-mail 1 - Value", "email")]);
    assert_eq!(request.columns(&["email", "E-mail 1 - Value", "Mail Address"]), [None, Some(1), None]);
    let header = names(&["email", "E-mail 1 - Value"]);
    assert!(Request::mapped(&[("E-mail 1 - Value", "email")]).resolve(&header).is_err());
}

#[test]
fn a_column_without_name_is_left_out_on_condition() {
    let resolved = Request::default().resolve(&names(&["email", "", "name", " "])).unwrap();
    assert_eq!(resolved.columns, [Some(1), None, Some(2), None]);
    assert_eq!(resolved.nameless, [1, 3]);
    let problem = HeaderProblem::nameless(1);
    assert!(problem.message.starts_with("column 2 has values but no name"), "{}", problem.message);
}

#[test]
fn a_default_is_for_a_column_that_the_file_does_not_have() {
    let defaults = |pairs: &[(&str, &str)]| Request {
        defaults: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Request::default()
    };
    let resolved = defaults(&[("AGE", "7")]).resolve(&names(&["email"])).unwrap();
    assert_eq!(resolved.defaults, [(3, "7".to_owned())]);
    for (pairs, expected) in [
        (&[("email", "a@b.c")][..], "the file has the column `email`"),
        (&[("ages", "7")], "`defaults` has the unknown column `ages`: did you mean `age`?"),
        (&[("age", "7"), ("Age", "8")], "`defaults` has the column `age` more than once"),
    ] {
        let problems = defaults(pairs).resolve(&names(&["email"])).unwrap_err();
        assert!(problems[0].message.starts_with(expected), "{}", problems[0].message);
    }
}

const LEFT_OUT: &str =
    "map it (`mapping`), or leave it out: mapped to null, or all unknown ones by unknownColumns=ignore";

#[test]
fn an_unknown_column_is_answered_with_the_similar_one() {
    for (unknown, known) in
        [("e-mail", "email"), ("Mail", "email"), ("E_MAIL", "email"), ("ages", "age"), ("nmae", "name")]
    {
        let expected = format!("unknown column `{unknown}`: did you mean `{known}`? Otherwise {LEFT_OUT}");
        assert_eq!(problems(&[unknown], &[]), [problem(unknown, &expected)]);
    }
}

#[test]
fn an_unknown_column_like_no_other_is_answered_with_the_list() {
    let expected =
        format!("unknown column `phone`: the columns are `id`, `email`, `name`, `age`. M{}", &LEFT_OUT[1..]);
    assert_eq!(problems(&["email", "phone"], &[]), [problem("phone", &expected)]);
}

#[test]
fn a_long_unknown_name_is_cut() {
    let expected = format!("unknown column `{}…`: the columns are", "ß".repeat(64));
    let found = problems(&[&"ß".repeat(65)], &[]);
    assert_eq!(found[0].0, "ß".repeat(64) + "…");
    assert!(found[0].1.starts_with(&expected), "{}", found[0].1);
}

#[test]
fn a_file_without_header_and_one_of_whole_lines_are_called_so() {
    let found = problems(&["ada@example.com", "Ada", "36"], &[]);
    assert_eq!(found.len(), 1);
    assert!(found[0].1.starts_with("the first line holds values and no column names"), "{}", found[0].1);
    let found = problems(&["email,name,age"], &[]);
    assert!(
        found[0].1.contains("the header line is one column") && found[0].1.contains("`,`"),
        "{}",
        found[0].1
    );
}

#[test]
fn a_repeated_column_is_told_with_both_positions() {
    let expected = "the column `Email` appears as column 1 and as column 3: keep one of them, or map one to null by its \
                    position (`#3`)";
    assert_eq!(problems(&["email", "name", "Email"], &[]), [problem("Email", expected)]);
}

#[test]
fn two_headers_for_one_column_are_told() {
    let expected =
        "the columns `email` and `contact` both stand for `email`: keep one of them, or map one to null";
    assert_eq!(problems(&["email", "contact"], &[("contact", "email")]), [problem("contact", expected)]);
}

#[test]
fn suggestions_are_by_name_by_alias_and_by_likeness() {
    let aliases = names(&["Mail Address"]);
    let known = CONTACT.map(|name| Known { name, aliases: if name == "email" { &aliases } else { &[] } });
    let found = |header: &[&str]| -> Vec<Option<(usize, f64)>> {
        let header = names(header);
        let request = Request::mapped(&[("tel", "null"), ("years", "age")]);
        let wanted = Wanted {
            known: &known,
            mapping: &request.mapping,
            unknown_columns: request.unknown_columns,
            defaults: &request.defaults,
        };
        let (resolved, _) = examine(&header, &wanted);
        let suggestions = suggest(&header, &resolved, &known);
        suggestions.into_iter().map(|found| found.map(|found| (found.column, found.confidence))).collect()
    };
    assert_eq!(found(&["mail address", "NAME", "phone", ""]), [Some((1, 0.95)), Some((2, 1.0)), None, None]);
    assert_eq!(found(&["years", "tel"]), [Some((3, 1.0)), None]);
    let like = found(&["e-mail", "email", "nmae"]);
    assert_eq!((like[0], like[1]), (None, Some((1, 1.0))), "no column is suggested twice");
    assert!(like[2].is_some_and(|(column, confidence)| column == 2 && confidence < 0.9));
}

#[test]
fn a_mapping_from_a_missing_header_is_told() {
    assert_eq!(
        problems(&["email", "Full Name"], &[("fullname", "name"), ("full name", "name")]),
        [problem(
            "fullname",
            "the mapping names the header `fullname`, which the file does not have: did you mean `Full Name`?"
        )]
    );
    assert_eq!(
        problems(&["email"], &[("xyz", "name")]),
        [problem(
            "xyz",
            "the mapping names the header `xyz`, which the file does not have: name a header as it stands in the file"
        )]
    );
}

#[test]
fn a_mapping_to_a_missing_column_is_told() {
    let expected = "the mapping sends `Contact` to the unknown column `mail`: did you mean `email`?";
    assert_eq!(problems(&["Contact"], &[("contact", "mail")]), [problem("Contact", expected)]);
}

#[test]
fn a_mapping_of_a_column_that_is_not_there_to_nothing_says_nothing() {
    assert_eq!(Request::mapped(&[("phone", "null")]).columns(&["email"]), [Some(1)]);
    let found = problems(&["email"], &[("#9", "name")]);
    assert_eq!(found, [problem("#9", "the mapping names the column `#9`, the file has 1")]);
}

#[test]
fn a_mapping_that_names_a_header_twice_is_told() {
    let expected = "the mapping names the header `mail` more than once: keep one entry";
    assert_eq!(problems(&["mail"], &[("MAIL", "email"), ("mail", "email")]), [problem("mail", expected)]);
}

#[test]
fn all_problems_are_told_at_once() {
    let found = problems(&["email", "e-mail", "EMAIL"], &[("missing", "name")]);
    let columns: Vec<_> = found.iter().map(|(column, _)| column.as_str()).collect();
    assert_eq!(columns, ["EMAIL", "e-mail", "missing"]);
}

#[test]
fn a_hopeless_header_is_not_answered_in_full() {
    let header: Vec<String> = (0..10_000).map(|number| format!("column {number}")).collect();
    let problems = Request::default().resolve(&header).unwrap_err();
    assert_eq!(problems.len(), MAX_PROBLEMS + 1);
    assert_eq!(problems[MAX_PROBLEMS].message, "9950 more problems of this kind: is this the right file?");
}

proptest! {
    #[test]
    fn no_more_than_a_part_of_an_uploaded_name_is_repeated(name in "\\PC{60,300}", target in "\\PC{60,300}") {
        let mapping = Mapping::from([(name.clone(), Some(target.clone()))]);
        let defaults = BTreeMap::from([(name.clone(), target)]);
        for header in [&name, &"email".to_owned()] {
            let request = Request { mapping: mapping.clone(), defaults: defaults.clone(), ..Request::default() };
            for problem in request.resolve(std::slice::from_ref(header)).unwrap_err() {
                prop_assert!(problem.column.chars().count() <= likeness::SHOWN_CHARS + 1);
                prop_assert!(problem.message.chars().count() <= 2 * (likeness::SHOWN_CHARS + 1) + 250);
            }
        }
    }

    #[test]
    fn a_header_that_resolves_takes_each_column_at_most_once(
        header in prop::collection::vec("(id|email|name|age| Age|mail|x|)", 0..6),
        mapping in prop::collection::btree_map("(mail|age|id|#1)", prop::option::of("(id|email|name|age|other)"), 0..3),
        ignores in any::<bool>(),
    ) {
        let unknown_columns = if ignores { UnknownColumns::Ignore } else { UnknownColumns::Refuse };
        let request = Request { mapping, unknown_columns, ..Request::default() };
        if let Ok(Resolved { columns, .. }) = request.resolve(&header) {
            prop_assert_eq!(columns.len(), header.len());
            let taken: Vec<_> = columns.iter().flatten().collect();
            let distinct: std::collections::HashSet<_> = taken.iter().collect();
            prop_assert_eq!(distinct.len(), taken.len());
        }
    }
}
