/** Quantities of Kubernetes (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/). No I/O. */

const factors: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const form = /^(?<amount>[0-9]+\.?[0-9]*|\.[0-9]+)(?<suffix>[a-zA-Z]{0,2}|[eE][-+]?[0-9]{1,2})$/;

/** Its value, also of an amount of bytes as buildkitd writes it (`10GB`); undefined for what is no quantity. */
export function readQuantity(quantity: string | number): number | undefined {
  const { amount, suffix = '' } = form.exec(String(quantity))?.groups ?? {};
  if (amount === undefined) return undefined;
  const exponent = /^[eE]([-+]?[0-9]{1,2})$/.exec(suffix)?.[1];
  if (exponent !== undefined) return Number(amount) * 10 ** Number(exponent);
  const factor = factors[suffix] ?? factors[suffix.replace(/B$/, '').replace('K', 'k')];
  return factor === undefined ? undefined : Number(amount) * factor;
}
