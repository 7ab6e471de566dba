/** A publisher that keeps the event loop to itself at its first call, as a defect would; in the next life it publishes. */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';

export default {
  name: 'hangs-once',
  async publish(job, ctx) {
    const { flag, ledger } = ctx.options;
    if (!existsSync(flag)) {
      writeFileSync(flag, job.id);
      for (;;);
    }
    await ctx.commit();
    appendFileSync(ledger, `${JSON.stringify({ account: job.account })}\n`);
  },
};
