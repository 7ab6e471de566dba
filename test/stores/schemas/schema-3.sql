BEGIN TRANSACTION;
CREATE TABLE accounts (
  rank INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, policy TEXT,
  state TEXT NOT NULL DEFAULT 'active', reason TEXT, device TEXT, trouble TEXT,
  cooldown_until_ms INTEGER, consecutive_failures INTEGER NOT NULL DEFAULT 0,
  last_commit_ms INTEGER, gap_jitter_ms INTEGER NOT NULL DEFAULT 0,
  ready INTEGER NOT NULL DEFAULT 0, reconsider_at INTEGER, wait_reason TEXT,
  next_due INTEGER, next_priority INTEGER, next_seq INTEGER
);
INSERT INTO "accounts" VALUES(1,'alice','{"app":"demo","device":null,"timezone":"Europe/Berlin","postsPerDay":9,"rolling24h":null,"windows":[{"days":[1,2,3,4,5,6,7],"fromMinute":0,"toMinute":1440}],"minGapMs":0,"jitterMs":0,"cooldown":{"after":3,"stepMs":600000,"maxMs":3600000},"retry":null}','hold','captcha',NULL,NULL,NULL,0,1767614400000,0,0,NULL,'hold',NULL,NULL,NULL);
INSERT INTO "accounts" VALUES(2,'bob','{"app":"demo","device":null,"timezone":"Europe/Berlin","postsPerDay":9,"rolling24h":null,"windows":[{"days":[1,2,3,4,5,6,7],"fromMinute":0,"toMinute":1440}],"minGapMs":0,"jitterMs":0,"cooldown":{"after":3,"stepMs":600000,"maxMs":3600000},"retry":null}','active',NULL,NULL,NULL,NULL,0,1767614400000,0,0,NULL,'uncertain',NULL,NULL,NULL);
INSERT INTO "accounts" VALUES(3,'carol','{"app":"demo","device":null,"timezone":"Europe/Berlin","postsPerDay":9,"rolling24h":null,"windows":[{"days":[1,2,3,4,5,6,7],"fromMinute":0,"toMinute":1440}],"minGapMs":0,"jitterMs":0,"cooldown":{"after":3,"stepMs":600000,"maxMs":3600000},"retry":null}','active',NULL,NULL,NULL,NULL,0,NULL,0,1,NULL,NULL,1767614460000,0,3);
INSERT INTO "accounts" VALUES(4,'dora','{"app":"demo","device":null,"timezone":"Europe/Berlin","postsPerDay":9,"rolling24h":null,"windows":[{"days":[1,2,3,4,5,6,7],"fromMinute":0,"toMinute":1440}],"minGapMs":0,"jitterMs":0,"cooldown":{"after":3,"stepMs":600000,"maxMs":3600000},"retry":null}','active',NULL,NULL,NULL,NULL,0,1767614400000,0,0,NULL,'busy',1767614400000,0,5);
CREATE TABLE batches (id TEXT PRIMARY KEY, source TEXT NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "batches" VALUES('batch','/v',1767614400000);
CREATE TABLE counts (status TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "counts" VALUES('claimed',0);
INSERT INTO "counts" VALUES('committing',1);
INSERT INTO "counts" VALUES('failed',0);
INSERT INTO "counts" VALUES('pending',1);
INSERT INTO "counts" VALUES('retrying',1);
INSERT INTO "counts" VALUES('skipped',0);
INSERT INTO "counts" VALUES('success',1);
INSERT INTO "counts" VALUES('uncertain',1);
CREATE TABLE epochs (instance TEXT PRIMARY KEY, epoch INTEGER NOT NULL, raised_ms INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "epochs" VALUES('old',1,1767614400000);
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, type TEXT NOT NULL, epoch INTEGER NOT NULL, job TEXT, account TEXT, device TEXT,
  who TEXT NOT NULL, phase TEXT, category TEXT, details TEXT
);
INSERT INTO "events" VALUES(1,1767614400000,'epoch',1,NULL,NULL,NULL,'old',NULL,NULL,NULL);
INSERT INTO "events" VALUES(2,1767614400000,'account_added',1,NULL,'alice',NULL,'person',NULL,NULL,NULL);
INSERT INTO "events" VALUES(3,1767614400000,'account_added',1,NULL,'bob',NULL,'person',NULL,NULL,NULL);
INSERT INTO "events" VALUES(4,1767614400000,'account_added',1,NULL,'carol',NULL,'person',NULL,NULL,NULL);
INSERT INTO "events" VALUES(5,1767614400000,'account_added',1,NULL,'dora',NULL,'person',NULL,NULL,NULL);
INSERT INTO "events" VALUES(6,1767614400000,'added',1,NULL,NULL,NULL,'person',NULL,NULL,'{"batch":"batch","source":"/v","jobs":5,"known":0}');
INSERT INTO "events" VALUES(7,1767614400000,'claimed',1,'posted','alice',NULL,'worker 1','prepare',NULL,'{"attempt":1,"max_attempts":null,"pass_number":1}');
INSERT INTO "events" VALUES(8,1767614400000,'action_started',1,'posted','alice',NULL,'worker 1','prepare',NULL,'{"attempt":1,"max_attempts":null,"pass_number":1}');
INSERT INTO "events" VALUES(9,1767614400000,'committing',1,'posted','alice',NULL,'worker 1','prepare',NULL,NULL);
INSERT INTO "events" VALUES(10,1767614400000,'published',1,'posted','alice',NULL,'worker 1','commit',NULL,NULL);
INSERT INTO "events" VALUES(11,1767614400000,'action_completed',1,'posted','alice',NULL,'worker 1','commit',NULL,'{"attempt":1,"max_attempts":null,"duration_seconds":0}');
INSERT INTO "events" VALUES(12,1767614400000,'claimed',1,'doubtful','bob',NULL,'worker 1','prepare',NULL,'{"attempt":1,"max_attempts":null,"pass_number":1}');
INSERT INTO "events" VALUES(13,1767614400000,'action_started',1,'doubtful','bob',NULL,'worker 1','prepare',NULL,'{"attempt":1,"max_attempts":null,"pass_number":1}');
INSERT INTO "events" VALUES(14,1767614400000,'committing',1,'doubtful','bob',NULL,'worker 1','prepare',NULL,NULL);
INSERT INTO "events" VALUES(15,1767614400000,'action_error',1,'doubtful','bob',NULL,'worker 1','push','infrastructure','{"type":"adb_timeout","message":"adb hangs","attempt":1,"max_attempts":null}');
INSERT INTO "events" VALUES(16,1767614400000,'uncertain',1,'doubtful','bob',NULL,'worker 1','push','infrastructure','{"type":"adb_timeout","message":"adb hangs","attempt":1,"max_attempts":null}');
INSERT INTO "events" VALUES(17,1767614400000,'claimed',1,'failing','carol',NULL,'worker 1','prepare',NULL,'{"attempt":1,"max_attempts":null,"pass_number":1}');
INSERT INTO "events" VALUES(18,1767614400000,'action_started',1,'failing','carol',NULL,'worker 1','prepare',NULL,'{"attempt":1,"max_attempts":null,"pass_number":1}');
INSERT INTO "events" VALUES(19,1767614400000,'action_error',1,'failing','carol',NULL,'worker 1','push','infrastructure','{"type":"adb_timeout","message":"adb hangs","attempt":1,"max_attempts":null,"retry_delay_seconds":60}');
INSERT INTO "events" VALUES(20,1767614400000,'action_retry',1,'failing','carol',NULL,'worker 1','push','infrastructure','{"type":"adb_timeout","message":"adb hangs","attempt":1,"max_attempts":null,"retry_delay_seconds":60}');
INSERT INTO "events" VALUES(21,1767614400000,'claimed',1,'waiting','dora',NULL,'worker 1','prepare',NULL,'{"attempt":1,"max_attempts":null,"pass_number":1}');
INSERT INTO "events" VALUES(22,1767614400000,'action_started',1,'waiting','dora',NULL,'worker 1','prepare',NULL,'{"attempt":1,"max_attempts":null,"pass_number":1}');
INSERT INTO "events" VALUES(23,1767614400000,'committing',1,'waiting','dora',NULL,'worker 1','prepare',NULL,NULL);
INSERT INTO "events" VALUES(24,1767614400000,'account_hold',1,NULL,'alice',NULL,'worker 1',NULL,NULL,'{"reason":"captcha","evidence":null}');
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
, retry TEXT, deferred_since_ms INTEGER);
INSERT INTO "jobs" VALUES(1,'posted','success','alice',NULL,'alice:1111111111111111111111111111111111111111111111111111111111111111:0',1767614400000,0,NULL,0,0,1,NULL,0,NULL,NULL,NULL,1,NULL,1767614400000,1767614400000,NULL,1767614400000,1767614400000,1,NULL,NULL,NULL,'1111111111111111111111111111111111111111111111111111111111111111:0','1111111111111111111111111111111111111111111111111111111111111111',0,NULL,1767614400000,'batch','/v/posted.mp4','caption of posted ☀',NULL,NULL);
INSERT INTO "jobs" VALUES(2,'doubtful','uncertain','bob',NULL,'bob:2222222222222222222222222222222222222222222222222222222222222222:0',1767614400000,0,NULL,0,0,1,NULL,0,NULL,NULL,NULL,1,NULL,1767614400000,1767614400000,1767614400000,NULL,1767614400000,1,NULL,NULL,'{"scope":"device","category":"infrastructure","type":"adb_timeout","phase":"push","message":"adb hangs","evidence":null,"uncertain":true}','2222222222222222222222222222222222222222222222222222222222222222:0','2222222222222222222222222222222222222222222222222222222222222222',0,NULL,1767614400000,'batch','/v/doubtful.mp4','caption of doubtful ☀',NULL,NULL);
INSERT INTO "jobs" VALUES(3,'failing','retrying','carol',NULL,'carol:3333333333333333333333333333333333333333333333333333333333333333:0',1767614460000,0,NULL,0,0,1,NULL,0,NULL,NULL,NULL,1,NULL,1767614400000,NULL,NULL,NULL,1767614400000,1,NULL,'{"infrastructure":1}','{"scope":"device","category":"infrastructure","type":"adb_timeout","phase":"push","message":"adb hangs","evidence":null,"uncertain":false}','3333333333333333333333333333333333333333333333333333333333333333:0','3333333333333333333333333333333333333333333333333333333333333333',0,NULL,1767614400000,'batch','/v/failing.mp4','caption of failing ☀',NULL,NULL);
INSERT INTO "jobs" VALUES(4,'waiting','committing','dora',NULL,'dora:4444444444444444444444444444444444444444444444444444444444444444:0',1767614400000,0,1,0,0,1,NULL,0,'commit','worker 1','t4',1,1767614460000,1767614400000,1767614400000,NULL,NULL,1767614400000,1,NULL,NULL,NULL,'4444444444444444444444444444444444444444444444444444444444444444:0','4444444444444444444444444444444444444444444444444444444444444444',0,NULL,1767614400000,'batch','/v/waiting.mp4','caption of waiting ☀',NULL,NULL);
INSERT INTO "jobs" VALUES(5,'busy','pending','dora',NULL,NULL,1767614400000,0,NULL,0,0,0,NULL,0,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,'5555555555555555555555555555555555555555555555555555555555555555:0','5555555555555555555555555555555555555555555555555555555555555555',0,NULL,1767614400000,'batch','/v/busy.mp4','caption of busy ☀',NULL,NULL);
CREATE TABLE pool_members (
  pool INTEGER NOT NULL REFERENCES pools(id), account TEXT NOT NULL, PRIMARY KEY (pool, account)
) WITHOUT ROWID;
CREATE TABLE pools (
  id INTEGER PRIMARY KEY, members TEXT NOT NULL UNIQUE,
  next_due INTEGER, next_priority INTEGER, next_seq INTEGER
);
INSERT INTO "pools" VALUES(1,'*',NULL,NULL,NULL);
CREATE TABLE posts (account TEXT NOT NULL, committed_ms INTEGER NOT NULL, job INTEGER NOT NULL, PRIMARY KEY (account, committed_ms, job)) WITHOUT ROWID;
INSERT INTO "posts" VALUES('alice',1767614400000,1);
INSERT INTO "posts" VALUES('bob',1767614400000,2);
INSERT INTO "posts" VALUES('dora',1767614400000,4);
CREATE TABLE resources (id TEXT PRIMARY KEY, kind TEXT NOT NULL, details TEXT NOT NULL, epoch INTEGER NOT NULL, started_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stored_values (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "stored_values" VALUES('boot_id','"old"');
CREATE INDEX accounts_in_order ON accounts (next_due, next_priority, last_commit_ms, next_seq) WHERE ready = 1 AND next_due IS NOT NULL;
CREATE INDEX accounts_fair ON accounts (last_commit_ms, rank) WHERE ready = 1;
CREATE INDEX accounts_reconsider ON accounts (reconsider_at) WHERE reconsider_at IS NOT NULL;
CREATE UNIQUE INDEX one_busy_job_per_account ON jobs (account, lane) WHERE status IN ('claimed', 'committing', 'uncertain');
CREATE UNIQUE INDEX one_busy_job_per_device ON jobs (device) WHERE status IN ('claimed', 'committing') AND device IS NOT NULL;
CREATE UNIQUE INDEX one_post_per_key ON jobs (post_key) WHERE status IN ('committing', 'uncertain', 'success');
CREATE INDEX jobs_of_account ON jobs (account, due_ms, priority, seq) WHERE status IN ('pending', 'retrying') AND account IS NOT NULL AND crashes < 2;
CREATE INDEX jobs_of_pool ON jobs (pool, due_ms, priority, seq) WHERE status IN ('pending', 'retrying') AND account IS NULL;
CREATE INDEX jobs_alone ON jobs (status) WHERE crashes >= 2;
CREATE INDEX jobs_by_bytes ON jobs (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX jobs_without_bytes ON jobs (account) WHERE sha256 IS NULL;
CREATE INDEX jobs_by_batch ON jobs (batch, seq);
CREATE TRIGGER job_counted AFTER INSERT ON jobs BEGIN
  UPDATE counts SET n = n + 1 WHERE status = new.status;
END;
CREATE TRIGGER job_uncounted AFTER DELETE ON jobs BEGIN
  UPDATE counts SET n = n - 1 WHERE status = old.status;
END;
CREATE TRIGGER job_recounted AFTER UPDATE OF status ON jobs WHEN old.status <> new.status BEGIN
  UPDATE counts SET n = n + CASE status WHEN new.status THEN 1 ELSE -1 END WHERE status IN (old.status, new.status);
END;
CREATE INDEX events_of_job ON events (job, seq) WHERE job IS NOT NULL;
CREATE INDEX jobs_in_trouble ON jobs (status, seq) WHERE status IN ('retrying', 'failed');
CREATE INDEX jobs_by_wish ON jobs (publish_at_ms) WHERE publish_at_ms IS NOT NULL AND status IN ('pending', 'retrying');
CREATE INDEX jobs_put_off ON jobs (deferred_since_ms) WHERE deferred_since_ms IS NOT NULL AND status IN ('pending', 'retrying');
COMMIT;
PRAGMA user_version = 3;
