-- A task is about the files that were there when it was created, whatever its product becomes meanwhile.
ALTER TABLE tasks ADD COLUMN snapshot TEXT REFERENCES snapshots (hash);
UPDATE tasks SET snapshot = (SELECT p.snapshot FROM products p WHERE p.id = tasks.product) WHERE exclusive = 0;
