-- Of a workbook, `file_size_bytes` and `file_etag` are of its sheet's text, which is the file that workers read: its length is
-- checked by them. What was uploaded is kept beside it, and is what its owner is told of. Null where both are one.
ALTER TABLE bulk_actions
    ADD COLUMN uploaded_size_bytes bigint CHECK (uploaded_size_bytes >= 0),
    ADD COLUMN uploaded_etag text,
    ADD CHECK ((uploaded_size_bytes IS NULL) = (uploaded_etag IS NULL));
