/**
 * The life that power-loss.ts takes copies of: the production store and
 * posted.jsonl in the scheduler's own order, as fast as the disk allows, until
 * it is killed. `acts.jsonl` is the judge: a line stands there from the instant
 * on at which the post is public. `synced.json` says how far the WAL and
 * posted.jsonl were on disk when the last call resolved.
 *
 *   node power-loss-writer.ts FOLDER SEED [MUTATION]
 */
import { closeSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SystemClock } from '../../src/runtime/clock.ts';
import { PostedFile } from '../../src/stores/posted-ledger.ts';
import { SqliteStore } from '../../src/stores/sqlite.ts';
import type { Claim, PostedRecord } from '../../src/stores/store.ts';
import { ADB_TIMEOUT, POLICY, sha } from '../stores/subject.ts';
import { SeededRandom } from '../support/fake-random.ts';
import { endOfWal, type WalEnd } from './wal.ts';

const [folder = '', seed = '1', mutation = ''] = process.argv.slice(2);
const BATCH = 500;
const ACCOUNTS = ['alice', 'bob', 'carol', 'dave'];
const WHO = 'worker 1';
/** Their claims meet in one commit, again and again. */
const LANES = 2;

const clock = new SystemClock();
const random = new SeededRandom(Number(seed));
const store = new SqliteStore({ path: join(folder, 'scheduler_state.db'), clock, random });
const posted = new PostedFile({ path: join(folder, 'posted.jsonl') });
const wal = openSync(join(folder, 'scheduler_state.db-wal'), 'r');
const acts = openSync(join(folder, 'acts.jsonl'), 'a');
const syncedFile = openSync(join(folder, 'synced.json'), 'w');
const epoch = await store.raiseEpoch('power loss');
let end: WalEnd = { salts: '', offset: 0 };
let added = 0;

/** After every resolved call: what is on disk now can never be lost again. */
async function synced<T>(call: Promise<T>): Promise<T> {
  const result = await call;
  end = endOfWal((bytes, position) => readSync(wal, bytes, 0, bytes.length, position), end);
  const size = statSync(join(folder, 'posted.jsonl'), { throwIfNoEntry: false })?.size ?? 0;
  // Of one length: a reader never finds the rest of a longer one.
  writeSync(syncedFile, JSON.stringify({ ...end, posted: size }).padEnd(120), 0);
  return result;
}

function act(job: string): void {
  writeSync(acts, `${JSON.stringify({ job })}\n`);
  fsyncSync(acts);
}

async function addBatch(): Promise<void> {
  const jobs = Array.from({ length: BATCH }, (_, index) => {
    const number = added + index;
    const account = ACCOUNTS[number % ACCOUNTS.length] as string;
    const more = { caption: 'Hello', publishAtMs: null, priority: 0, maxAttempts: null, repeat: 0 };
    return { ...more, id: `job-${number}`, videoPath: `/v/${number}.mp4`, sha256: sha(number), account };
  });
  added += BATCH;
  await synced(store.addJobs({ id: `batch-${added}`, source: '/v', accounts: null }, jobs));
}

async function attempt(): Promise<boolean> {
  const request = { worker: WHO, token: random.id(), epoch, leaseMs: 60_000, passNumber: 1, accounts: null, exceptDevices: [] };
  const job = await synced(store.claim(request));
  if (job === null) return false;
  const claim: Claim = { jobId: job.id, token: request.token, epoch };
  const record: PostedRecord = { account: job.account as string, sha256: job.sha256 as string, repeat: 0, job: job.id, atMs: clock.now() };
  const change = (event: Parameters<typeof store.change>[1]['event'], by: Claim | null = claim) =>
    synced(store.change(job.id, { event, claim: by, epoch, who: WHO }));
  const fate = random.fraction();
  await synced(store.enterPhase(claim, 'compose'));
  if (fate < 0.15) {
    await change({ type: 'fail', failure: ADB_TIMEOUT, retryAtMs: clock.now() });
    return true;
  }
  await synced(store.renew(claim, 60_000));
  await store.checkCommit(claim);
  if (mutation === 'acts-too-early') act(job.id);
  await synced(posted.append(record));
  await change({ type: 'commit' });
  const isPublic = fate < 0.9;
  if (isPublic && mutation !== 'acts-too-early') act(job.id);
  if (fate < 0.75) {
    await change({ type: 'confirm' });
    await synced(posted.confirm(record));
    return true;
  }
  await change({ type: 'doubt', failure: { ...ADB_TIMEOUT, uncertain: true } });
  const verdict = isPublic ? 'published' : 'absent';
  const retryAtMs = isPublic ? null : clock.now();
  await change({ type: 'verdict', verdict, retryAtMs, by: 'verifier' }, null);
  await synced(isPublic ? posted.confirm(record) : posted.withdraw(record));
  return true;
}

await store.putAccounts(ACCOUNTS.map((name) => ({ name, policy: { ...POLICY, postsPerDay: 1_000_000 } })));
await addBatch();
process.stdout.write('writing\n');
process.on('exit', () => closeSync(acts));
const work = async () => {
  for (;;) if (!(await attempt())) await addBatch();
};
await Promise.all(Array.from({ length: LANES }, work));
