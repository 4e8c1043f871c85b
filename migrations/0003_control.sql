-- Control of running actions, idempotent uploads, and what the clean-up remembers.

ALTER TABLE bulk_actions
    -- Since when it is paused.
    ADD COLUMN paused_at timestamptz,
    -- Time since started_at in which nobody was to work on it (paused, or failed before a retry), so that the speed that
    -- is shown is that of the work.
    ADD COLUMN idle_ms bigint NOT NULL DEFAULT 0,
    -- When the objects that a finished action no longer needs were removed. Cleared by a retry.
    ADD COLUMN cleaned_at timestamptz,
    ADD CHECK ((paused_at IS NOT NULL) = (status = 'paused'));

CREATE INDEX bulk_actions_to_clean ON bulk_actions (completed_at)
    WHERE completed_at IS NOT NULL AND cleaned_at IS NULL;

ALTER TABLE bulk_action_chunks
    -- A retry distrusts the object of a dead chunk: a chunker writes it anew, from the uploaded file, before the chunk may
    -- be ready.
    ADD COLUMN rewrite boolean NOT NULL DEFAULT false,
    ADD CHECK (NOT (rewrite AND ready));

-- Idempotency-Key headers of accepted uploads. Inserted in the transaction that creates the action, so of several uploads
-- with one key the first to commit wins and the others find it.
CREATE TABLE idempotency_keys (
    account_id   text COLLATE "C" NOT NULL,
    key          text COLLATE "C" NOT NULL,
    -- XXH3-128 of the upload's fields and bytes.
    payload_hash bytea NOT NULL,
    action_id    uuid NOT NULL REFERENCES bulk_actions (id) ON DELETE CASCADE,
    -- A key counts for 24 hours from here; the reconciler removes it some time after.
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
