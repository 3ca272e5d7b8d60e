-- The first schema. Times are UTC milliseconds, money is millionths of a US dollar, JSON is text.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;
-- epoch: raised by a restore · token: raised by every claim
INSERT INTO meta (key, value) VALUES ('epoch', 1), ('token', 0);

-- One row for each change of state. Never updated.
CREATE TABLE events (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  actor    TEXT NOT NULL,
  task     INTEGER,
  agent    TEXT,
  product  INTEGER,
  approval INTEGER,
  data     TEXT NOT NULL
) STRICT;
CREATE INDEX events_task ON events (task) WHERE task IS NOT NULL;

-- Pipelines that products have started with, by the SHA-256 of their canonical JSON.
CREATE TABLE pipelines (
  hash       TEXT PRIMARY KEY,
  body       TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE products (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid        TEXT NOT NULL UNIQUE,
  slug        TEXT NOT NULL UNIQUE,
  title       TEXT NOT NULL,
  idea        TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('active', 'published', 'shelved')),
  reason      TEXT,
  round       INTEGER NOT NULL DEFAULT 1,
  round_bound INTEGER NOT NULL,
  pipeline    TEXT NOT NULL REFERENCES pipelines (hash),
  snapshot    TEXT REFERENCES snapshots (hash),
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE tasks (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid           TEXT NOT NULL UNIQUE,
  type           TEXT NOT NULL,
  state          TEXT NOT NULL CHECK (state IN
                   ('blocked', 'pending', 'claimed', 'running', 'validating', 'done', 'failed', 'cancelled')),
  priority       INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 10),
  payload        TEXT NOT NULL,
  result         TEXT,
  verdict        TEXT,
  reason         TEXT,
  feedback       TEXT,
  product        INTEGER REFERENCES products (id),
  round          INTEGER NOT NULL DEFAULT 1,
  parent         INTEGER REFERENCES tasks (id),
  root           INTEGER,
  trace          TEXT NOT NULL,
  labels         TEXT NOT NULL DEFAULT '{}',
  schema_version INTEGER NOT NULL DEFAULT 1,
  pipeline       TEXT NOT NULL REFERENCES pipelines (hash),
  dedup_key      TEXT UNIQUE,
  exclusive      INTEGER NOT NULL DEFAULT 0,
  budget         INTEGER NOT NULL,
  attempts       INTEGER NOT NULL DEFAULT 0,
  losses         INTEGER NOT NULL DEFAULT 0,
  free           INTEGER NOT NULL DEFAULT 0,
  max_attempts   INTEGER NOT NULL,
  max_losses     INTEGER NOT NULL,
  max_free       INTEGER NOT NULL,
  not_before     INTEGER NOT NULL DEFAULT 0,
  claim_agent    TEXT,
  claim_epoch    INTEGER,
  claim_n        INTEGER,
  claim_session  INTEGER,
  created_by     TEXT NOT NULL,
  created_at     INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL,
  -- A claim is there exactly in the states that have one.
  CHECK ((claim_n IS NOT NULL) = (state IN ('claimed', 'running', 'validating')))
) STRICT;
-- What a claim looks for; stays as small as what is ready.
CREATE INDEX tasks_ready ON tasks (type, priority DESC, id) WHERE state = 'pending';
CREATE INDEX tasks_held ON tasks (state) WHERE state IN ('claimed', 'running', 'validating');
CREATE INDEX tasks_product ON tasks (product) WHERE product IS NOT NULL;
CREATE INDEX tasks_state ON tasks (state);

