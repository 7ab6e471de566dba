// Guards promise 7: what people of the seeds grep for is in the log, with the field that says whose trouble it was.
import { describe, expect, test } from 'vitest';
import { type Script, World } from './world.ts';

const adbTimeout: Script = async () => {
  throw Object.assign(new Error('adb push did not answer'), { category: 'infrastructure', type: 'adb_timeout' });
};

async function attempts(world: World, most: number): Promise<void> {
  for (let made = 0; made < most; made += 1) {
    if ((await world.attempt()) === null) return;
    await world.clock.advance(60_000);
  }
}

describe('the lines of the seeds', () => {
  test('will retry, permanently failed, (category: infrastructure, type: adb_timeout), on cooldown, is_infra_error', async () => {
    const world = await World.with('alice');
    await world.add(['one'], 'alice');
    world.script = adbTimeout;
    await attempts(world, 9);
    const lines = world.logger.messages();
    const failed = 'Job one failed: adb push did not answer (category: infrastructure, type: adb_timeout) - ';
    expect(lines.filter((line) => line.startsWith(failed))).toEqual([
      `${failed}will retry`,
      `${failed}will retry`,
      `${failed}permanently failed`,
    ]);
    expect(lines).toContain('Account alice on cooldown for 30min after 3 consecutive failures');
    const said = world.logger.said.filter(({ message }) => message.startsWith('Job one failed'));
    expect(said.map(({ fields }) => fields.is_infra_error)).toEqual([true, true, true]);
  });

  test('account trouble is not an infrastructure error', async () => {
    const world = await World.with('alice');
    await world.add(['one'], 'alice');
    world.script = async () => {
      throw Object.assign(new Error('a captcha is shown'), { category: 'account', type: 'captcha' });
    };
    await attempts(world, 9);
    const said = world.logger.said.find(({ message }) => message.includes('(category: account, type: captcha) - permanently failed'));
    expect(said?.fields.is_infra_error).toBe(false);
  });

  test('an uncertain one says so too, with the field', async () => {
    const world = await World.with('alice');
    await world.add(['one'], 'alice');
    world.script = async (ctx, act) => {
      await ctx.commit();
      act();
      throw new Error('socket hang up');
    };
    await attempts(world, 1);
    const said = world.logger.said.find(({ message }) => message.startsWith('[UNCERTAIN] one'));
    expect(said?.fields.is_infra_error).toBe(true);
  });
});

describe('attempts', () => {
  test.each([1, 3, 5])('max_attempts: %i executes exactly as often', async (most) => {
    const world = await World.with('alice');
    await world.add(['one'], 'alice', { retry: { max_attempts: most } });
    let calls = 0;
    world.script = async (...given) => {
      calls += 1;
      return adbTimeout(...given);
    };
    for (let hour = 0; hour < 12; hour += 1) {
      await world.attempt();
      await world.clock.advance(3_600_000);
    }
    expect(calls).toBe(most);
    expect(await world.job('one')).toMatchObject({ status: 'failed', attempts: most });
  });
});
