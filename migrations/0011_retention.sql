-- What is stored for whom, for how long, and what waits to be removed from object storage.

-- Bytes of the objects that the platform has recorded for an account: uploaded files, chunks and results. Changed in the
-- transaction that records an object, and again once the object is removed. Also the row whose lock makes quotas exact:
-- uploads of one account are recorded one after the other.
CREATE TABLE account_usage (
    account_id   text COLLATE "C" PRIMARY KEY,
    stored_bytes bigint NOT NULL CHECK (stored_bytes >= 0)
) WITH (fillfactor = 50); -- it changes with every chunk: leave room for HOT updates

ALTER TABLE bulk_actions
    -- Bytes of the uploaded file that object storage still holds.
    ADD COLUMN file_stored_bytes bigint NOT NULL DEFAULT 0 CHECK (file_stored_bytes >= 0),
    -- From when nobody may read the uploaded file, or the results, any more. Set before the first object is removed.
    ADD COLUMN file_gone_at timestamptz,
    ADD COLUMN results_gone_at timestamptz,
    -- What has gone can neither be worked on nor be tried again.
    ADD CHECK (completed_at IS NOT NULL OR (file_gone_at IS NULL AND results_gone_at IS NULL));

ALTER TABLE bulk_action_chunks
    -- Bytes that object storage still holds of the chunk, and of the results that count.
    ADD COLUMN size_bytes bigint NOT NULL DEFAULT 0 CHECK (size_bytes >= 0),
    ADD COLUMN results_size_bytes bigint NOT NULL DEFAULT 0 CHECK (results_size_bytes >= 0);

-- Nothing knows the sizes of older chunks and results: they count as nothing, older files as they are.
UPDATE bulk_actions SET file_stored_bytes = file_size_bytes;
INSERT INTO account_usage (account_id, stored_bytes)
SELECT account_id, sum(file_size_bytes) FROM bulk_actions GROUP BY account_id;

-- What is decided to be removed from object storage, and is not yet. A row outlives its action.
CREATE TABLE removals (
    action_id    uuid NOT NULL,
    -- working: chunk objects and results that nothing needs any more. file: the upload and its chunks. results: results.
    -- everything: all of a deleted action or of an abandoned upload.
    part         text NOT NULL CHECK (part IN ('working', 'file', 'results', 'everything')),
    account_id   text COLLATE "C" NOT NULL,
    -- Of a deleted action: the bytes that its account still stores.
    stored_bytes bigint NOT NULL DEFAULT 0 CHECK (stored_bytes >= 0),
    -- Of an abandoned upload: its unfinished multipart upload.
    multipart_id text,
    due_at       timestamptz NOT NULL DEFAULT now(),
    -- When everything was removed the first time. It is looked for once more: a worker that lost its lease, or an upload
    -- that was given up, may have been about to store one more object.
    swept_at     timestamptz,
    failures     integer NOT NULL DEFAULT 0,
    last_error   text,
    PRIMARY KEY (action_id, part)
);
CREATE INDEX removals_by_due ON removals (due_at);
CREATE INDEX removals_by_account ON removals (account_id);

CREATE INDEX bulk_actions_open ON bulk_actions (account_id) WHERE completed_at IS NULL;
CREATE INDEX bulk_actions_ended ON bulk_actions (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX bulk_actions_with_file ON bulk_actions (completed_at)
    WHERE completed_at IS NOT NULL AND file_gone_at IS NULL;
CREATE INDEX bulk_actions_with_results ON bulk_actions (completed_at)
    WHERE completed_at IS NOT NULL AND results_gone_at IS NULL;
CREATE INDEX uploads_by_account ON uploads (account_id);
CREATE INDEX idempotency_keys_by_action ON idempotency_keys (action_id);
