/**
 * Which device answers, however it is reached: the same phone by its cable and by
 * its address tells the same, and no two phones tell the same.
 *
 * Pure text; asking is adb-device.ts. A false "the same" would stop a whole fleet,
 * so in doubt there is no identity, and the adb serial alone counts.
 */
import { createHash } from 'node:crypto';

/**
 * The boot id is the running kernel's, which cloud phones in containers share; those differ in their mount namespace. Copies of
 * one virtual machine that were started from its memory share both, but not a serial number of their own.
 */
export const ASK_IDENTITY = 'cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/mnt; getprop ro.serialno';

const BOOT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NAMESPACE = /^mnt:\[\d+\]$/;
/** Serial numbers of those that have none. */
const GENERIC = /^(|unknown|null|none|emulator.*|(.)\2*|(0?123456789|1234567890)(abcdef)?)$/i;

/** @returns null when one of the answers is missing or is everybody's */
export function deviceIdentity(answer: string): string | null {
  const [bootId = '', namespace = '', serial = '', ...more] = answer.trim().split(/\r?\n/);
  const told = BOOT_ID.test(bootId) && NAMESPACE.test(namespace) && !GENERIC.test(serial) && more.length === 0;
  return told ? createHash('sha256').update([bootId, namespace, serial].join('\n')).digest('hex') : null;
}
