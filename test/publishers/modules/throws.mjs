// Throws what a careless author throws: a text, or nothing at all.
export default {
  name: 'throws',
  async publish(job) {
    throw { text: 'upload quota reached', undefined: undefined }[job.caption];
  },
};
