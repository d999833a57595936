/** Being told to stop, also before everything stands. */

/** Waits for SIGINT or SIGTERM. A second one ends the process at once: a person who presses Ctrl-C twice means it. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (isStopping) process.exit(130);
      isStopping = true;
      resolve(signal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

/**
 * What is being started, unless `stopped` comes first: a store that does not answer is waited for without end. The process ends then
 * as it stands, with exit code 0. What had begun meanwhile is as after a crash, from which nothing is lost.
 */
export async function startedUnless<T extends object>(stopped: Promise<NodeJS.Signals>, starting: Promise<T>): Promise<T> {
  const started = await Promise.race([starting, stopped]);
  if (typeof started === 'string') process.exit(0);
  return started;
}
