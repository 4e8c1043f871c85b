//! Conversions between the platform's values and the API's types. Each match names every variant, so neither side can
//! gain one that the other does not know.

use bulk_core::{action, chunk, value};
use csv_intake::header;

/// A value of the platform with a counterpart in the API.
pub(crate) trait InApi {
    /// The API's type.
    type Word;

    /// The same value in the API's type.
    fn in_api(self) -> Self::Word;
}

macro_rules! words {
    ($( $module:ident :: $name:ident { $( $ours:ident => $word:ident ),* } )*) => {$(
        impl InApi for $module::$name {
            type Word = api_types::$name;

            fn in_api(self) -> api_types::$name {
                match self {
                    $( Self::$ours => api_types::$name::$word, )*
                }
            }
        }
    )*};
}

words! {
    action::ActionStatus {
        Scheduled => Scheduled, Queued => Queued, Validating => Validating, Processing => Processing,
        Completed => Completed, Paused => Paused, Cancelled => Cancelled, Failed => Failed
    }
    action::ActionType {
        BulkCreate => Create, BulkUpdate => Update, BulkUpsert => Upsert, BulkDelete => Delete
    }
    action::OnConflict { Skip => Skip, Error => Error, Update => Update }
    action::EmptyCells { Keep => Keep, Clear => Clear }
    action::Outcome { Success => Success, Partial => Partial, Failure => Failure }
    chunk::RowStatus { Success => Success, Failed => Failed, Skipped => Skipped }
    chunk::RowCode {
        Created => Created, Updated => Updated, Deleted => Deleted, Valid => Valid, Duplicate => Duplicate,
        AlreadyExists => AlreadyExists, Invalid => Invalid, Malformed => Malformed, NotFound => NotFound,
        Rejected => Rejected
    }
    value::DecimalMark { Point => Point, Comma => Comma }
    header::UnknownColumns { Refuse => Refuse, Ignore => Ignore }
    csv_intake::ShortRows { Fail => Fail, Fill => Fill }
}

#[cfg(test)]
mod tests {
    use bulk_core::action::{ActionStatus, ActionType, OnConflict};
    use bulk_core::chunk::{RowCode, RowStatus};

    use super::*;

    #[test]
    fn a_value_is_called_the_same_in_the_database_and_in_the_api() {
        assert_eq!(
            ActionStatus::ALL.map(|it| it.in_api().as_str()),
            ActionStatus::ALL.map(ActionStatus::as_str)
        );
        assert_eq!(ActionType::ALL.map(|it| it.in_api().as_str()), ActionType::ALL.map(ActionType::as_str));
        assert_eq!(OnConflict::ALL.map(|it| it.in_api().as_str()), OnConflict::ALL.map(OnConflict::as_str));
        assert_eq!(RowCode::ALL.map(|it| it.in_api().as_str()), RowCode::ALL.map(RowCode::as_str));
        assert_eq!(RowStatus::ALL.map(|it| it.in_api().as_str()), RowStatus::ALL.map(RowStatus::as_str));
    }
}
