/** How often and from which seed every property runs: PROPERTY_RUNS and SEED say, as `npm run soak` does. */
import fc from 'fast-check';

const { PROPERTY_RUNS, SEED } = process.env;
fc.configureGlobal({
  ...(PROPERTY_RUNS === undefined ? {} : { numRuns: Number(PROPERTY_RUNS) }),
  ...(SEED === undefined ? {} : { seed: Number(SEED) }),
});
