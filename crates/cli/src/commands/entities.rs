//! `bulk entities` and `template`: the entities that can be uploaded.

use api_types::EntityView;

use crate::args::{EntitiesArgs, TemplateArgs};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

use crate::table;

/// Lists the entities, or the columns of one.
pub(crate) async fn entities(context: &Context, args: &EntitiesArgs) -> Result<Exit, Failure> {
    let mut entities = context.client.entities().await?;
    if let Some(name) = &args.name {
        let names: Vec<_> = entities.iter().map(|entity| entity.name.clone()).collect();
        entities.retain(|entity| entity.name == *name);
        if entities.is_empty() {
            return Err(Failure::new(Exit::Refused, format!("there is no entity {name:?}"))
                .hint(format!("there are {}", names.join(", "))));
        }
    }
    if context.output.is_json() {
        context.output.json(&entities)?;
        return Ok(Exit::Fine);
    }
    let lines = match (&args.name, entities.first()) {
        (Some(_), Some(entity)) => columns(entity),
        _ => overview(&entities),
    };
    for line in lines {
        context.output.line(&line)?;
    }
    Ok(Exit::Fine)
}

fn overview(entities: &[EntityView]) -> Vec<String> {
    let columns = |entity: &EntityView| {
        let names: Vec<_> = entity.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    };
    let rows: Vec<_> =
        entities.iter().map(|entity| [entity.name.clone(), entity.key.clone(), columns(entity)]).collect();
    table::lines(["ENTITY", "KEY", "COLUMNS"], &rows)
}

fn columns(entity: &EntityView) -> Vec<String> {
    let rows: Vec<_> = entity
        .columns
        .iter()
        .map(|column| {
            let role = match (column.name == entity.key, column.required) {
                (true, _) => "key",
                (_, true) => "required",
                _ => "",
            };
            [
                column.name.clone(),
                column.kind.clone(),
                role.to_owned(),
                column.rule.clone(),
                column.example.clone(),
            ]
        })
        .collect();
    table::lines(["COLUMN", "TYPE", "", "RULE", "EXAMPLE"], &rows)
}

/// Writes a CSV template.
pub(crate) async fn template(context: &Context, args: &TemplateArgs) -> Result<Exit, Failure> {
    let csv = context.client.template(&args.entity).await?;
    match args.output.as_deref().filter(|path| path.as_os_str() != "-") {
        Some(path) => std::fs::write(path, &csv).map_err(|error| Failure::file("write", path, &error))?,
        None => context.output.data(&csv)?,
    }
    Ok(Exit::Fine)
}
