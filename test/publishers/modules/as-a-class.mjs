// An instance of a class, which throws an object that is no Error but says what it is.
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
