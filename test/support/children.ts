/** Child processes of a test: what they say line by line, and no survivor after the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Child {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly #watchers = new Set<() => void>();
  #over = false;

  constructor(command: string, args: readonly string[], options: { readonly detached?: boolean; readonly env?: NodeJS.ProcessEnv } = {}) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        this.#over = true;
        this.#wake();
        resolve(code ?? signal);
      });
    });
    if (this.process.stdout !== null) {
      createInterface({ input: this.process.stdout }).on('line', (line) => {
        this.lines.push(line);
        this.#wake();
      });
    }
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the child did not start');
    return this.process.pid;
  }

  tell(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  /** The first line that contains `part`, or matches it. Fails when the child ends without saying it. */
  async says(part: string | RegExp): Promise<string> {
    return (await this.saysTimes(part, 1))[0] as string;
  }

  /** The first `times` lines of that kind. */
  async saysTimes(part: string | RegExp, times: number): Promise<readonly string[]> {
    for (;;) {
      const found = this.lines.filter((line) => (typeof part === 'string' ? line.includes(part) : part.test(line)));
      if (found.length >= times) return found.slice(0, times);
      if (this.#over) throw new Error(`the child ended without saying "${part}"; it said:\n${this.lines.join('\n')}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  /** SIGKILL, and gone when it resolves. */
  async kill(): Promise<void> {
    if (!this.#over) this.process.kill('SIGKILL');
    await this.ended;
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}
