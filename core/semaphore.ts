/** A weighted semaphore: returns the function that releases the amount, or undefined where not enough is left. */
export function createSemaphore(size: number): (amount: number) => (() => void) | undefined {
  let taken = 0;
  return (amount) => {
    if (taken + amount > size) return undefined;
    taken += amount;
    return () => {
      taken -= amount;
    };
  };
}
