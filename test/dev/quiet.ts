/** What there is when nothing happens any more. */

export interface Quiet<T> {
  readonly read: () => Promise<T>;
  /** The same for two states between which nothing was written. */
  readonly versionsOf: (state: T) => string;
  /** Resolves when as much time has passed without news as quiet takes. */
  readonly pass: () => Promise<unknown>;
}

/** The first state that stood as it is while that time passed. */
export async function readWhenQuiet<T>({ read, versionsOf, pass }: Quiet<T>): Promise<T> {
  for (let before = await read(); ; before = await read()) {
    await pass();
    const after = await read();
    if (versionsOf(after) === versionsOf(before)) return after;
  }
}
