/**
 * Arithmetic on Resources. Pure.
 *
 * Scalars are kept to three decimals, as Mesos does, so that 0.1 + 0.2 is 0.3 and a share given back is the share taken.
 * Port ranges come out sorted and merged.
 */

import type { PortRange, Resources } from '../port.ts';

export const NO_RESOURCES: Resources = { cpus: 0, mem: 0, disk: 0, gpus: 0, ports: [] };

const SCALARS = ['cpus', 'mem', 'disk', 'gpus'] as const;

export function addResources(a: Resources, b: Resources): Resources {
  return combine(a, b, { scalar: (x, y) => x + y, ports: mergeRanges([...a.ports, ...b.ports]) });
}

/** What is left of `a` without `b`; nothing goes below zero. */
export function subtractResources(a: Resources, b: Resources): Resources {
  return combine(a, b, { scalar: (x, y) => Math.max(0, x - y), ports: subtractRanges(a.ports, b.ports) });
}

/** Whether all of `part` is in `whole`. */
export function fitsResources(part: Resources, whole: Resources): boolean {
  return SCALARS.every((name) => round(part[name]) <= round(whole[name])) && subtractRanges(part.ports, whole.ports).length === 0;
}

export function isNothing(resources: Resources): boolean {
  return SCALARS.every((name) => round(resources[name]) <= 0) && resources.ports.length === 0;
}

/** Single ports as ranges. */
export function portRanges(ports: readonly number[]): PortRange[] {
  return mergeRanges(ports.map((port) => [port, port]));
}

interface Combination {
  scalar(x: number, y: number): number;
  readonly ports: readonly PortRange[];
}

function combine(a: Resources, b: Resources, how: Combination): Resources {
  const scalar = (name: (typeof SCALARS)[number]): number => round(how.scalar(a[name], b[name]));
  return { cpus: scalar('cpus'), mem: scalar('mem'), disk: scalar('disk'), gpus: scalar('gpus'), ports: how.ports };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function mergeRanges(ranges: readonly PortRange[]): PortRange[] {
  const merged: [number, number][] = [];
  for (const [begin, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && begin <= last[1] + 1) last[1] = Math.max(last[1], end);
    else merged.push([begin, end]);
  }
  return merged;
}

function subtractRanges(from: readonly PortRange[], holes: readonly PortRange[]): PortRange[] {
  let left = mergeRanges(from);
  for (const [begin, end] of holes) {
    left = left.flatMap(([first, last]): PortRange[] => {
      if (end < first || begin > last) return [[first, last]];
      const pieces: PortRange[] = [];
      if (first < begin) pieces.push([first, begin - 1]);
      if (end < last) pieces.push([end + 1, last]);
      return pieces;
    });
  }
  return left;
}
