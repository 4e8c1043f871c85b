//! The calls that ask for little and are answered at once.

use api_types::{
    ActionStatus, ActionView, CursorInfo, EntityView, LogEntry, Page, PageInfo, RowStatus, StatsView,
};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use uuid::Uuid;

use crate::{Client, ClientError};

/// Which actions.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Only those in this state.
    pub status: Option<ActionStatus>,
    /// Only those on these records.
    pub entity: Option<String>,
}

/// Which rows.
#[derive(Debug, Clone, Default)]
pub struct LogsQuery {
    /// Only rows that went like this.
    pub status: Option<RowStatus>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Most rows of a page.
    pub limit: Option<usize>,
}

impl Client {
    /// One page, from 1, of the caller's actions, newest first.
    ///
    /// # Errors
    /// See [`ClientError`]; so for every call.
    pub async fn list(
        &self,
        query: &ListQuery,
        page: usize,
        limit: usize,
    ) -> Result<Page<ActionView, PageInfo>, ClientError> {
        let mut parameters = vec![("page", page.to_string()), ("limit", limit.to_string())];
        parameters.extend(query.status.map(|status| ("status", status.to_string())));
        parameters.extend(query.entity.clone().map(|entity| ("entityType", entity)));
        self.get_json("/bulk-actions", &parameters).await
    }

    /// Everything about one action.
    pub async fn action(&self, id: Uuid) -> Result<ActionView, ClientError> {
        self.get_data(&format!("/bulk-actions/{id}")).await
    }

    /// The counters of one action.
    pub async fn stats(&self, id: Uuid) -> Result<StatsView, ClientError> {
        self.get_data(&format!("/bulk-actions/{id}/stats")).await
    }

    /// Holds an action.
    pub async fn pause(&self, id: Uuid) -> Result<ActionView, ClientError> {
        self.change(Method::POST, &format!("/bulk-actions/{id}/pause")).await
    }

    /// Lets a paused action go on.
    pub async fn resume(&self, id: Uuid) -> Result<ActionView, ClientError> {
        self.change(Method::POST, &format!("/bulk-actions/{id}/resume")).await
    }

    /// Stops an action for good.
    pub async fn cancel(&self, id: Uuid) -> Result<ActionView, ClientError> {
        self.change(Method::POST, &format!("/bulk-actions/{id}/cancel")).await
    }

    /// Tries again what was given up on.
    pub async fn retry(&self, id: Uuid) -> Result<ActionView, ClientError> {
        self.change(Method::POST, &format!("/bulk-actions/{id}/retry")).await
    }

    /// One page of row outcomes.
    pub async fn logs_page(
        &self,
        id: Uuid,
        query: &LogsQuery,
    ) -> Result<Page<LogEntry, CursorInfo>, ClientError> {
        let mut parameters = Vec::new();
        parameters.extend(query.status.map(|status| ("status", status.to_string())));
        parameters.extend(query.limit.map(|limit| ("limit", limit.to_string())));
        parameters.extend(query.cursor.clone().map(|cursor| ("cursor", cursor)));
        self.get_json(&format!("/bulk-actions/{id}/logs"), &parameters).await
    }

    /// Every row outcome from the query's cursor on, page after page as they are taken.
    pub fn logs(
        &self,
        id: Uuid,
        query: LogsQuery,
    ) -> impl Stream<Item = Result<LogEntry, ClientError>> + Send + use<> {
        let client = self.clone();
        let pages = stream::try_unfold(Some(query), move |query| {
            let client = client.clone();
            async move {
                let Some(mut query) = query else { return Ok(None) };
                let page = client.logs_page(id, &query).await?;
                let next = page.pagination.next_cursor.map(|cursor| {
                    query.cursor = Some(cursor);
                    query
                });
                Ok::<_, ClientError>(Some((stream::iter(page.data).map(Ok), next)))
            }
        });
        pages.try_flatten()
    }

    /// What can be uploaded.
    pub async fn entities(&self) -> Result<Vec<EntityView>, ClientError> {
        self.get_data("/entities").await
    }

    /// A CSV file of an entity to start from.
    pub async fn template(&self, entity: &str) -> Result<Bytes, ClientError> {
        let entity: String = reqwest::Url::parse("http://x")
            .map(|mut url| {
                if let Ok(mut segments) = url.path_segments_mut() {
                    segments.push(entity);
                }
                url.path().trim_start_matches('/').to_owned()
            })
            .unwrap_or_default();
        let path = format!("/entities/{entity}/template.csv");
        let response = self.send_patiently(true, || self.request(Method::GET, &path)).await?;
        response.bytes().await.map_err(|error| ClientError::of_request(self.url(), &error))
    }
}
