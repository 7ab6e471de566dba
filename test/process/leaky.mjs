// A publisher that does its one post well and forgets a promise, as a module of somebody else may.
import { appendFileSync } from 'node:fs';

export default {
  name: 'leaky',
  needs: { appium: false, device: false },
  async publish(job, ctx) {
    if (job.account === 'leaky') void Promise.reject(new Error('nobody waits for this'));
    await new Promise((resolve) => setImmediate(resolve));
    await ctx.commit();
    appendFileSync(ctx.options.ledger, `${JSON.stringify({ account: job.account, sha256: job.video.sha256 })}\n`);
  },
};
