/** Wakes all who wait for something to happen, or for a time. */
export interface Signal {
  readonly raise: () => void;
  readonly wait: (ms: number, gone?: AbortSignal) => Promise<void>;
}

export function createSignal(): Signal {
  const waiting = new Set<() => void>();
  return {
    raise: () => {
      for (const wake of [...waiting]) wake();
    },
    wait: async (ms, gone) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const wake = (): void => {
        resolve(undefined);
      };
      const timer = setTimeout(wake, ms);
      waiting.add(wake);
      gone?.addEventListener('abort', wake, { once: true });
      await promise;
      clearTimeout(timer);
      waiting.delete(wake);
      gone?.removeEventListener('abort', wake);
    },
  };
}
