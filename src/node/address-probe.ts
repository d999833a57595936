/** Whether something listens at an address: how a leader's crash is noticed before its lease runs out. */

import { connect } from 'node:net';
import type { AddressProbe } from '../leader/crash-watch.ts';

const PROBE_TIMEOUT_MS = 1_000;

export const probeAddress: AddressProbe = (address) =>
  new Promise((resolve) => {
    const colon = address.lastIndexOf(':');
    const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)), timeout: PROBE_TIMEOUT_MS });
    const settle = (answer: 'open' | 'refused' | 'unclear'): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle('open'));
    socket.once('timeout', () => settle('unclear'));
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'ECONNREFUSED' ? 'refused' : 'unclear'));
  });
