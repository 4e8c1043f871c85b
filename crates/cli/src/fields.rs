//! Converts command line options to fields of an upload.

use std::fs;

use serde_json::{Map, Value};

use crate::args::{FileArgs, ImportArgs};
use crate::failure::Failure;

/// Fields of an upload beside the file.
pub(crate) type Fields = Vec<(String, String)>;

/// The fields of an import.
pub(crate) fn of_import(args: &ImportArgs) -> Result<Fields, Failure> {
    let mut fields = of_file(&args.file)?;
    if args.dry_run {
        fields.push(("dryRun".to_owned(), "true".to_owned()));
    }
    if let Some(at) = args.at {
        fields.push(("scheduledAt".to_owned(), at.to_rfc3339()));
    }
    Ok(fields)
}

/// The fields about the file's content and format. Options that are not given are not sent, so that the service's
/// defaults apply.
pub(crate) fn of_file(args: &FileArgs) -> Result<Fields, Failure> {
    let mut fields = Fields::new();
    let mut add = |name: &str, value: Option<String>| {
        fields.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("entityType", Some(args.entity.clone()));
    add("actionType", Some(args.action_type().to_string()));
    add("mapping", mapping(args)?);
    add("unknownColumns", args.ignore_unknown.then(|| "ignore".to_owned()));
    add("defaults", defaults(args)?);
    add("deduplicate", args.deduplicate.then(|| "true".to_owned()));
    add("onConflict", args.on_conflict.map(|choice| choice.to_string()));
    add("emptyCells", args.empty_cells.clone());
    add("shortRows", args.short_rows.clone());
    add("encoding", args.encoding.clone());
    add("delimiter", args.delimiter.as_deref().map(delimiter));
    add("headerLine", args.header_line.map(|line| line.to_string()));
    add("timezone", args.timezone.clone());
    add("decimal", args.decimal.clone());
    add("sheet", args.sheet.clone());
    Ok(fields)
}

/// Accepts a name for the tab, which is hard to type in a shell.
fn delimiter(text: &str) -> String {
    if matches!(text, "tab" | "\\t") { "\t".to_owned() } else { text.to_owned() }
}

fn mapping(args: &FileArgs) -> Result<Option<String>, Failure> {
    let mut mapping = match &args.map_file {
        None => Map::new(),
        Some(path) => {
            let text = fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
            serde_json::from_slice(&text).map_err(|error| {
                Failure::usage(format!("{} is no mapping: {error}", path.display()))
                    .hint(r#"it is a JSON object such as {"E-Mail": "email", "Remarks": null}"#)
            })?
        }
    };
    let mapped = args.map.iter().map(|(header, column)| (header, Value::from(column.clone())));
    for (header, value) in mapped.chain(args.ignore.iter().map(|header| (header, Value::Null))) {
        let before = mapping.insert(header.clone(), value.clone());
        if before.is_some_and(|before| before != value && args.map_file.is_none()) {
            return Err(Failure::usage(format!("the column {header:?} is mapped in two ways")));
        }
    }
    Ok((!mapping.is_empty()).then(|| Value::from(mapping).to_string()))
}

fn defaults(args: &FileArgs) -> Result<Option<String>, Failure> {
    let mut defaults = Map::new();
    for (column, value) in &args.default {
        if defaults.insert(column.clone(), value.clone().into()).is_some() {
            return Err(Failure::usage(format!("the column {column:?} has two defaults")));
        }
    }
    Ok((!defaults.is_empty()).then(|| Value::from(defaults).to_string()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn fields(options: &[&str]) -> Result<Fields, Failure> {
        let line = ["bulk", "import", "a.csv", "-e", "contact"];
        match Args::try_parse_from(line.iter().chain(options)).unwrap().command {
            Command::Import(args) => of_import(&args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_that_are_not_given_are_not_sent() {
        let fields = fields(&[]).ok().unwrap();
        assert_eq!(
            fields,
            [("entityType".into(), "contact".into()), ("actionType".into(), "bulk_create".into())]
        );
    }

    #[test]
    fn every_choice_becomes_its_field() {
        let fields = fields(&[
            "--upsert",
            "--map",
            "E-Mail=email",
            "--ignore",
            "Remarks",
            "--ignore-unknown",
            "--default",
            "currency=EUR",
            "--deduplicate",
            "--on-conflict",
            "update",
            "--empty-cells",
            "clear",
            "--short-rows",
            "fill",
            "--encoding",
            "windows-1252",
            "--delimiter",
            "tab",
            "--header-line",
            "3",
            "--timezone",
            "Europe/Berlin",
            "--decimal",
            "comma",
            "--sheet",
            "Kunden",
            "--dry-run",
            "--at",
            "2999-01-31T12:00:00+01:00",
        ]);
        insta::assert_debug_snapshot!(fields.ok().unwrap());
    }

    #[test]
    fn a_column_is_not_two_things() {
        assert!(fields(&["--map", "A=email", "--map", "A=name"]).is_err());
        assert!(fields(&["--map", "A=email", "--ignore", "A"]).is_err());
        assert!(fields(&["--default", "a=1", "--default", "a=2"]).is_err());
    }
}
