-- Keyed by account first, so that the table can be partitioned or distributed by account without a rewrite.
-- Text is compared by bytes (COLLATE "C"): keys are looked up, never sorted for people, and byte order is much cheaper.
-- The CHECKs repeat the entity's rules as the last line of defence; a row that fails one ends as `rejected`.
CREATE TABLE contacts (
    account_id  text COLLATE "C" NOT NULL,
    id          uuid NOT NULL DEFAULT gen_random_uuid(),
    email       text COLLATE "C" NOT NULL CHECK (length(email) BETWEEN 3 AND 320),
    name        text COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    age         integer CHECK (age BETWEEN 0 AND 150),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT contacts_email_key UNIQUE (account_id, email)
) WITH (fillfactor = 90); -- room for an update to stay on its page (HOT), so that it need not touch the indexes
