/**
 * Attempts whose publish() has not come to its end although the attempt is
 * over: such a publisher may still act. As long as one is here, nobody believes
 * that its post is absent.
 */
export class Unsettled {
  readonly #jobs = new Set<string>();

  /** Remembers the job until `publishing` settles. */
  watch(jobId: string, publishing: Promise<unknown>): void {
    this.#jobs.add(jobId);
    const forget = () => void this.#jobs.delete(jobId);
    publishing.then(forget, forget);
  }

  has(jobId: string): boolean {
    return this.#jobs.has(jobId);
  }
}
