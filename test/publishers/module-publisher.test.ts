/** Guards promises 1 and 4 where others extend us: docs/adding-a-publisher.md, word by word. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadModulePublisher } from '../../src/publishers/module-publisher.ts';
import { attempt, jobOf } from './context.ts';
import { publisherContract } from './contract.ts';

const MODULES = join(import.meta.dirname, 'modules');
const VIDEO = join(import.meta.dirname, '../fixtures/videos/good.mp4');
const load = (file: string, options = {}) => loadModulePublisher({ path: join(MODULES, file), options });

publisherContract('a module', async () => {
  const { world } = (await import(join(MODULES, 'mine.mjs'))) as { world: { acts: number; lose: boolean } };
  Object.assign(world, { acts: 0, lose: false });
  return {
    publisher: await load('mine.mjs'),
    job: jobOf(VIDEO),
    acts: () => world.acts,
    run: (work) => work,
    loseAnswer: () => {
      world.lose = true;
    },
  };
});

describe('a module', () => {
  it('gets exactly what the contract names, and its own options', async () => {
    const { world } = (await import(join(MODULES, 'mine.mjs'))) as { world: { seen: unknown[]; lose: boolean } };
    world.lose = false;
    const one = attempt({ theirs: true });
    const job = jobOf(VIDEO);
    await (await load('mine.mjs', { channel: 7 })).publish({ ...job, ...{ secret: 'ours' } }, one.ctx);
    const { id, account, video, caption, post_key, attempt: nth, max_attempts, app, device } = job;
    const named = { id, account, video, caption, post_key, attempt: nth, max_attempts, app, device };
    expect(world.seen.at(-1)).toEqual({ job: named, options: { channel: 7 } });
    expect(one.phases).toEqual(['compose', 'confirm']);
    expect([...one.evidence.keys()]).toEqual(['answer.json']);
  });

  it('is not asked to publish other bytes than those that were queued', async () => {
    const { world } = (await import(join(MODULES, 'mine.mjs'))) as { world: { acts: number } };
    const acts = world.acts;
    const video = { path: VIDEO, sha256: 'a'.repeat(64) };
    await expect((await load('mine.mjs')).publish(jobOf(VIDEO, { video }), attempt().ctx)).rejects.toMatchObject({ code: 'VIDEO_CHANGED' });
    expect(world.acts).toBe(acts);
  });

  it('needs no Appium and no phone unless it says so, and may be an instance of a class', async () => {
    expect((await load('mine.mjs')).settleMs).toBe(1_500);
    const publisher = await load('as-a-class.mjs');
    expect(publisher).toMatchObject({ name: 'poster', needs: { appium: false, device: false }, settleMs: 0 });
    const thrown = await publisher.publish(jobOf(VIDEO), attempt().ctx).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Error);
    expect(thrown).toMatchObject({
      message: expect.stringContaining('call 1 went wrong'),
      category: 'content',
      type: 'rejected',
      proofOfAbsence: true,
    });
  });

  it('that throws something else than an Error is an Error all the same', async () => {
    const publisher = await load('throws.mjs');
    const of = (caption: string) => publisher.publish(jobOf(VIDEO, { caption }), attempt().ctx).catch((error: unknown) => error);
    expect(await of('text')).toMatchObject({ message: 'the publisher throws threw no Error but: upload quota reached' });
    expect(await of('undefined')).toMatchObject({ message: 'the publisher throws threw no Error but: undefined' });
    expect(await of('undefined')).toBeInstanceOf(Error);
  });

  it('is believed only in three words, and without verify not at all', async () => {
    const publisher = await load('mine.mjs');
    const look = (caption: string) => publisher.verify?.(jobOf(VIDEO, { caption }), attempt().ctx);
    expect(await look('gone')).toBe('absent');
    expect(await look('x')).toBe('published');
    expect(await look('bad')).toBe('unknown');
    expect((await load('throws.mjs')).verify).toBeUndefined();
  });
});

describe('a module that cannot be used', () => {
  const folder = mkdtempSync(join(tmpdir(), 'publisher-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['nothing.mjs', 'export const publish = () => {}', /no default export/],
    ['nameless.mjs', 'export default { publish() {} }', /its `name` must be a text/],
    ['idle.mjs', "export default { name: 'idle' }", /its `publish` must be a function/],
    ['verify.mjs', "export default { name: 'a', publish() {}, verify: 1 }", /its `verify` must be a function/],
    ['needs.mjs', "export default { name: 'a', publish() {}, needs: { appium: 'no' } }", /must be true or false/],
    ['settle.mjs', "export default { name: 'a', publish() {}, settleMs: '1s' }", /milliseconds/],
    ['syntax.mjs', 'export default {', /it cannot be loaded/],
  ];
  it.each(cases)('%s', async (file, text, message) => {
    writeFileSync(join(folder, file), text);
    await expect(loadModulePublisher({ path: join(folder, file), options: {} })).rejects.toMatchObject({
      code: 'BAD_PUBLISHER',
      category: 'configuration',
      message: expect.stringMatching(message),
    });
  });

  it('is not there', async () => {
    await expect(loadModulePublisher({ path: join(folder, 'none.mjs'), options: {} })).rejects.toThrow(/it cannot be loaded/);
  });
});
