/** BuildKitPool: v1alpha1 <-> v1beta1. No I/O. */
import { clientRules, poolRows, samePlace } from '../../api/places.ts';
import type { JsonObject } from '../json.ts';
import { giveIssuersBack, methodsPath, takeIssuers } from './issuers.ts';
import { get, moveToAlpha, moveToBeta, put, type Moved } from './move.ts';
import { compileTable } from './table.ts';

const table = compileTable(poolRows);

/** `auth.rbac.enabled: false` takes its rules out of force: they are then no rules of v1beta1, where all rules count. */
const tableWithoutRules = compileTable(
  poolRows.map((one) => (one.v1beta1 === clientRules ? samePlace(clientRules) : one)),
);

const chooseTable = (alpha: JsonObject | undefined) =>
  get(alpha, ['auth', 'rbac', 'enabled']) === false ? tableWithoutRules : table;

export function convertPoolToBeta(spec: JsonObject, carried: JsonObject | undefined): Moved {
  const moved = moveToBeta(spec, chooseTable(spec), carried);
  takeIssuers(moved);
  return moved;
}

export function convertPoolToAlpha(spec: JsonObject, carried: JsonObject | undefined): Moved {
  const { spec: left, methods } = giveIssuersBack(spec, carried);
  const moved = moveToAlpha(left, chooseTable(carried), carried);
  if (methods !== undefined) put(moved.spec, methodsPath, methods);
  return moved;
}
