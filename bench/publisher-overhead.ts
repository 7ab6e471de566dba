/**
 * What our publisher costs on the real chain: the wall time of whole posts
 * against a bare WebdriverIO script that does the same steps, in turns.
 *
 * The goal is judged against the faster of two scripts, the one that opens its
 * session while the video travels, as we do; most scripts do one after the other.
 * The phone's ledger says whether all of them really posted.
 *
 * Run: `node bench/publisher-overhead.ts [rounds]` (about two minutes).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChain } from '../test/phone/chain.ts';
import { below, besides, report, shown, spreadOf } from './figures.ts';
import { makeVideos } from './program.ts';
import type { Chain, Post, Took } from './publisher-overhead/post.ts';

const ROUNDS = Number(process.argv[2] ?? 9);
const LIMIT = 1.1;
/** A video of a minute has 5 to 20 MB; a short push leaves less room for our own steps to hide in. */
const VIDEO_BYTES = 3_000_000;
const ACCOUNT = 'alice';
const SIDES = { ours: ['ours.ts'], atOnce: ['bare.ts', '--at-once'], inOrder: ['bare.ts'] } as const;

type Side = keyof typeof SIDES;
const NAMES = Object.keys(SIDES) as Side[];

function start(side: Side): ChildProcess {
  const [file, ...flags] = SIDES[side];
  return fork(join(import.meta.dirname, 'publisher-overhead', file), flags);
}

async function order(child: ChildProcess, chain: Chain, post: Post): Promise<Took> {
  child.send({ chain, post });
  const [answer] = (await once(child, 'message')) as [{ readonly took?: Took; readonly problem?: string }];
  if (answer.took === undefined) throw new Error(answer.problem);
  return answer.took;
}

function posts(folder: string): Post[] {
  const count = (ROUNDS + 1) * NAMES.length;
  makeVideos(folder, count, VIDEO_BYTES);
  return Array.from({ length: count }, (_, at) => {
    const path = join(folder, `video-${at + 1}.mp4`);
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    return { id: `j${at + 1}`, account: ACCOUNT, path, sha256, caption: `Größe 👋 日本\nnumber ${at + 1}` };
  });
}

type All = Record<Side, Took[]>;

/** One round warms everybody up (imports, the driver on the phone); each of the others begins with another side. */
async function measure(chain: Chain, queue: Post[]): Promise<All> {
  const children = { ours: start('ours'), atOnce: start('atOnce'), inOrder: start('inOrder') };
  const all: All = { ours: [], atOnce: [], inOrder: [] };
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (let turn = 0; turn < NAMES.length; turn += 1) {
        const side = NAMES[(round + turn) % NAMES.length] as Side;
        const took = await order(children[side], chain, queue.shift() as Post);
        if (round > 0) all[side].push(took);
      }
    }
    return all;
  } finally {
    for (const child of Object.values(children)) child.disconnect();
  }
}

function withoutOpening({ ms, parts }: Took): number {
  return ms - (parts.open ?? 0);
}

function partsOf(all: readonly Took[]): Record<string, number> {
  const names = Object.keys(all[0]?.parts ?? {});
  return Object.fromEntries(names.map((name) => [name, Math.round(spreadOf(all.map(({ parts }) => parts[name] ?? 0)).median)]));
}

async function main(): Promise<void> {
  const chain = await startChain();
  try {
    const phone = await chain.phone({ name: 'phone-1', accounts: [ACCOUNT] });
    const queue = posts(join(chain.folder, 'videos'));
    const wanted = new Set(queue.map(({ sha256 }) => sha256));
    const { appiumUrl, adbPort, env } = chain;
    const all = await measure({ appiumUrl, adbPort, env, phone: phone.adbAddress }, queue);
    const made = phone.ledger().filter(({ sha256, account }) => account === ACCOUNT && wanted.delete(sha256));
    const against = (side: Side) => spreadOf(all.ours.map(({ ms }, round) => ms / (all[side][round]?.ms ?? Number.NaN)));
    // Opening a session takes the driver one look more or less at the phone, a second each: the widest part of the spread, and nobody's doing here.
    const rest = spreadOf(all.ours.map((took, round) => withoutOpening(took) / withoutOpening(all.atOnce[round] as Took)));
    const times = (side: Side) => spreadOf(all[side].map(({ ms }) => ms));
    const complete = wanted.size === 0 && phone.ledger().length === made.length;
    const { median } = against('atOnce');
    report(
      'publisher-overhead',
      [
        below('our post, times a bare script that opens its session meanwhile', shown(against('atOnce'), '', 2), median, LIMIT, ''),
        besides('our post, times a bare script that does one after the other', shown(against('inOrder'), '', 2)),
        besides('the same as the first, without the wait for the session', shown(rest, '', 2)),
        besides('our post', shown(times('ours'), ' ms')),
        besides('bare script, session meanwhile', shown(times('atOnce'), ' ms')),
        besides('bare script, one after the other', shown(times('inOrder'), ' ms')),
        { what: 'posts on the phone, each once', measured: String(made.length), goal: `${(ROUNDS + 1) * NAMES.length}`, met: complete },
      ],
      {
        ratio: against('atOnce'),
        ratioWithoutOpening: rest,
        ratioInOrder: against('inOrder'),
        medianMs: { ours: times('ours').median, atOnce: times('atOnce').median, inOrder: times('inOrder').median },
        parts: { ours: partsOf(all.ours), atOnce: partsOf(all.atOnce), inOrder: partsOf(all.inOrder) },
      },
    );
  } finally {
    await chain.stop();
  }
}

await main();
