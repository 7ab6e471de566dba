/**
 * The safeguards of promises 1 and 2 that a simulated life can reach, and how to
 * take each away: an exact piece of a production file, and what stands there
 * instead. A mutant is the program with that edit; the simulation must find out.
 * The text must occur exactly once, so a safeguard that is rewritten takes its
 * mutation along. What notices the others is in docs/never-twice.md.
 *
 * Where two layers guard the same thing, both are in one mutation, and `why`
 * says which the other one is.
 */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

export interface Mutation {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Violations that the removal of the other layer brings by itself. */
  readonly ignore?: readonly string[];
  readonly why?: string;
}

const COMMIT = 'src/scheduler/commit-point.ts';
const LEASE = 'src/scheduler/lease.ts';
const ATTEMPT = 'src/scheduler/attempt.ts';
const OUTCOME = 'src/scheduler/outcome.ts';
const VERIFIER = 'src/scheduler/verifier.ts';
const UNSETTLED = 'src/scheduler/unsettled.ts';
const RESCUER = 'src/scheduler/rescuer.ts';
const DAEMON = 'src/scheduler/posting-scheduler.ts';
const JOB = 'src/domain/job.ts';
const DOUBT = 'src/domain/job-in-doubt.ts';
const DESK = 'src/scheduler/desk.ts';
const HOLDERS = 'src/scheduler/doubted-holders.ts';
const LINES = 'src/stores/posted-lines.ts';
const STORE = 'test/stores/memory-store.ts';
const STANDING = 'test/stores/memory-standing.ts';
const JOBS = 'test/stores/memory-jobs.ts';

const one = (name: string, file: string, find: string, put: string, why?: string): Mutation => ({
  name,
  edits: [{ file, find, put }],
  ...(why === undefined ? {} : { why }),
});

