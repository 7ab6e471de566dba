// A publisher whose posts are lines of a file that nobody ever rewrites: the judge of the process tests.
// At each gate it asks the test (test/process/stage.ts) over HTTP what to do, so that a test can hit one phase exactly.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { request } from 'node:http';

/** Asks at the gate; waits as long as the test does. With `deaf` also beyond the end of the attempt. */
function ask(gate, job, ctx) {
  const { url, deaf = false } = ctx.options;
  const signal = deaf ? undefined : ctx.signal;
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/${gate}`, { method: 'POST', agent: false, signal }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const { message, hints } = JSON.parse(text);
        if (message === undefined) resolve();
        else reject(Object.assign(new Error(message), hints));
      });
    });
    sent.on('error', (error) => reject(signal?.aborted ? signal.reason : error));
    sent.end(JSON.stringify({ job: job.id, account: job.account, attempt: job.attempt, pid: process.pid }));
  });
}

function post(path, job) {
  const file = openSync(path, 'a');
  writeSync(file, `${JSON.stringify({ account: job.account, sha256: job.video.sha256, caption: job.caption, pid: process.pid })}\n`);
  fsyncSync(file);
  closeSync(file);
}

export default {
  name: 'ledger',
  needs: { appium: false, device: false },
  async publish(job, ctx) {
    ctx.phase('compose');
    await ask('before', job, ctx);
    await ctx.commit().catch(async (error) => {
      await ask('refused', job, ctx);
      throw error;
    });
    ctx.phase('commit');
    await ask('committed', job, ctx);
    post(ctx.options.ledger, job);
    ctx.phase('confirm');
    await ask('acted', job, ctx);
  },
};
