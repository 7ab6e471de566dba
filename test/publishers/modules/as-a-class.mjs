class Poster {
  name = 'poster';
  #calls = 0;
  async publish(_job, ctx) {
    this.#calls += 1;
    await ctx.commit();
    throw { message: `call ${this.#calls} went wrong`, category: 'content', type: 'rejected', proofOfAbsence: true };
  }
}
export default new Poster();
