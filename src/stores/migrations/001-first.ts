/**
 * The first schema. Times are epoch milliseconds.
 *
 * An account's row says by itself whether it may post (`ready`) and what is at
 * the head of its queue (`next_*`), a pool's row likewise: so a claim reads one
 * index entry however long the queue is and however much of it is blocked. The
 * obvious join was 2,300 times slower at 100,000 jobs.
 */
import type { Migration } from '../migrate.ts';

export const first: Migration = {
  version: 1,
  sql: `
CREATE TABLE batches (id TEXT PRIMARY KEY, source TEXT NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID;

-- A set of accounts among which unbound jobs are shared. members is '*' (all, also later ones) or the sorted names.
CREATE TABLE pools (
  id INTEGER PRIMARY KEY, members TEXT NOT NULL UNIQUE,
  next_due INTEGER, next_priority INTEGER, next_seq INTEGER
);
CREATE TABLE pool_members (
  pool INTEGER NOT NULL REFERENCES pools(id), account TEXT NOT NULL, PRIMARY KEY (pool, account)
) WITHOUT ROWID;

-- policy is NULL for a name that only an import or a job has mentioned so far.
CREATE TABLE accounts (
  rank INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, policy TEXT,
  state TEXT NOT NULL DEFAULT 'active', reason TEXT, device TEXT, trouble TEXT,
  cooldown_until_ms INTEGER, consecutive_failures INTEGER NOT NULL DEFAULT 0,
  last_commit_ms INTEGER, gap_jitter_ms INTEGER NOT NULL DEFAULT 0,
  ready INTEGER NOT NULL DEFAULT 0, reconsider_at INTEGER, wait_reason TEXT,
  next_due INTEGER, next_priority INTEGER, next_seq INTEGER
);
CREATE INDEX accounts_in_order ON accounts (next_due, next_priority, last_commit_ms, next_seq) WHERE ready = 1 AND next_due IS NOT NULL;
CREATE INDEX accounts_fair ON accounts (last_commit_ms, rank) WHERE ready = 1;
CREATE INDEX accounts_reconsider ON accounts (reconsider_at) WHERE reconsider_at IS NOT NULL;

-- One row per post that counts (job is committing, uncertain or success). A day's posts are a range of it, in whatever zone the day is.
CREATE TABLE posts (account TEXT NOT NULL, committed_ms INTEGER NOT NULL, job INTEGER NOT NULL, PRIMARY KEY (account, committed_ms, job)) WITHOUT ROWID;

-- lane is 0, or the job's seq when a record found elsewhere made it uncertain: several of those may exist for one account.
-- key_tail is what follows the account in the post key, so that a claim can build the key in SQL.
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
  account TEXT, device TEXT, post_key TEXT, due_ms INTEGER NOT NULL, priority INTEGER NOT NULL,
  pool INTEGER REFERENCES pools(id), lane INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER, deferrals INTEGER NOT NULL DEFAULT 0,
  phase TEXT, worker TEXT, claim_token TEXT, epoch INTEGER NOT NULL DEFAULT 0, lease_until_ms INTEGER,
  claimed_ms INTEGER, committed_ms INTEGER, uncertain_ms INTEGER, finished_ms INTEGER, last_attempt_ms INTEGER,
  pass_number INTEGER NOT NULL DEFAULT 0, note TEXT, failures TEXT, failure TEXT,
  key_tail TEXT NOT NULL, sha256 TEXT, repeat INTEGER NOT NULL DEFAULT 0, publish_at_ms INTEGER,
  created_ms INTEGER NOT NULL, batch TEXT NOT NULL REFERENCES batches(id), video_path TEXT NOT NULL, caption TEXT NOT NULL
);
CREATE UNIQUE INDEX one_busy_job_per_account ON jobs (account, lane) WHERE status IN ('claimed', 'committing', 'uncertain');
CREATE UNIQUE INDEX one_busy_job_per_device ON jobs (device) WHERE status IN ('claimed', 'committing') AND device IS NOT NULL;
CREATE UNIQUE INDEX one_post_per_key ON jobs (post_key) WHERE status IN ('committing', 'uncertain', 'success');
CREATE INDEX jobs_of_account ON jobs (account, due_ms, priority, seq) WHERE status IN ('pending', 'retrying') AND account IS NOT NULL AND crashes < 2;
CREATE INDEX jobs_of_pool ON jobs (pool, due_ms, priority, seq) WHERE status IN ('pending', 'retrying') AND account IS NULL;
CREATE INDEX jobs_alone ON jobs (status) WHERE crashes >= 2;
CREATE INDEX jobs_by_bytes ON jobs (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX jobs_without_bytes ON jobs (account) WHERE sha256 IS NULL;
CREATE INDEX jobs_by_batch ON jobs (batch, seq);

CREATE TABLE counts (status TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counts VALUES ('pending', 0), ('claimed', 0), ('committing', 0), ('uncertain', 0), ('retrying', 0), ('success', 0), ('failed', 0), ('skipped', 0);
-- Triggers, so that no way of changing a job can forget the counts.
CREATE TRIGGER job_counted AFTER INSERT ON jobs BEGIN
  UPDATE counts SET n = n + 1 WHERE status = new.status;
END;
CREATE TRIGGER job_uncounted AFTER DELETE ON jobs BEGIN
  UPDATE counts SET n = n - 1 WHERE status = old.status;
END;
CREATE TRIGGER job_recounted AFTER UPDATE OF status ON jobs WHEN old.status <> new.status BEGIN
  UPDATE counts SET n = n + CASE status WHEN new.status THEN 1 ELSE -1 END WHERE status IN (old.status, new.status);
END;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, type TEXT NOT NULL, epoch INTEGER NOT NULL, job TEXT, account TEXT, device TEXT,
  who TEXT NOT NULL, phase TEXT, category TEXT, details TEXT
);
CREATE TABLE epochs (instance TEXT PRIMARY KEY, epoch INTEGER NOT NULL, raised_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stored_values (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE resources (id TEXT PRIMARY KEY, kind TEXT NOT NULL, details TEXT NOT NULL, epoch INTEGER NOT NULL, started_ms INTEGER NOT NULL) WITHOUT ROWID;
`,
};
