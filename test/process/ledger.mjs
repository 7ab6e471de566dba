// A publisher whose posts are lines of a file that nobody ever rewrites: the judge of the process tests.
// At each gate it asks the test (test/process/stage.ts) over HTTP what to do, so that a test can hit one phase exactly.
import { closeSync, existsSync, fsyncSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { request } from 'node:http';

/** Asks at the gate; waits as long as the test does. With `deaf` also beyond the end of the attempt. */
function ask(gate, job, ctx, code = null) {
  const { url, deaf = false } = ctx.options;
  // What was refused is told also when that was the end of the attempt.
  const signal = deaf || gate === 'refused' ? undefined : ctx.signal;
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/${gate}`, { method: 'POST', agent: false, signal }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const { message, hints, block } = JSON.parse(text);
        if (block !== undefined) blockUntilGone(block);
        if (message === undefined) resolve();
        else reject(Object.assign(new Error(message), hints));
      });
    });
    sent.on('error', (error) => reject(signal?.aborted ? signal.reason : error));
    sent.end(JSON.stringify({ job: job.id, account: job.account, attempt: job.attempt, pid: process.pid, code }));
  });
}

/** Nothing else of the process runs meanwhile: no lease, no heartbeat, no signal. The file is there from the first moment of it. */
function blockUntilGone(file) {
  writeFileSync(file, '');
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  while (existsSync(file)) Atomics.wait(nobody, 0, 0, 20);
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
      await ask('refused', job, ctx, error.code);
      throw error;
    });
    ctx.phase('commit');
    await ask('committed', job, ctx);
    post(ctx.options.ledger, job);
    ctx.phase('confirm');
    await ask('acted', job, ctx);
  },
};
