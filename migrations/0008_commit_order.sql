-- The order in which the chunks of an action were committed: 1, 2, 3, … without a gap, given under the lock of the
-- action's row, so that whoever has seen number n has seen, or can see, everything before it. Results are read in this
-- order: a chunk that commits later has a higher number, so a reader who goes on from where he stood misses nothing.
ALTER TABLE bulk_action_chunks ADD COLUMN commit_number integer;

UPDATE bulk_action_chunks c
SET commit_number = numbered.number
FROM (SELECT action_id, partition, seq,
          row_number() OVER (PARTITION BY action_id ORDER BY completed_at, partition, seq) AS number
      FROM bulk_action_chunks WHERE status = 'done') numbered
WHERE c.action_id = numbered.action_id AND c.partition = numbered.partition AND c.seq = numbered.seq;

ALTER TABLE bulk_action_chunks ADD CHECK ((status = 'done') = (commit_number IS NOT NULL));

CREATE UNIQUE INDEX bulk_action_chunks_committed ON bulk_action_chunks (action_id, commit_number)
    WHERE commit_number IS NOT NULL;
