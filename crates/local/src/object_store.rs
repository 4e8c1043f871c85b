//! An S3 server in this process, which stores objects as files in the data directory.
//!
//! Used only by the embedded default and the tests, because it needs no binary on the machine; elsewhere MinIO is used.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use crate::data_dir::DataDir;
use crate::env_file::Variables;

/// The directory of the objects, and the name in the list of ports.
pub const NAME: &str = "s3";

/// Not secret: only the name of the key pair.
const ACCESS_KEY: &str = "bulk-local";

/// The bucket of the embedded default.
const BUCKET: &str = "bulk-actions";

const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// A running object store. Dropping it closes its connections.
#[derive(Debug)]
pub struct ObjectStore {
    settings: Variables,
    accept: AbortHandle,
}

impl ObjectStore {
    /// Starts the server for the objects in the data directory, and creates the bucket.
    pub async fn start(data_dir: &DataDir) -> Result<Self> {
        let root = data_dir.root().join(NAME);
        fs::create_dir_all(root.join(BUCKET))?;
        let secret_key = data_dir.secret("MINIO_SECRET_KEY")?;
        let port = data_dir.port(NAME)?;
        let files = FileSystem::new(&root).map_err(|error| anyhow!("the object store: {error:?}"))?;
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, secret_key.as_str()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!("the object store cannot listen on port {port}"))?;
        let accept = tokio::spawn(serve(listener, service.build())).abort_handle();
        let settings = [
            ("MINIO_ENDPOINT", "127.0.0.1".to_owned()),
            ("MINIO_PORT", port.to_string()),
            ("MINIO_USE_SSL", "false".to_owned()),
            ("MINIO_ACCESS_KEY", ACCESS_KEY.to_owned()),
            ("MINIO_SECRET_KEY", secret_key),
            ("MINIO_BUCKET_NAME", BUCKET.to_owned()),
            ("MINIO_REGION", "us-east-1".to_owned()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
        Ok(Self { settings, accept })
    }

    /// The `MINIO_*` settings for reaching it.
    #[must_use]
    pub fn settings(&self) -> &Variables {
        &self.settings
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

/// The connections live in this task, so that they end with it.
async fn serve(listener: TcpListener, service: S3Service) {
    let http = Arc::new(Builder::new(TokioExecutor::new()));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                match accepted {
                    Ok((socket, _)) => {
                        connections.spawn(serve_connection(socket, Arc::clone(&http), service.clone()));
                    }
                    // Probably out of file descriptors, some of which will be free again soon.
                    Err(_) => sleep(ACCEPT_AGAIN_AFTER).await,
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(socket: TcpStream, http: Arc<Builder<TokioExecutor>>, service: S3Service) {
    // Small responses must not wait for more data.
    let _ = socket.set_nodelay(true);
    // Errors of a connection are visible to the client.
    let _ = http.serve_connection(TokioIo::new(socket), service).await;
}
