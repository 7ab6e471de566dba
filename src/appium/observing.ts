/** Waiting for something that knows no AbortSignal, without being held up by it. */

/**
 * `work`, or the signal's reason as soon as it aborts. `work` goes on then; how it ends is its owner's to care for.
 *
 * @throws what `work` rejects with; the signal's reason
 */
export async function observing<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (signal.aborted) abort();
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    aborted.promise.catch(() => undefined);
  }
}
