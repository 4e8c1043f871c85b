-- How the file, its header and its cells are read: what the uploader said, and what was found where nothing was said
-- (encoding, delimiter). Whatever reads the file later reads it by these. Actions of before were read by the defaults.
ALTER TABLE bulk_actions ADD COLUMN intake jsonb NOT NULL DEFAULT '{}';
