/** Walks every world that can come about, each once. */
import { Model, makeWorld, type Rules, type Scenario, type World } from './model.ts';

export interface Walk {
  readonly worlds: number;
  /** What is broken, and the way there. */
  readonly fault: { readonly what: string; readonly way: readonly string[] } | undefined;
  /** How often each kind of move was made. */
  readonly moves: ReadonlyMap<string, number>;
}

interface Node {
  readonly world: World;
  readonly move: string;
  readonly from: Node | undefined;
}

/** @throws {Error} where there are more worlds than `maxWorlds`: then nothing is known of them. */
export function explore(scenario: Scenario, maxWorlds: number, rules: Rules = {}): Walk {
  const model = new Model(scenario, rules);
  const start = makeWorld(scenario);
  const known = new Set([model.describe(start)]);
  const judged = new Set<string>();
  const moves = new Map<string, number>();
  const open: Node[] = [{ world: start, move: 'start', from: undefined }];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const fault = model.findFault(node.world) ?? findLeftover(model, node.world, judged);
    if (fault !== undefined) return { worlds: known.size, fault: { what: fault, way: readWay(node) }, moves };
    for (const { name, world } of model.moves(node.world)) {
      const kind = name.replace(/\d+/g, 'N');
      moves.set(kind, (moves.get(kind) ?? 0) + 1);
      const text = model.describe(world);
      if (known.has(text)) continue;
      known.add(text);
      open.push({ world, move: name, from: node });
    }
    if (known.size > maxWorlds) throw new Error(`expected at most ${maxWorlds} worlds, got more`);
  }
  return { worlds: known.size, fault: undefined, moves };
}

/** What objects leave behind depends on them alone: each set of objects is drained once. */
function findLeftover(model: Model, world: World, judged: Set<string>): string | undefined {
  const objects = model.describeObjects(world);
  if (judged.has(objects)) return undefined;
  judged.add(objects);
  return model.findLeftover(world);
}

function readWay(node: Node): readonly string[] {
  const way: string[] = [];
  for (let at: Node | undefined = node; at !== undefined; at = at.from) way.unshift(at.move);
  return way;
}
