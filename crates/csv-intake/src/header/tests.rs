//! What fits a header and what is said about one that does not.

use proptest::prelude::*;

use super::*;

const CONTACT: [&str; 4] = ["id", "email", "name", "age"];

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn mapping(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, target)| ((*key).to_owned(), (*target).to_owned())).collect()
}

fn problems(header: &[&str], pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let problems = resolve(&names(header), &mapping(pairs), &CONTACT).unwrap_err();
    problems.into_iter().map(|problem| (problem.column, problem.message)).collect()
}

fn problem(column: &str, message: &str) -> (String, String) {
    (column.to_owned(), message.to_owned())
}

#[test]
fn columns_are_found_in_any_order_trimmed_and_without_case() {
    let header = names(&["Name", " EMAIL ", "age"]);
    assert_eq!(resolve(&header, &BTreeMap::new(), &CONTACT), Ok(vec![2, 1, 3]));
    assert_eq!(resolve(&names(&["ORDERNUMBER"]), &BTreeMap::new(), &["orderNumber"]), Ok(vec![0]));
}

#[test]
fn a_mapping_is_applied_to_headers_trimmed_and_without_case() {
    let header = names(&["Mail Address", "age", "Full name"]);
    let mapping = mapping(&[("mail address ", "EMail"), ("FULL NAME", " name")]);
    assert_eq!(resolve(&header, &mapping, &CONTACT), Ok(vec![1, 3, 2]));
}

#[test]
fn a_mapping_may_swap_columns() {
    let mapping = mapping(&[("name", "email"), ("email", "name")]);
    assert_eq!(resolve(&names(&["name", "email"]), &mapping, &CONTACT), Ok(vec![1, 2]));
}

#[test]
fn an_unknown_column_is_answered_with_the_similar_one() {
    for (unknown, known) in
        [("e-mail", "email"), ("Mail", "email"), ("E_MAIL ", "email"), ("ages", "age"), ("nmae", "name")]
    {
        let expected = format!("unknown column `{}`: did you mean `{known}`?", unknown.trim());
        assert_eq!(problems(&[unknown], &[]), [problem(unknown.trim(), &expected)]);
    }
}

#[test]
fn an_unknown_column_like_no_other_is_answered_with_the_list() {
    let expected = "unknown column `phone`: the columns are `id`, `email`, `name`, `age`";
    assert_eq!(problems(&["email", "phone"], &[]), [problem("phone", expected)]);
}

#[test]
fn a_long_unknown_name_is_cut() {
    let expected =
        format!("unknown column `{}…`: the columns are `id`, `email`, `name`, `age`", "ß".repeat(64));
    assert_eq!(problems(&[&"ß".repeat(65)], &[]), [problem(&("ß".repeat(64) + "…"), &expected)]);
}

#[test]
fn a_repeated_column_is_told_with_both_positions() {
    let expected = "the column `Email` appears as column 1 and as column 3: keep one of them";
    assert_eq!(problems(&["email", "name", " Email"], &[]), [problem("Email", expected)]);
}

#[test]
fn two_headers_for_one_column_are_told() {
    let expected = "the columns `email` and `contact` both stand for `email`: keep one of them";
    assert_eq!(problems(&["email", "contact"], &[("contact", "email")]), [problem("contact", expected)]);
}

#[test]
fn a_column_without_name_is_told_by_its_position() {
    let expected = "column 2 has no name: name it in the header line or remove it from every line";
    assert_eq!(problems(&["email", "  ", "name"], &[]), [problem("", expected)]);
}

#[test]
fn a_mapping_from_a_missing_header_is_told() {
    assert_eq!(
        problems(&["email", "Full Name"], &[("fullname", "name"), ("full name", "name")]),
        [problem(
            "fullname",
            "the mapping names the header `fullname`, which the file does not have: did you mean `full name`?"
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
fn a_mapping_that_names_a_header_twice_is_told() {
    let expected = "the mapping names the header `mail` more than once: keep one entry";
    assert_eq!(problems(&["mail"], &[("MAIL", "email"), ("mail", "email")]), [problem("mail", expected)]);
}

#[test]
fn all_problems_are_told_at_once() {
    let found = problems(&["email", "e-mail", "", "EMAIL"], &[("missing", "name")]);
    let columns: Vec<_> = found.iter().map(|(column, _)| column.as_str()).collect();
    assert_eq!(columns, ["e-mail", "", "EMAIL", "missing"]);
}

#[test]
fn a_hopeless_header_is_not_answered_in_full() {
    let header: Vec<String> = (0..10_000).map(|number| format!("column {number}")).collect();
    let problems = resolve(&header, &BTreeMap::new(), &CONTACT).unwrap_err();
    assert_eq!(problems.len(), MAX_PROBLEMS + 1);
    assert_eq!(problems[MAX_PROBLEMS].message, "9950 more problems of this kind: is this the right file?");
}

proptest! {
    #[test]
    fn no_more_than_a_part_of_an_uploaded_name_is_repeated(
        name in "\\PC{60,300}",
        target in "\\PC{60,300}",
    ) {
        let mapping = BTreeMap::from([(name.clone(), target)]);
        for (header, mapping) in [(&name, &BTreeMap::new()), (&name, &mapping), (&"email".to_owned(), &mapping)] {
            for problem in resolve(std::slice::from_ref(header), mapping, &CONTACT).unwrap_err() {
                prop_assert!(problem.column.chars().count() <= SHOWN_CHARS + 1);
                prop_assert!(problem.message.chars().count() <= 2 * (SHOWN_CHARS + 1) + 100);
            }
        }
    }

    #[test]
    fn a_header_that_resolves_takes_each_column_at_most_once(
        header in prop::collection::vec("(id|email|name|age| Age|mail|)", 0..6),
        mapping in prop::collection::btree_map("(mail|age|id)", "(id|email|name|age|other)", 0..3),
    ) {
        if let Ok(columns) = resolve(&header, &mapping, &CONTACT) {
            prop_assert_eq!(columns.len(), header.len());
            let distinct: std::collections::HashSet<_> = columns.iter().collect();
            prop_assert_eq!(distinct.len(), columns.len());
            for (name, &index) in header.iter().zip(&columns) {
                let name = name.trim().to_lowercase();
                let target = mapping.get(&name).unwrap_or(&name);
                prop_assert_eq!(CONTACT[index], target);
            }
        }
    }
}
