-- Keys, collation and CHECKs as in 0002_contacts.sql.
CREATE TABLE orders (
    account_id      text COLLATE "C" NOT NULL,
    id              uuid NOT NULL DEFAULT gen_random_uuid(),
    order_number    text COLLATE "C" NOT NULL CHECK (length(order_number) BETWEEN 1 AND 64),
    -- No reference to contacts: orders may be uploaded first, and outlive the contact.
    contact_email   text COLLATE "C" NOT NULL CHECK (length(contact_email) BETWEEN 3 AND 320),
    status          text COLLATE "C" NOT NULL
                    CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled')),
    -- Four decimals: the finest currency units of ISO 4217 (CLF, UYW) have as many.
    amount          numeric(19, 4) NOT NULL CHECK (amount >= 0),
    currency        text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    ordered_at      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT orders_order_number_key UNIQUE (account_id, order_number)
) WITH (fillfactor = 90);
