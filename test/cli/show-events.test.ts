/** Guards promise 7: what happened is shown whole, in order, and goes on while it is followed. */
import { expect, it } from 'vitest';
import { showEvents } from '../../src/cli/show-events.ts';
import { post, World } from '../scheduler/world.ts';

async function shown(world: World, more: { readonly job?: string; readonly json?: boolean }): Promise<readonly string[]> {
  const parts: string[] = [];
  const terminal = { write: (part: string) => void parts.push(part) };
  const request = { reader: world.store, job: more.job ?? null, follow: false, json: more.json ?? false, terminal, clock: world.clock };
  await showEvents(request, new AbortController().signal);
  return parts.join('').split('\n').slice(0, -1);
}

it('shows one line for each event, of all or of one job, for people and as JSON', async () => {
  const world = await World.with('alice', 'bob');
  await world.add(['beach'], 'alice');
  await world.add(['forest'], 'bob');
  world.scripts.set('beach', () =>
    Promise.reject(Object.assign(new Error('gone\nfor a while'), { category: 'infrastructure', type: 'device_offline' })),
  );
  await world.attempt();
  await world.attempt();
  const all = await shown(world, {});
  expect(all).toHaveLength((await world.store.events({})).length);
  const lines = await shown(world, { job: 'beach' });
  expect(lines.map((line) => line.trim().split(/\s{2,}/)[2])).toEqual(['claimed', 'action_started', 'action_error', 'action_retry']);
  expect(lines[2]).toMatch(/beach {2}alice .*worker 1 .*epoch 1 .*infrastructure .*message=gone for a while/);
  const [started] = (await shown(world, { job: 'forest', json: true })).map((line) => JSON.parse(line));
  expect(started).toMatchObject({ event_type: 'claimed', job: 'forest', who: 'worker 1', epoch: 1, details: { attempt: 1 } });
  expect(Date.parse(started.at)).toBe(world.clock.now());
});

it('refuses a job that nobody knows, and still tells of one that was taken back', async () => {
  const world = await World.with('alice');
  await expect(shown(world, { job: 'nope' })).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
  await world.add(['beach'], 'alice');
  expect(await shown(world, { job: 'beach' })).toEqual([]);
  await world.store.recordEvent({ type: 'removed', epoch: 1, who: 'person', job: 'gone' });
  expect(await shown(world, { job: 'gone' })).toHaveLength(1);
});

it('reads any number page by page', async () => {
  const world = await World.with('alice');
  for (let n = 0; n < 4_100; n += 1) await world.store.recordEvent({ type: 'publisher_paused', epoch: 1, who: 'test' });
  expect(await shown(world, {})).toHaveLength((await world.store.events({})).length);
});

it('follows until it is told to stop, and shows nothing twice', async () => {
  const world = await World.with('alice');
  const parts: string[] = [];
  const stop = new AbortController();
  const terminal = { write: (part: string) => void parts.push(part) };
  const following = showEvents({ reader: world.store, job: null, follow: true, json: true, terminal, clock: world.clock }, stop.signal);
  await world.clock.untilWaiting('next look at the events');
  const before = parts.join('').split('\n').length;
  await world.add(['beach'], 'alice');
  world.script = post;
  await world.attempt();
  await world.clock.advance(500);
  stop.abort();
  await following;
  const seqs = parts
    .join('')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).seq);
  expect(seqs.length).toBeGreaterThan(before);
  expect(seqs).toEqual(seqs.map((_, n) => n + 1));
});
