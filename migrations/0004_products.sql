-- Keys, collation and CHECKs as in 0002_contacts.sql. That a currency exists is the service's to know: the standard's
-- list changes more often than a schema should.
CREATE TABLE products (
    account_id  text COLLATE "C" NOT NULL,
    id          uuid NOT NULL DEFAULT gen_random_uuid(),
    sku         text COLLATE "C" NOT NULL CHECK (length(sku) BETWEEN 1 AND 64),
    name        text COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    price       numeric(17, 2) NOT NULL CHECK (price >= 0),
    currency    text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- NULL where nobody counts it, which is not the same as none left.
    stock       integer CHECK (stock >= 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT products_sku_key UNIQUE (account_id, sku)
) WITH (fillfactor = 90);