export const MUTATIONS: readonly Mutation[] = [
  // The commit point.
  one('commit() does not write `committing`', COMMIT, 'await write();', ''),
  one('commit() does not append to posted.jsonl', COMMIT, 'await ledger.append(record);', ''),
  one(
    'commit() goes on when posted.jsonl cannot be written',
    COMMIT,
    'await ledger.append(record);',
    'await ledger.append(record).catch(() => {});',
  ),
  one('commit() goes on when `committing` cannot be written', COMMIT, 'await write();', 'await write().catch(() => {});'),
  {
    name: 'commit() may be called twice',
    edits: [
      { file: COMMIT, find: "if (this.#running) return Promise.reject(new SchedulerError('COMMIT_TWICE'));", put: '' },
      { file: JOB, find: "commit: ['claimed'],", put: "commit: ['claimed', 'committing']," },
    ],
    why: 'a job that is committing already cannot be committed again',
  },
  // After the commit point.
  one(
    'an error after the commit point is a failure like any other',
    OUTCOME,
    'return ending.committed ? await this.#afterCommit(ending) : await this.#beforeCommit(ending);',
    "if (!ending.committed) return await this.#beforeCommit(ending); await this.#change({ type: 'doubt', failure: this.#failure(ending) }); await this.#apply({ type: 'verdict', verdict: 'absent', retryAtMs: this.#parts.clock.now(), by: 'nobody' }, null); return 'retrying';",
  ),
  one('any error after the commit point proves absence', OUTCOME, 'if (!absent) {', 'if (false) {'),
  one('a publisher that forgot commit() is tried again', OUTCOME, 'await this.#noCommit(ending)', "await this.#defer('again', 0, null)"),
  // Who judges.
  one(
    'the verifier believes "absent" although the publisher may still act',
    VERIFIER,
    "return verdict === 'absent' && !cutOff ? 'unknown' : verdict;",
    'return verdict;',
  ),
  one(
    'the verifier believes "absent" although a holder that was replaced unseen may live',
    VERIFIER,
    ' && (await this.#isGone(job, settleMs))',
    '',
  ),
  one(
    'a holder that was replaced unseen is not doubted for what it claimed last',
    HOLDERS,
    'job.epoch <= holder.lastEpoch',
    'job.epoch < holder.lastEpoch',
  ),
  one('an attempt is watched only after it ended', UNSETTLED, '(this.#jobs.get(jobId)?.running ?? 0) + more', '0'),
  one('a publisher that ended a moment ago is believed to be cut off', UNSETTLED, 'this.#clock.monotonic() - endedMs < settleMs', 'false'),
  {
    name: 'the verifier looks before a post had time to appear',
    edits: [
      {
        file: VERIFIER,
        find: 'const first = sinceMs + (publisherOf(job.account).publisher.settleMs ?? 0);',
        put: 'const first = sinceMs;',
      },
      { file: UNSETTLED, find: 'this.#clock.monotonic() - endedMs < settleMs', put: 'false' },
    ],
    why: 'the first look is also disbelieved by the monotonic clock',
  },
  one(
    'the verifier takes a look that failed for "absent"',
    VERIFIER,
    "      return 'unknown';\n    }\n  }",
    "      return 'absent';\n    }\n  }",
  ),
  // Dead holders.
  one(
    'the rescuer returns committing jobs to the queue',
    DOUBT,
    "if (job.status === 'committing') return { job: uncertain(job, failure, now), event: 'uncertain' };",
    '',
  ),
  one('nobody rescues while the daemon lives', DAEMON, 'if ((await rescuer.rescue(true)) > 0) wake.notify();', ''),
  one('nobody rescues at the start', DAEMON, 'await rescuer.rescue((before ?? bootId) === bootId);', ''),
  one('posted.jsonl is not read at the start', DAEMON, 'await rescuer.reconcile(await missingPosts());', ''),
  one('a record of a post without its job is forgotten', RESCUER, 'await store.importJobs([remembered(entry, key, message)], WHO);', ''),
  one(
    'withdrawn lines are read as posts that were never made, whoever wrote them',
    LINES,
    "if (line.then === 'withdrawn') {",
    'if (line.then !== undefined) {',
  ),
  // Lease, lock, epoch.
  {
    name: 'an overtaken epoch may still write',
    edits: [
      { file: STORE, find: 'change.epoch < this.epoch || ', put: '' },
      { file: STORE, find: "if (request.epoch < this.epoch) throw new SchedulerError('LOCK_LOST');", put: '' },
    ],
  },
  one(
    'a holder that was replaced writes accounts and values on',
    'test/stores/memory-life.ts',
    "if (WRITES_OF_A_LIFE.includes(name) && own !== null && own < store.epoch) throw new SchedulerError('LOCK_LOST');",
    '',
  ),
  {
    name: 'commit() does not ask whether the claim can still be trusted',
    edits: [
      {
        file: COMMIT,
        find: "if (this.#parts.lease.remainingMs() < ACT_BUDGET_MS) throw tooLate('the claim could not be trusted long enough');",
        put: '',
      },
      { file: COMMIT, find: "if (this.#closed) throw tooLate('its time was over');", put: '' },
      { file: COMMIT, find: "if (this.#closed) return Promise.reject(tooLate('it had been broken off'));", put: '' },
      { file: COMMIT, find: 'await check();', put: '' },
      { file: STORE, find: 'held(before, change.claim)', put: 'true' },
      { file: STORE, find: 'change.epoch < this.epoch || ', put: '' },
    ],
    ignore: ['overtaken'],
    why: 'the store refuses the commit of a lost claim',
  },
  {
    name: 'the trust in a claim is not looked at after `committing` was written',
    edits: [{ file: COMMIT, find: 'this.#committed = true;\n    try {\n      this.#mayAct();', put: 'this.#committed = true;\n    try {' }],
  },
  {
    name: 'commit() does not ask the store for its claim',
    edits: [
      {
        file: COMMIT,
        find: "if (!(await lease.renew())) throw new SchedulerError('CLAIM_LOST', { details: { job: this.#parts.record().job } });",
        put: '',
      },
      {
        file: COMMIT,
        find: "if (this.#parts.lease.remainingMs() < ACT_BUDGET_MS) throw tooLate('the claim could not be trusted long enough');",
        put: '',
      },
      { file: COMMIT, find: "if (this.#closed) throw tooLate('its time was over');", put: '' },
      { file: COMMIT, find: "if (this.#closed) return Promise.reject(tooLate('it had been broken off'));", put: '' },
      { file: COMMIT, find: 'await check();', put: '' },
      { file: STORE, find: 'held(before, change.claim)', put: 'true' },
      { file: STORE, find: 'change.epoch < this.epoch || ', put: '' },
      { file: JOB, find: "commit: ['claimed'],", put: "commit: ['claimed', 'committing']," },
    ],
    ignore: ['overtaken', 'late'],
    why: 'the end of the attempt, the trust, the check, the store at the write and the arrows of a job refuse a lost claim as well; asking first spares the record a line',
  },
  one(
    'commit() does not look at the trust that is left',
    COMMIT,
    "if (this.#parts.lease.remainingMs() < ACT_BUDGET_MS) throw tooLate('the claim could not be trusted long enough');",
    '',
  ),
  one(
    'the wall clock is not looked at: a machine that slept acts',
    LEASE,
    'return Math.min(this.#trustedMonotonic - clock.monotonic(), this.#trustedWall - clock.now());',
    'return this.#trustedMonotonic - clock.monotonic();',
  ),
  {
    name: 'an attempt does not hear that its lease is lost',
    edits: [
      { file: ATTEMPT, find: 'this.#phases.signal, this.#lease.lost, hard', put: 'this.#phases.signal, hard' },
      { file: ATTEMPT, find: 'lost: this.#lease.lost.aborted,', put: 'lost: false,' },
      {
        file: COMMIT,
        find: "if (!(await lease.renew())) throw new SchedulerError('CLAIM_LOST', { details: { job: this.#parts.record().job } });",
        put: '',
      },
      {
        file: COMMIT,
        find: "if (this.#parts.lease.remainingMs() < ACT_BUDGET_MS) throw tooLate('the claim could not be trusted long enough');",
        put: '',
      },
      { file: COMMIT, find: "if (this.#closed) throw tooLate('its time was over');", put: '' },
      { file: COMMIT, find: "if (this.#closed) return Promise.reject(tooLate('it had been broken off'));", put: '' },
      { file: COMMIT, find: 'await check();', put: '' },
      { file: STORE, find: 'held(before, change.claim)', put: 'true' },
      { file: STORE, find: 'change.epoch < this.epoch || ', put: '' },
      { file: JOB, find: "commit: ['claimed'],", put: "commit: ['claimed', 'committing']," },
    ],
    ignore: ['overtaken', 'late'],
    why: 'hearing it frees the phone early; that nothing is posted is guarded by every question of commit() and by the arrows of a job, each of which is enough',
  },
  {
    name: 'no rule is checked before the post is recorded',
    edits: [
      { file: COMMIT, find: 'await check();', put: '' },
      { file: STORE, find: "if (change.event.type === 'commit') this.#assertMayCommit(before, now);", put: '' },
      {
        file: LINES,
        find: "job: waiting.get(postKey(account, sha256, repeat)) ?? waiting.get(postKey('', sha256, repeat)) ?? entry.job",
        put: 'job: entry.job',
      },
    ],
    why: 'the store checks the rules again when `committing` is written; and the videos of a lost database are known by their bytes',
  },
  one('commit() does not ask whether this process may act', COMMIT, 'if (why !== null) throw', 'if (false) throw'),
  one(
    'a claim is not compared with its token',
    JOBS,
    'return job.claimToken === claim.token && job.epoch === claim.epoch;',
    'return true;',
  ),
  // The store's indexes.
  {
    name: 'the store gives one account two jobs',
    edits: [{ file: STANDING, find: 'busy.length === 0 ? null : busy.every', put: 'busy.length >= 0 ? null : busy.every' }],
  },
  one(
    'an uncertain post does not block its account',
    STANDING,
    'ACCOUNT_BUSY.includes(job.status));\n  const recent',
    "['claimed', 'committing'].includes(job.status));\n  const recent",
  ),
  one('the store gives one phone to two jobs', STORE, '...running.map((other) => other.device)', ''),
  one('the store counts no attempts at the claim', JOB, 'attempts: job.attempts + 1,', 'attempts: job.attempts,'),
  {
    name: 'the cap does not count what is uncertain',
    edits: [
      {
        file: JOBS,
        find: 'job.account === name && POST_COUNTS.includes(job.status)',
        put: "job.account === name && job.status === 'success'",
      },
      {
        file: STANDING,
        find: 'ACCOUNT_BUSY.includes(job.status));\n  const recent',
        put: "['claimed', 'committing'].includes(job.status));\n  const recent",
      },
    ],
    ignore: ['crowd'],
    why: 'an uncertain post also blocks its account',
  },
  one('a dead holder keeps the attempt', DOUBT, 'attempts: job.attempts - 1,', 'attempts: job.attempts,'),
  // People.
  one('"absent" is taken from a person although the publisher may still act', DESK, 'daemon?.publishing?.(job.id)', 'false'),
  one(
    '"absent" is taken from a person although a holder that was replaced unseen may live',
    DESK,
    'const holder = await doubted.holderOf(job);',
    'const holder = null;',
  ),
  {
    name: '--retry takes uncertain jobs',
    edits: [
      { file: DESK, find: 'if (obstacle !== null) throw obstacle;\n    const grant', put: 'const grant' },
      { file: JOB, find: "retry: ['failed', 'skipped', 'retrying'],", put: "retry: ['failed', 'skipped', 'retrying', 'uncertain']," },
    ],
    why: 'an uncertain job has no such arrow either',
  },
  {
    name: '--skip takes uncertain jobs',
    edits: [
      {
        file: DESK,
        find: "if (job.status === 'uncertain') return refused(",
        put: 'if (false) return refused(',
      },
      {
        file: JOB,
        find: "skip: ['pending', 'retrying', 'claimed', 'failed'],",
        put: "skip: ['pending', 'retrying', 'claimed', 'failed', 'uncertain'],",
      },
    ],
    why: 'an uncertain job has no such arrow either',
  },
  {
    name: 'the same bytes are queued again, and published again',
    edits: [
      {
        file: STORE,
        find: 'const knownAs = this.#jobs.sameBytes(given) ?? this.#jobs.sameFile(given, pool);',
        put: 'const knownAs = undefined as string | undefined;',
      },
      {
        file: STORE,
        find: 'const holder = this.#jobs.otherHolder(job);\n    if (holder !== undefined) throw alreadyPublished(holder);',
        put: '',
      },
    ],
    why: 'the post key refuses the second at its commit point',
  },
];
