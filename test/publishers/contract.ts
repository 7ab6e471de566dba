/**
 * What every publisher keeps to (promises 1 and 2); run for each of them.
 *
 * A subject is one publisher in front of a world that counts the irreversible
 * acts. The guard that commit() is called once and in time is the attempt's.
 */
import { describe, expect, it } from 'vitest';
import type { Publisher, PublishJob } from '../../src/publishers/publisher.ts';
import { type Attempt, attempt } from './context.ts';

export interface Subject {
  readonly publisher: Publisher;
  readonly job: PublishJob;
  /** How often the irreversible act was sent. */
  acts(): number;
  /** Runs to the end, in whatever time the subject lives. */
  run<T>(work: Promise<T>): Promise<T>;
  /** The act is carried out, and its answer is lost. */
  loseAnswer(): void;
}

export function publisherContract(name: string, make: () => Promise<Subject>): void {
  describe(`the contract of a publisher: ${name}`, () => {
    it('says what it is and what it needs', async () => {
      const { publisher } = await make();
      expect(publisher.name).not.toBe('');
      expect(publisher.needs).toEqual({ appium: expect.any(Boolean), device: expect.any(Boolean) });
    });

    it('resolves after one commit() and one act', async () => {
      const subject = await make();
      const one = attempt();
      const order: string[] = [];
      one.onCommit = () => void order.push(`commit after ${subject.acts()} acts`);
      await subject.run(subject.publisher.publish(subject.job, one.ctx));
      expect([one.commits, subject.acts(), order]).toEqual([1, 1, ['commit after 0 acts']]);
    });

    it('does not act when commit() throws, and passes its error on', async () => {
      const subject = await make();
      const one = attempt();
      const refused = new Error('the window has closed');
      one.onCommit = () => {
        throw refused;
      };
      expect(await failure(subject, one)).toBe(refused);
      expect(subject.acts()).toBe(0);
    });

    it('acts once and throws without proof when the answer is lost', async () => {
      const subject = await make();
      subject.loseAnswer();
      const one = attempt();
      const error = await failure(subject, one);
      expect(error).toBeInstanceOf(Error);
      expect((error as { proofOfAbsence?: boolean }).proofOfAbsence).not.toBe(true);
      expect([one.commits, subject.acts()]).toEqual([1, 1]);
    });

    it('does not act when it was aborted before', async () => {
      const subject = await make();
      const one = attempt();
      one.abort.abort(new Error('the lease is lost'));
      expect(await failure(subject, one)).toBeInstanceOf(Error);
      expect([one.commits, subject.acts()]).toEqual([0, 0]);
    });

    it('answers a look with one of three words', async () => {
      const subject = await make();
      const { verify } = subject.publisher;
      if (verify === undefined) return;
      const says = await subject.run(subject.publisher.verify?.(subject.job, attempt().ctx) ?? Promise.resolve('unknown'));
      expect(['published', 'absent', 'unknown']).toContain(says);
      expect(subject.acts()).toBe(0);
    });
  });
}

async function failure({ publisher, job, run }: Subject, { ctx }: Attempt): Promise<unknown> {
  return run(publisher.publish(job, ctx)).then(
    () => 'it resolved',
    (error: unknown) => error,
  );
}
