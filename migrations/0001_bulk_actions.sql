-- The platform's own state. PostgreSQL is the truth: what is written here decides, whatever Redis or a worker believes.
--
-- Statuses are text with a CHECK rather than an enum type: adding a value to an enum cannot be rolled back, and text
-- compares the same. The legal moves between them are in crates/core/src/action/status.rs and chunk/status.rs.

-- Uploads that have begun to write to object storage. The row is removed in the transaction that creates the action,
-- so a row that stays is an orphan: its object (or unfinished multipart upload) is removed by the reconciler.
CREATE TABLE uploads (
    action_id   uuid PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL,
    object_key  text NOT NULL,
    -- The S3 multipart upload, once one was needed (small files go up in one request).
    multipart_id text,
    -- Touched while bytes arrive; an upload that has been silent for an hour is an orphan.
    active_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE bulk_actions (
    -- UUIDv7, so the primary key is also the order of creation.
    id              uuid PRIMARY KEY,
    account_id      text COLLATE "C" NOT NULL,
    entity_type     text NOT NULL,
    action_type     text NOT NULL CHECK (action_type IN ('bulk_create', 'bulk_update', 'bulk_upsert', 'bulk_delete')),

    status          text NOT NULL CHECK (status IN
                        ('scheduled', 'queued', 'validating', 'processing', 'completed', 'paused', 'cancelled', 'failed')),
    -- What a paused action goes back to.
    paused_from     text CHECK (paused_from IN ('scheduled', 'queued', 'validating', 'processing')),
    outcome         text CHECK (outcome IN ('success', 'partial', 'failure')),
    -- Why a failed action failed, in words for the person who uploaded it.
    error_code      text,
    error_message   text,

    deduplicate     boolean NOT NULL,
    on_conflict     text NOT NULL CHECK (on_conflict IN ('skip', 'error', 'update')),
    mapping         jsonb NOT NULL,
    dry_run         boolean NOT NULL,
    scheduled_at    timestamptz,

    file_name       text NOT NULL,
    file_key        text NOT NULL,
    file_size_bytes bigint NOT NULL,
    file_etag       text NOT NULL,
    file_uploaded_at timestamptz NOT NULL,

    -- Chunking is a pure function of the file and these, so that a second run cuts the same chunks.
    chunk_size      integer NOT NULL CHECK (chunk_size > 0),
    chunk_size_bytes integer NOT NULL CHECK (chunk_size_bytes > 0),
    partitions      smallint NOT NULL CHECK (partitions > 0),

    -- The chunker's lease. `chunking_attempt` is its fencing token: it grows with every claim.
    chunking_owner      text,
    chunking_lease_until timestamptz,
    chunking_attempt    integer NOT NULL DEFAULT 0,
    -- Failures that count (not outages); with the time before which it is not tried again.
    chunking_failures   integer NOT NULL DEFAULT 0,
    chunking_due_at     timestamptz,
    chunking_done_at    timestamptz,
    -- When the chunking bell was last rung for this action.
    rung_at             timestamptz,

    chunk_count     integer NOT NULL DEFAULT 0,
    chunks_done     integer NOT NULL DEFAULT 0,
    chunks_dead     integer NOT NULL DEFAULT 0,

    -- W3C trace context of the request that created the action; every worker's log lines carry it.
    traceparent     text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    completed_at    timestamptz,

    CHECK (chunks_done + chunks_dead <= chunk_count),
    -- A final state has its time, and only a final state has one.
    CHECK ((completed_at IS NOT NULL) = (status IN ('completed', 'cancelled', 'failed'))),
    CHECK ((outcome IS NOT NULL) = (status = 'completed')),
    CHECK ((paused_from IS NOT NULL) = (status = 'paused'))
) WITH (fillfactor = 70); -- the counters change with every chunk: leave room for HOT updates

CREATE INDEX bulk_actions_by_account ON bulk_actions (account_id, id DESC);
-- What the reconciler looks for; finished actions are in none of these.
CREATE INDEX bulk_actions_scheduled ON bulk_actions (scheduled_at) WHERE status = 'scheduled';
CREATE INDEX bulk_actions_chunking ON bulk_actions (account_id)
    WHERE chunking_done_at IS NULL AND status IN ('queued', 'validating', 'processing');

-- Apart from bulk_actions so that a counter update rewrites a short row.
CREATE TABLE bulk_action_stats (
    action_id           uuid PRIMARY KEY REFERENCES bulk_actions (id) ON DELETE CASCADE,
    total_records       bigint NOT NULL,
    successful_records  bigint NOT NULL DEFAULT 0,
    failed_records      bigint NOT NULL DEFAULT 0,
    skipped_records     bigint NOT NULL DEFAULT 0,
    updated_at          timestamptz NOT NULL DEFAULT now(),
    -- The promise itself, kept by the database: a transaction that would count a row twice cannot commit.
    CHECK (successful_records >= 0 AND failed_records >= 0 AND skipped_records >= 0),
    CHECK (successful_records + failed_records + skipped_records <= total_records)
) WITH (fillfactor = 50);

CREATE TABLE bulk_action_chunks (
    action_id       uuid NOT NULL REFERENCES bulk_actions (id) ON DELETE CASCADE,
    partition       smallint NOT NULL,
    seq             integer NOT NULL,
    account_id      text COLLATE "C" NOT NULL,
    status          text NOT NULL CHECK (status IN ('pending', 'queued', 'running', 'retrying', 'done', 'dead')),
    -- Its predecessor in the partition is done (or it has none): it may be released as soon as the account has room.
    ready           boolean NOT NULL,
    row_count       integer NOT NULL CHECK (row_count > 0),
    -- Hash of the chunk object. A chunker that runs again, perhaps in a newer version, must cut the same chunk.
    content_hash    bigint NOT NULL,

    lease_owner     text,
    lease_until     timestamptz,
    -- Fencing token: grows with every claim, and the commit names it.
    attempt         integer NOT NULL DEFAULT 0,
    -- Failures that count towards `dead`; outages and lost leases do not.
    failures        integer NOT NULL DEFAULT 0,
    due_at          timestamptz,
    rung_at         timestamptz,
    last_error      text,

    successful      integer NOT NULL DEFAULT 0,
    failed          integer NOT NULL DEFAULT 0,
    skipped         integer NOT NULL DEFAULT 0,
    -- The attempt whose results object counts. Part of that object's key, so a slow worker cannot overwrite it.
    results_attempt integer,
    completed_at    timestamptz,

    PRIMARY KEY (action_id, partition, seq),
    CHECK ((status = 'done') = (results_attempt IS NOT NULL)),
    CHECK ((status = 'running') = (lease_owner IS NOT NULL)),
    CHECK (status <> 'done' OR successful + failed + skipped = row_count)
) WITH (fillfactor = 70);

CREATE INDEX bulk_action_chunks_in_flight ON bulk_action_chunks (account_id)
    WHERE status IN ('queued', 'running', 'retrying');
CREATE INDEX bulk_action_chunks_releasable ON bulk_action_chunks (account_id, seq, action_id, partition)
    WHERE status = 'pending' AND ready;
CREATE INDEX bulk_action_chunks_active ON bulk_action_chunks (status)
    WHERE status IN ('queued', 'running', 'retrying');
