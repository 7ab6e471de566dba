// The publisher of the process tests, which can also look: its file of posts says whether a video is public.
import { existsSync, readFileSync } from 'node:fs';
import ledger from '../process/ledger.mjs';

export default {
  ...ledger,
  name: 'ledger with looks',
  async verify(job, ctx) {
    const text = existsSync(ctx.options.ledger) ? readFileSync(ctx.options.ledger, 'utf8') : '';
    const posts = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
    return posts.some(({ account, sha256 }) => account === job.account && sha256 === job.video.sha256) ? 'published' : 'absent';
  },
};
