/**
 * Amounts of resources and arithmetic on them, as Mesos does it: scalars are rounded to 3 decimals, entries of one
 * name and one reservation are summed, and what is reserved or allocated differently never mixes. Immutable.
 */

export type Range = readonly [begin: number, end: number];

export interface Reservation {
  readonly type: 'STATIC' | 'DYNAMIC';
  readonly role: string;
  readonly principal?: string;
}

export interface Resource {
  readonly name: string;
  /** Thousandths, for a scalar. */
  readonly milli?: number;
  readonly ranges?: readonly Range[];
  readonly items?: readonly string[];
  /** The stack of reservations, each refining the one before, to a role below its role; the last one counts. Absent: anybody's. */
  readonly reservations?: readonly Reservation[];
  /** The role it was offered to; none: not offered. */
  readonly allocatedTo?: string;
}

export type Resources = readonly Resource[];

/** Whose it is; undefined: anybody's. */
export function reservedTo(one: Resource): string | undefined {
  return one.reservations?.at(-1)?.role;
}

/** Reserved resources are also for the roles below theirs: those of `eng` for `eng/batch`. */
export function isAllocatableTo(one: Resource, role: string): boolean {
  const owner = reservedTo(one);
  return owner === undefined || role === owner || role.startsWith(`${owner}/`);
}

export function isRefined(one: Resource): boolean {
  return (one.reservations?.length ?? 0) > 1;
}

export function scalar(name: string, amount: number): Resource {
  return { name, milli: Math.round(amount * 1000) };
}

export function add(left: Resources, right: Resources): Resources {
  const result = [...left];
  for (const one of right) {
    const index = result.findIndex((other) => sameKind(other, one));
    if (index < 0) result.push(one);
    else result[index] = combined(result[index] as Resource, one);
  }
  return result.filter((one) => !isNothing(one));
}

/** What is left; what `right` has more than `left` is ignored. */
export function subtract(left: Resources, right: Resources): Resources {
  const result = left.map((one) => right.filter((other) => sameKind(one, other)).reduce(reduced, one));
  return result.filter((one) => !isNothing(one));
}

export function contains(whole: Resources, part: Resources): boolean {
  return add([], part).every((one) => {
    const has = whole.find((other) => sameKind(other, one));
    return has !== undefined && covers(has, one);
  });
}

/** Sum over all entries of this name, in thousandths. */
export function milliOf(resources: Resources, name: string): number {
  return resources.reduce((sum, one) => (one.name === name ? sum + (one.milli ?? 0) : sum), 0);
}

export function allocated(resources: Resources, role: string): Resources {
  return resources.map((one) => ({ ...one, allocatedTo: role }));
}

export function unallocated(resources: Resources): Resources {
  return resources.map(({ allocatedTo: _, ...one }) => one);
}

/** The form of Mesos's messages: `cpus(allocated: *)(reservations: [(STATIC,etl)]):0.1; ports(allocated: *):[1-2]`. */
export function describe(resources: Resources): string {
  return resources.map(describeOne).join('; ');
}

export function describeOne(one: Resource): string {
  const allocation = one.allocatedTo === undefined ? '' : `(allocated: ${one.allocatedTo})`;
  const stack = (one.reservations ?? []).map((each) => `(${describeReservation(each)})`);
  const reserved = stack.length === 0 ? '' : `(reservations: [${stack.join(',')}])`;
  return `${one.name}${allocation}${reserved}:${describeValue(one)}`;
}

export function describeValue(one: Resource): string {
  if (one.milli !== undefined) return String(one.milli / 1000);
  if (one.ranges !== undefined) return `[${one.ranges.map(([begin, end]) => `${begin}-${end}`).join(', ')}]`;
  return `{${(one.items ?? []).join(', ')}}`;
}

function describeReservation(reservation: Reservation): string {
  const { type, role, principal } = reservation;
  return principal === undefined ? `${type},${role}` : `${type},${role},${principal}`;
}

function sameKind(left: Resource, right: Resource): boolean {
  return left.name === right.name && left.allocatedTo === right.allocatedTo && sameStack(left.reservations ?? [], right.reservations ?? []);
}

function sameStack(left: readonly Reservation[], right: readonly Reservation[]): boolean {
  return (
    left.length === right.length &&
    left.every((one, index) => describeReservation(one) === describeReservation(right[index] as Reservation))
  );
}

function isNothing(one: Resource): boolean {
  if (one.milli !== undefined) return one.milli <= 0;
  return (one.ranges ?? one.items ?? []).length === 0;
}

function combined(left: Resource, right: Resource): Resource {
  if (left.milli !== undefined) return { ...left, milli: left.milli + (right.milli ?? 0) };
  if (left.ranges !== undefined) return { ...left, ranges: merged([...left.ranges, ...(right.ranges ?? [])]) };
  return { ...left, items: [...new Set([...(left.items ?? []), ...(right.items ?? [])])] };
}

function reduced(left: Resource, right: Resource): Resource {
  if (left.milli !== undefined) return { ...left, milli: left.milli - (right.milli ?? 0) };
  if (left.ranges !== undefined) return { ...left, ranges: (right.ranges ?? []).reduce(without, left.ranges) };
  return { ...left, items: (left.items ?? []).filter((item) => !right.items?.includes(item)) };
}

function covers(left: Resource, right: Resource): boolean {
  if (left.milli !== undefined) return left.milli >= (right.milli ?? 0);
  if (left.ranges !== undefined) {
    return (right.ranges ?? []).every(([begin, end]) => left.ranges?.some((range) => range[0] <= begin && end <= range[1]));
  }
  return (right.items ?? []).every((item) => left.items?.includes(item));
}

function merged(ranges: readonly Range[]): readonly Range[] {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const result: Range[] = [];
  for (const range of sorted) {
    const last = result.at(-1);
    if (last !== undefined && range[0] <= last[1] + 1) result[result.length - 1] = [last[0], Math.max(last[1], range[1])];
    else result.push(range);
  }
  return result;
}

function without(ranges: readonly Range[], [from, to]: Range): readonly Range[] {
  return ranges.flatMap(([begin, end]): Range[] => {
    if (to < begin || end < from) return [[begin, end]];
    const rest: Range[] = [];
    if (begin < from) rest.push([begin, from - 1]);
    if (to < end) rest.push([to + 1, end]);
    return rest;
  });
}
