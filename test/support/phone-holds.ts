/**
 * Where an attempt on a simulated phone can be held: one request of each phase
 * that is taken and never answered, so that a test strikes exactly there. Only
 * that one request: whatever comes after it finds a healthy phone.
 */
import type { Fault } from '../../src/devices/simulated/faults.ts';
import type { PhoneState } from '../../src/devices/simulated/simulated-phone.ts';

export interface Hold {
  /** The phase in which the attempt then waits, and what of it is done. */
  readonly where: string;
  readonly fault: Fault;
}

export const OPENING: Hold = { where: 'opening the session', fault: { name: 'uia2_hang', on: 'session', once: true } };
export const BEFORE_THE_COMMIT: readonly Hold[] = [
  { where: 'preparing: the phone is pinged', fault: { name: 'shell_hang', on: 'shell:echo', once: true } },
  { where: 'pushing: the bytes are compared', fault: { name: 'shell_hang', on: 'shell:sha256sum', once: true } },
  OPENING,
  { where: 'identifying the account', fault: { name: 'uia2_hang', on: 'tap:Profile', once: true } },
  { where: 'composing: the caption is typed', fault: { name: 'uia2_hang', on: 'type', once: true } },
];
export const TAP_NOT_CARRIED_OUT: Hold = {
  where: 'tapping, not carried out, never answered',
  fault: { name: 'uia2_hang', on: 'tap:Post', once: true },
};
export const TAP_CARRIED_OUT: Hold = {
  where: 'tapping, carried out, never answered',
  fault: { name: 'uia2_hang_after', on: 'tap:Post', once: true },
};
/** Ends when the fault is cleared. */
export const UPLOADING: Hold = { where: 'confirming: the upload goes on', fault: { name: 'upload_stuck', on: 'tap:Post' } };
export const TIDYING: Hold = {
  where: 'tidying up',
  fault: { name: 'shell_hang', on: 'shell:rm', once: true },
};

export const HOLDS: readonly Hold[] = [...BEFORE_THE_COMMIT, TAP_NOT_CARRIED_OUT, TAP_CARRIED_OUT, UPLOADING, TIDYING];

/** Whether a fault that waited for its request has met it. */
export function hasStruck(faults: PhoneState['faults'], { name }: Fault): boolean {
  return !faults.some((fault) => fault.name === name && !fault.active);
}
