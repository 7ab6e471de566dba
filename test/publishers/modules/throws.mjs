export default {
  name: 'throws',
  async publish(job) {
    throw { text: 'upload quota reached', undefined: undefined }[job.caption];
  },
};
