/** What makes a subscription an ERROR event: the checks of FrameworkInfo, with Mesos's texts. */

import type { FrameworkInfo, SubscribeBody } from '../wire/call.ts';

/** Largest number of seconds that fits Mesos's nanosecond durations. */
const LONGEST_SECONDS = 2 ** 63 / 1e9;

/** The text of the first rule that is broken. */
export function checkFrameworkInfo(body: SubscribeBody): string | undefined {
  const info = body.framework_info;
  return rolesError(info) ?? timeoutError(info) ?? suppressedError(body) ?? constraintsError(body);
}

function rolesError(info: FrameworkInfo): string | undefined {
  const multiRole = (info.capabilities ?? []).some(({ type }) => type === 'MULTI_ROLE');
  if (multiRole && info.role !== undefined) return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable";
  if (!multiRole && (info.roles ?? []).length > 0) {
    return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable";
  }
  const roles = info.roles ?? [];
  if (new Set(roles).size < roles.length) return "'FrameworkInfo.roles' must not contain duplicate items";
  for (const role of multiRole ? roles : [info.role ?? '*']) {
    const error = roleError(role);
    if (error !== undefined)
      return `'FrameworkInfo.${multiRole ? 'roles' : 'role'}' ${multiRole ? 'contains invalid role' : 'is not a valid role'}: ${error}`;
  }
  return undefined;
}

function roleError(role: string): string | undefined {
  if (role === '*') return undefined;
  if (role === '') return 'Role names cannot be the empty string';
  if (role.startsWith('/')) return `Role '${role}' cannot start with a slash`;
  if (role.endsWith('/')) return `Role '${role}' cannot end with a slash`;
  for (const component of role.split('/')) {
    if (component === '') return `Role '${role}' cannot contain two adjacent slashes`;
    if (component === '.' || component === '..' || component === '*') return `Role '${role}' cannot include '${component}' as a component`;
    if (component.startsWith('-')) return `Role component '${component}' is invalid because it starts with a dash`;
    if (/[\s\x08\x7f]/.test(component)) return `Role component '${component}' is invalid because it contains backspace or whitespace`;
  }
  return undefined;
}

function timeoutError({ failover_timeout: seconds = 0 }: FrameworkInfo): string | undefined {
  return Math.abs(seconds) < LONGEST_SECONDS ? undefined : `The framework failover_timeout (${asStream(seconds)}) is invalid`;
}

function suppressedError(body: SubscribeBody): string | undefined {
  const strange = (body.suppressed_roles ?? []).filter((role) => !(body.framework_info.roles ?? []).includes(role));
  return strange.length === 0 ? undefined : `Suppressed roles { ${strange.join(', ')} } are not contained in the set of roles`;
}

function constraintsError(body: SubscribeBody): string | undefined {
  const roles = Object.keys(body.offer_constraints?.role_constraints ?? {});
  const strange = roles.find((role) => !(body.framework_info.roles ?? []).includes(role));
  // The missing blank is Mesos's.
  return strange === undefined
    ? undefined
    : `Offer constraints specify \`role_constraints\` for a role '${strange}'not contained in the set of roles`;
}

/** As C++ prints a double: six digits, exponent of two digits at least. */
function asStream(value: number): string {
  const [mantissa = '', exponent = ''] = value.toExponential(5).split('e');
  const sign = exponent.startsWith('-') ? '-' : '+';
  return `${Number(mantissa)}e${sign}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
}
