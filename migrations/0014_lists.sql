-- What lists are read by, so that a filter costs what its page costs and not what the account has. Statuses change a few
-- times in an action's life; its counters, which change with every chunk, are in neither index.
CREATE INDEX bulk_actions_by_status ON bulk_actions (account_id, status, id DESC);
CREATE INDEX bulk_actions_by_entity ON bulk_actions (account_id, entity_type, id DESC);