CREATE TABLE task_needs (
  task  INTEGER NOT NULL REFERENCES tasks (id),
  needs INTEGER NOT NULL REFERENCES tasks (id),
  PRIMARY KEY (task, needs),
  CHECK (task <> needs)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_needs_needs ON task_needs (needs);

-- One row for each claim: a run of a task, or the try at one.
CREATE TABLE attempts (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  task         INTEGER NOT NULL REFERENCES tasks (id),
  number       INTEGER NOT NULL,
  agent        TEXT NOT NULL,
  session      INTEGER,
  epoch        INTEGER NOT NULL,
  n            INTEGER NOT NULL,
  provider     TEXT NOT NULL,
  model        TEXT NOT NULL,
  account      TEXT NOT NULL,
  conversation TEXT NOT NULL,
  prompt       TEXT NOT NULL,
  budget       INTEGER NOT NULL,
  started_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  outcome      TEXT,
  class        TEXT,
  detail       TEXT,
  cost         INTEGER NOT NULL DEFAULT 0,
  input        INTEGER NOT NULL DEFAULT 0,
  output       INTEGER NOT NULL DEFAULT 0,
  cache_read   INTEGER NOT NULL DEFAULT 0,
  cache_write  INTEGER NOT NULL DEFAULT 0,
  report       INTEGER NOT NULL DEFAULT 0,
  -- Null while the attempt's sandbox may still run.
  released_at  INTEGER,
  UNIQUE (task, number),
  UNIQUE (epoch, n)
) STRICT;
CREATE INDEX attempts_unreleased ON attempts (task) WHERE released_at IS NULL;

-- What each day cost, by agent; the day is the number of days since 1970 in UTC.
CREATE TABLE spend (
  day         INTEGER NOT NULL,
  agent       TEXT NOT NULL,
  cost        INTEGER NOT NULL DEFAULT 0,
  input       INTEGER NOT NULL DEFAULT 0,
  output      INTEGER NOT NULL DEFAULT 0,
  cache_read  INTEGER NOT NULL DEFAULT 0,
  cache_write INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (day, agent)
) STRICT, WITHOUT ROWID;

-- Manifests of files whose bytes are in the artifact store.
CREATE TABLE snapshots (
  hash       TEXT PRIMARY KEY,
  manifest   TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Bytes that a task left behind: the log of a check, a prompt.
CREATE TABLE artifacts (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  task       INTEGER NOT NULL REFERENCES tasks (id),
  attempt    INTEGER NOT NULL REFERENCES attempts (id),
  name       TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  size       INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (attempt, name)
) STRICT;
CREATE INDEX artifacts_task ON artifacts (task);

CREATE TABLE agents (
  name           TEXT PRIMARY KEY,
  wanted         INTEGER NOT NULL DEFAULT 0,
  paused         TEXT,
  quarantined    TEXT,
  restarts       INTEGER NOT NULL DEFAULT 0,
  exits          TEXT NOT NULL DEFAULT '[]',
  not_before     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- A session is intended before it is started, so that a death between the two is seen.
CREATE TABLE sessions (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  agent      TEXT NOT NULL,
  name       TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('intended', 'started', 'ready', 'ended')),
  pane       TEXT,
  pid        INTEGER,
  start_time INTEGER,
  created_at INTEGER NOT NULL,
  ready_at   INTEGER,
  ended_at   INTEGER,
  why        TEXT
) STRICT;
-- One agent has one session at a time.
CREATE UNIQUE INDEX sessions_live ON sessions (agent) WHERE state <> 'ended';

-- A login or key with a provider, and whether it may be used now.
CREATE TABLE accounts (
  name      TEXT PRIMARY KEY,
  state     TEXT NOT NULL CHECK (state IN ('ready', 'cooling', 'login_required')),
  until     INTEGER NOT NULL DEFAULT 0,
  probes    INTEGER NOT NULL DEFAULT 0,
  probing   INTEGER,
  reason    TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid         TEXT NOT NULL UNIQUE,
  agent        TEXT NOT NULL,
  sender       TEXT NOT NULL,
  body         TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  delivered_at INTEGER,
  task         INTEGER REFERENCES tasks (id)
) STRICT;
CREATE INDEX messages_waiting ON messages (agent, id) WHERE delivered_at IS NULL;

CREATE TABLE approvals (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid       TEXT NOT NULL UNIQUE,
  kind       TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('open', 'approved', 'rejected', 'withdrawn')),
  question   TEXT NOT NULL,
  product    INTEGER NOT NULL REFERENCES products (id),
  task       INTEGER NOT NULL REFERENCES tasks (id),
  snapshot   TEXT REFERENCES snapshots (hash),
  terms      TEXT NOT NULL,
  binding    TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  decided_at INTEGER,
  decided_by TEXT,
  reason     TEXT,
  CHECK ((decided_by IS NOT NULL) = (state <> 'open'))
) STRICT;
CREATE INDEX approvals_open ON approvals (id) WHERE state = 'open';

-- The intent to publish is here before anything leaves the home; one for each approval, ever.
CREATE TABLE publications (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  key        TEXT NOT NULL UNIQUE,
  approval   INTEGER NOT NULL UNIQUE REFERENCES approvals (id),
  product    INTEGER NOT NULL REFERENCES products (id),
  outlet     TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('intended', 'sending', 'published', 'failed')),
  url        TEXT,
  error      TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE income (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  at         INTEGER NOT NULL,
  amount     INTEGER NOT NULL,
  currency   TEXT NOT NULL,
  source     TEXT NOT NULL,
  product    INTEGER REFERENCES products (id),
  note       TEXT,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
