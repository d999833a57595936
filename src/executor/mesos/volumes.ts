/**
 * A task's volumes for either containerizer.
 *
 * Docker's makes one `docker run` of them, with a single `--volume-driver` for all named volumes and no place for a driver's options:
 * Mesos would refuse a second driver, give the first to volumes that name none, and drop options without a word. Where that would
 * happen, the volumes that have a driver go as `--mount` parameters instead, which say all of it each for itself.
 */

import type { Volume } from '../port.ts';
import type { Containerizer } from './command-info.ts';
import type { RawParameter, RawVolume } from './protocol.ts';

/** Docker's own driver. The Mesos containerizer wants one named. */
const OWN_DRIVER = 'local';

export interface VolumePlan {
  readonly volumes: readonly RawVolume[];
  /** Of `docker run`. */
  readonly parameters: readonly RawParameter[];
}

export function planVolumes(volumes: readonly Volume[], containerizer: Containerizer): VolumePlan {
  const isMount = (volume: Volume): boolean => volume.driver !== undefined;
  if (containerizer === 'mesos' || fitOneDriver(volumes)) {
    return { volumes: volumes.map((volume) => toVolume(volume, containerizer)), parameters: [] };
  }
  return {
    volumes: volumes.filter((volume) => !isMount(volume)).map((volume) => toVolume(volume, containerizer)),
    parameters: volumes.filter(isMount).map((volume) => ({ key: 'mount', value: mountText(volume) })),
  };
}

/** Whether one driver for all named volumes, without options, says everything. */
function fitOneDriver(volumes: readonly Volume[]): boolean {
  const named = volumes.filter(({ source }) => !source.startsWith('/'));
  return new Set(named.map(({ driver }) => driver)).size <= 1 && named.every((volume) => optionsOf(volume).length === 0);
}

function toVolume(volume: Volume, containerizer: Containerizer): RawVolume {
  const { containerPath, source, mode, driver = containerizer === 'mesos' ? OWN_DRIVER : undefined } = volume;
  const common = { container_path: containerPath, mode: mode === 'ro' ? ('RO' as const) : ('RW' as const) };
  if (source.startsWith('/')) return { ...common, host_path: source };
  const parameter = optionsOf(volume);
  const named = {
    name: source,
    ...(driver === undefined ? {} : { driver }),
    ...(parameter.length === 0 ? {} : { driver_options: { parameter } }),
  };
  return { ...common, source: { type: 'DOCKER_VOLUME', docker_volume: named } };
}

function optionsOf({ driverOptions = {} }: Volume): RawParameter[] {
  return Object.entries(driverOptions).map(([key, value]) => ({ key, value }));
}

/** The value of `docker run --mount`: fields of a CSV record. */
function mountText(volume: Volume): string {
  const { source, containerPath, mode, driver = OWN_DRIVER } = volume;
  const options = optionsOf(volume).map(({ key, value }) => `volume-opt=${key}=${value}`);
  const fields = ['type=volume', `source=${source}`, `target=${containerPath}`, `volume-driver=${driver}`, ...options];
  return [...fields, ...(mode === 'ro' ? ['readonly'] : [])].map(quoted).join(',');
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
