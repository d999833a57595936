/** A store of which some parts are replaced: for faults that the memory store has no name for. */

import type { Store } from '../../src/store/port.ts';

export function overriddenStore(store: Store, parts: Partial<Store>): Store {
  return new Proxy(store, {
    get: (_, name) => {
      if (Object.hasOwn(parts, name)) return Reflect.get(parts, name) as unknown;
      const value: unknown = Reflect.get(store, name, store);
      return typeof value === 'function' ? (value.bind(store) as unknown) : value;
    },
  });
}
