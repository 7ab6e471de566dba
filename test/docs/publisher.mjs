// Publishes nothing anywhere. What becomes of a video stands in its caption, so that a home can be given every kind of job.
const SAYS_NO = { broken: { category: 'content', type: 'rejected' }, captcha: { category: 'account', type: 'captcha' } };

export default {
  name: 'docs',
  needs: { appium: false, device: false },
  async publish(job, ctx) {
    if (job.caption in SAYS_NO) throw Object.assign(new Error(`the site says ${job.caption}`), SAYS_NO[job.caption]);
    await ctx.commit();
    if (job.caption === 'doubt') throw new Error('socket hang up');
  },
};
