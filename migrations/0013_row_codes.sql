-- How many rows of a committed chunk have which code, such as {"created": 990, "invalid": 10}. Summed up for `GET …/codes`; and a
-- page of the rows with one code need not open the results of a chunk that has none. Null for a chunk that is not committed, and for
-- those that were committed before this column was there.
ALTER TABLE bulk_action_chunks ADD COLUMN codes jsonb;
