/**
 * Makes sure that the programs the tests start are on this machine: real etcd, a real Docker daemon, ZooKeeper, busybox and others.
 *
 * On Debian, as root, what is missing is installed by apt, and none of it is left running or set to run at boot: the tests start their own.
 * Otherwise it says exactly what is missing and fails; a test run that quietly leaves out half the tests is worth nothing.
 * Plain JavaScript, no packages.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';

/** Program -> the Debian packages that bring it, and the services that come with them. */
const NEEDED = {
  etcd: { packages: ['etcd-server'], services: ['etcd'] },
  etcdctl: { packages: ['etcd-client'], services: [] },
  dockerd: { packages: ['docker.io'], services: ['docker', 'docker.socket', 'containerd'] },
  // Part of docker.io until Debian 12, a package of its own since.
  docker: { packages: ['docker.io', 'docker-cli'], services: [] },
  busybox: { packages: ['busybox-static'], services: [] },
  promtool: { packages: ['prometheus'], services: ['prometheus'] },
  openssl: { packages: ['openssl'], services: [] },
  java: { packages: ['default-jre-headless'], services: [] },
  // Not on the PATH: started by the tests from its jar.
  zookeeper: { packages: ['libzookeeper-java'], services: [], file: '/usr/share/java/zookeeper.jar' },
};

const PATH = [process.env.PATH ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(':');

/** Debian asks this program before it starts a service; 101 means: don't. */
const POLICY = '/usr/sbin/policy-rc.d';

function missingPrograms() {
  return Object.keys(NEEDED).filter((name) => !isThere(name));
}

function isThere(name) {
  const { file } = NEEDED[name];
  if (file !== undefined) return existsSync(file);
  return PATH.split(':').some((dir) => dir !== '' && existsSync(`${dir}/${name}`));
}

function packagesFor(programs) {
  return [...new Set(programs.flatMap((program) => NEEDED[program].packages))];
}

function run(command, ...args) {
  const env = { ...process.env, PATH, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(command, args, { env, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function isKnownToApt(name) {
  const { stdout } = spawnSync('apt-cache', ['show', '--no-all-versions', name], { encoding: 'utf8' });
  return (stdout ?? '').startsWith('Package:');
}

function install(programs) {
  const hadPolicy = existsSync(POLICY);
  if (!hadPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const removePolicy = () => {
    if (!hadPolicy) rmSync(POLICY, { force: true });
  };
  process.once('exit', removePolicy);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  const lock = ['-o', 'DPkg::Lock::Timeout=300', '-qq'];
  if (!run('apt-get', ...lock, 'update')) return false;
  const packages = packagesFor(programs).filter(isKnownToApt);
  const installed = run('apt-get', ...lock, 'install', '-y', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0', ...packages);
  for (const service of programs.flatMap((program) => NEEDED[program].services)) {
    // Not started now; not at the next boot either.
    if (existsSync('/run/systemd/system')) run('systemctl', 'disable', '--now', '--quiet', service);
  }
  return installed;
}

function explain(programs) {
  const packages = packagesFor(programs).join(' ');
  return [
    `The tests need what is not on this machine: ${programs.join(', ')}.`,
    `On Debian: sudo apt-get install --no-install-recommends ${packages}`,
    'Elsewhere: install etcd, Docker Engine, busybox (static), Prometheus and ZooKeeper, and put them on the PATH; or run the tests as root on Debian.',
    'Without them: npm run test:unit',
  ].join('\n');
}

function main() {
  const missing = missingPrograms();
  if (missing.length === 0) return 0;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log(`Installing what the tests need: ${missing.join(', ')}.`);
    if (install(missing) && missingPrograms().length === 0) return 0;
    console.error('apt-get could not install all of it.');
  }
  console.error(explain(missingPrograms()));
  return 1;
}

process.exitCode = main();
