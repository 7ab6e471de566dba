/**
 * Group commit: what is asked for in one moment is done in one transaction and
 * answered after its one fsync. At a start and after a wake every worker asks
 * for a job at once; with a commit each, the last of sixteen waits for sixteen.
 *
 * It must not know what is asked for, nor how a transaction is made.
 */
interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class SharedCommit<Question, Answer> {
  readonly #answerAll: (questions: readonly Question[]) => readonly Answer[];
  #waiting: Waiting<Question, Answer>[] = [];

  /** @param answerAll does all of it, durably, or throws and has done none of it */
  constructor(answerAll: (questions: readonly Question[]) => readonly Answer[]) {
    this.#answerAll = answerAll;
  }

  /** Resolves when the answer is on disk; rejects with what this question alone makes `answerAll` throw. */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      // A tick comes when the promises of this moment have run, before timers and I/O: those who ask at once have asked by then.
      if (this.#waiting.length === 1) process.nextTick(() => this.#answer(this.#waiting.splice(0)));
    });
  }

  #answer(waiting: readonly Waiting<Question, Answer>[]): void {
    try {
      const answers = this.#answerAll(waiting.map(({ question }) => question));
      for (const [index, { resolve }] of waiting.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      if (waiting.length === 1) waiting[0]?.reject(error);
      // One of them took the others back with it: now each for itself.
      else for (const one of waiting) this.#answer([one]);
    }
  }
}
