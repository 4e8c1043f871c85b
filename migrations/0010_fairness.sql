-- Fair turns between accounts: what a claim and the reconciler look up, and what a chunk's attempts have met.

ALTER TABLE bulk_action_chunks
    -- It once gave its slot back because it took long while another account waited. Such chunks are claimed after all others.
    ADD COLUMN slow boolean NOT NULL DEFAULT false,
    -- Attempts that met contention (a deadlock, a lock or statement time-out). They set the delay, and count towards nothing.
    ADD COLUMN contended integer NOT NULL DEFAULT 0,
    -- Leases that ran out and whose worker has not been heard of since.
    ADD COLUMN lost integer NOT NULL DEFAULT 0;

ALTER TABLE bulk_actions
    -- The same for readings of the file.
    ADD COLUMN chunking_lost integer NOT NULL DEFAULT 0;

-- What a claim walks through: from account to account, and within one in its order.
CREATE INDEX bulk_action_chunks_claimable ON bulk_action_chunks (slow, account_id, seq, action_id, partition)
    WHERE status = 'queued';

-- Files that wait for a reader, by account and age. The owner is set and cleared with the lease, and unlike the lease's end
-- it does not change while the file is read, so that renewals stay HOT.
CREATE INDEX bulk_actions_unread ON bulk_actions (account_id, id)
    WHERE chunking_done_at IS NULL AND chunking_owner IS NULL AND status IN ('queued', 'validating', 'processing');
-- Files that are being read: as many as the workers have room for.
CREATE INDEX bulk_actions_being_read ON bulk_actions (account_id) WHERE chunking_owner IS NOT NULL;
-- Actions that end with their next chunk.
CREATE INDEX bulk_actions_chunked ON bulk_actions (id)
    WHERE status IN ('validating', 'processing') AND chunking_done_at IS NOT NULL;
DROP INDEX bulk_actions_chunking;
