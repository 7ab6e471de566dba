// A publisher as somebody else would write it; `world` is what it publishes to.
export const world = { acts: 0, seen: [], lose: false };

export default {
  name: 'mine',
  needs: { appium: false, device: false },
  settleMs: 1_500,
  async publish(job, ctx) {
    world.seen.push({ job, options: ctx.options });
    ctx.signal.throwIfAborted();
    ctx.phase('compose');
    await ctx.commit();
    world.acts += 1;
    if (world.lose) throw new Error('socket hang up');
    ctx.phase('confirm');
    await ctx.evidence('answer.json', new TextEncoder().encode('{}'));
  },
  async verify(job) {
    return job.caption === 'gone' ? 'absent' : job.caption === 'bad' ? 'yes' : 'published';
  },
};
