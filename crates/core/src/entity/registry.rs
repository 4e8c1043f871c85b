//! The entities known to a process: the built-in ones and those of a directory.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::parse::parse;
use super::{Entity, Problem};

/// The built-in declarations in documentation order: file name and text.
const BUILT_IN: [(&str, &str); 3] = [
    ("entities/contact.toml", include_str!("../../../../entities/contact.toml")),
    ("entities/product.toml", include_str!("../../../../entities/product.toml")),
    ("entities/order.toml", include_str!("../../../../entities/order.toml")),
];

// The texts are compiled in, and a test parses each of them, so parsing cannot fail here.
static BUILT_IN_ENTITIES: LazyLock<Entities> = LazyLock::new(|| {
    let read = |(file, text): (&str, &str)| parse(file, text).map(Arc::new);
    let entities: Result<Vec<_>, _> = BUILT_IN.into_iter().map(read).collect();
    Entities(entities.unwrap_or_default().into())
});

/// A set of entities. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Entities(Arc<[Arc<Entity>]>);

impl Entities {
    /// The built-in entities.
    #[must_use]
    pub fn built_in() -> Self {
        BUILT_IN_ENTITIES.clone()
    }

    /// The built-in entities and those of a directory's `*.toml` files, in the order of the file names. A declaration
    /// in the directory replaces a built-in one of the same name.
    ///
    /// # Errors
    /// All problems of the files.
    pub fn load(directory: Option<&Path>) -> Result<Self, Vec<Problem>> {
        let Some(directory) = directory else { return Ok(Self::built_in()) };
        let mut entities: Vec<Arc<Entity>> = Self::built_in().0.to_vec();
        let (mut problems, mut declared) = (Vec::new(), Vec::<Arc<Entity>>::new());
        for file in files(directory)? {
            let shown = file.display().to_string();
            let text = std::fs::read_to_string(&file);
            let text =
                text.map_err(|error| vec![Problem::new(&shown, 1, format!("cannot be read: {error}"))]);
            match text.and_then(|text| parse(&shown, &text)) {
                Ok(entity) => match declared.iter().find(|other| other.name == entity.name) {
                    Some(other) => problems.push(Problem::new(
                        &shown,
                        1,
                        format!("`{}` is declared in {} already: rename one", entity.name, other.source.file),
                    )),
                    None => declared.push(Arc::new(entity)),
                },
                Err(found) => problems.extend(found),
            }
        }
        for entity in declared {
            match entities.iter_mut().find(|other| other.name == entity.name) {
                Some(other) => *other = entity,
                None => entities.push(entity),
            }
        }
        if problems.is_empty() { Ok(Self(entities.into())) } else { Err(problems) }
    }

    /// All entities, in documentation order.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &Arc<Entity>> {
        self.0.iter()
    }

    /// The entity called `name` in `entityType`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Entity>> {
        self.0.iter().find(|entity| entity.name == name)
    }

    /// Names of the entities.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|entity| entity.name()).collect()
    }
}

/// The declaration files of a directory, sorted.
fn files(directory: &Path) -> Result<Vec<std::path::PathBuf>, Vec<Problem>> {
    let unreadable = |error: std::io::Error| {
        let message = format!("the directory cannot be read: {error}; ENTITIES_DIR names it");
        vec![Problem::new(&directory.display().to_string(), 1, message)]
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::ActionType;
    use crate::entity::{Column, ColumnMap, Fields};

    struct Examples(Vec<String>);
    impl Fields for Examples {
        fn get(&self, position: usize) -> Option<&str> {
            self.0.get(position).map(String::as_str)
        }
    }

    fn examples(columns: &[Column]) -> Examples {
        Examples(columns.iter().map(|column| column.example.clone()).collect())
    }

    fn whole_map(entity: &Entity) -> ColumnMap {
        let count = entity.columns().len();
        ColumnMap::new(&(0..count).collect::<Vec<_>>(), count)
    }

    #[test]
    fn every_entity_accepts_its_own_examples_for_every_action() {
        for entity in Entities::built_in().all() {
            for action in ActionType::ALL {
                let map = entity.relevant(&whole_map(entity), action);
                assert!(entity.check_header(&map, action).is_ok(), "{} {action:?}", entity.name());
                let checked = entity.check_row(&map, action, &examples(entity.columns()));
                assert!(checked.is_ok(), "{} {action:?} {checked:?}", entity.name());
            }
        }
    }

    #[test]
    fn every_entity_names_the_required_column_that_a_new_record_lacks() {
        for entity in Entities::built_in().all() {
            for (index, column) in entity.columns().iter().enumerate() {
                let mut cells = examples(entity.columns());
                cells.0[index] = String::new();
                let checked = entity.check_row(&whole_map(entity), ActionType::BulkCreate, &cells);
                let lacking: Vec<_> =
                    checked.err().into_iter().flatten().map(|problem| problem.column).collect();
                let expected = if column.required { vec![column.name.clone()] } else { Vec::new() };
                assert_eq!(lacking, expected, "{}", entity.name());
            }
        }
    }

    #[test]
    fn every_entity_is_found_by_its_name_and_has_an_id_and_a_required_key() {
        let entities = Entities::built_in();
        assert_eq!(entities.names(), ["contact", "product", "order"]);
        for entity in entities.all() {
            assert_eq!(entities.find(entity.name()).unwrap().name(), entity.name());
            assert!(entity.key().required);
            assert_eq!(entity.columns()[Entity::ID_COLUMN].name, "id");
        }
        assert!(entities.find("nonsense").is_none());
    }

    #[test]
    fn a_header_may_use_the_other_names_of_a_column() {
        let entities = Entities::built_in();
        let contact = entities.find("contact").unwrap();
        let header = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let map = contact
            .layout(
                &header(&["Full Name", "E-MAIL "]),
                &Default::default(),
                &Default::default(),
                ActionType::BulkCreate,
            )
            .unwrap()
            .map;
        assert_eq!((map.position(1), map.position(2)), (Some(1), Some(0)));
        let both = contact.examine(&header(&["email", "Mail"]), &Default::default(), &Default::default());
        assert_eq!(both.problems.len(), 1, "the column's own name has precedence");
    }
}
