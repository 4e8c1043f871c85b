//! Calls with small responses.

use api_types::{
    ActionStatus, ActionView, CursorInfo, EntityView, LogEntry, Page, PageInfo, RowStatus, StatsView,
};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use uuid::Uuid;

use crate::{Client, ClientError};

/// Filter for a list of actions.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Only actions with this status.
    pub status: Option<ActionStatus>,
    /// Only actions of this entity.
    pub entity: Option<String>,
}

/// Filter and position of a page of outcomes.
#[derive(Debug, Clone, Default)]
pub struct LogsQuery {
    /// Only rows with this outcome.
    pub status: Option<RowStatus>,
    /// The `nextCursor` of the previous page.
    pub cursor: Option<String>,
    /// Maximum number of rows per page.
    pub limit: Option<usize>,
}

impl Client {
    /// Lists the caller's actions, newest first; `page` counts from 1.
    ///
    /// # Errors
    /// See [`ClientError`]; the same for every call.
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

    /// Returns one action.
    pub async fn action(&self, id: Uuid) -> Result<ActionView, ClientError> {
        self.get_data(&format!("/bulk-actions/{id}")).await
    }

    /// Returns the counters of an action.
    pub async fn stats(&self, id: Uuid) -> Result<StatsView, ClientError> {
        self.get_data(&format!("/bulk-actions/{id}/stats")).await
    }

    /// Pauses an action.
    pub async fn pause(&self, id: Uuid) -> Result<ActionView, ClientError> {
        self.change(Method::POST, &format!("/bulk-actions/{id}/pause")).await
    }

    /// Resumes a paused action.
    pub async fn resume(&self, id: Uuid) -> Result<ActionView, ClientError> {
        self.change(Method::POST, &format!("/bulk-actions/{id}/resume")).await
    }

    /// Cancels an action.
    pub async fn cancel(&self, id: Uuid) -> Result<ActionView, ClientError> {
        self.change(Method::POST, &format!("/bulk-actions/{id}/cancel")).await
    }

    /// Retries the failed parts of an action.
    pub async fn retry(&self, id: Uuid) -> Result<ActionView, ClientError> {
        self.change(Method::POST, &format!("/bulk-actions/{id}/retry")).await
    }

    /// Returns one page of row outcomes.
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

    /// Streams all row outcomes from the query's cursor on, requesting pages as needed.
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

    /// Lists the entities that can be uploaded.
    pub async fn entities(&self) -> Result<Vec<EntityView>, ClientError> {
        self.get_data("/entities").await
    }

    /// Downloads the CSV template of an entity.
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
