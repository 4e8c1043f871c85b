-- The declarations of entities (entities/*.toml) under which files were uploaded, by the hash of their text. Workers read an
-- action's rows by the declaration of its upload, whatever the files say by then, and need no files.
CREATE TABLE entity_declarations (
    -- XXH3-128 of the text.
    hash        uuid PRIMARY KEY,
    text        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- NULL for actions of before: they were uploaded under the declaration of their entity that is compiled in.
ALTER TABLE bulk_actions ADD COLUMN entity_hash uuid REFERENCES entity_declarations (hash);
