import { MAX_DEPTH, MAX_FRAME_BYTES, type ServerFrame } from "../../shared/protocol";

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const number: Check = (value) => typeof value === "number" && Number.isFinite(value);
const flag: Check = (value) => typeof value === "boolean";
const list: Check = Array.isArray;
const object: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value);

/** The members we rely on, by frame. Others are ignored. */
const SHAPES: Record<ServerFrame["t"], Record<string, Check>> = {
  welcome: {
    session: text,
    epoch: number,
    seq: number,
    now: number,
    resumed: flag,
    fallback: object,
    subscribe: list,
    done: list,
    settings: object,
    min_build: optional(text),
  },
  subscribe: { subscribe: list },
  command: {
    seq: number,
    cmd: text,
    place: text,
    op: text,
    args: object,
    deadline_ms: number,
    once: flag,
    contact: optional(text),
    gesture: optional(text),
  },
  cancel: { seq: number, cmd: text },
  panel: { seq: number, rev: number, doc: object, contact: optional(text) },
  ack: { n: number },
  bye: { code: text, retry_after_ms: optional(number) },
};

/** One frame from the server; null when it is unknown or not what we know by that name. */
export function decode(frame: string): ServerFrame | null {
  if (frame.length > MAX_FRAME_BYTES) return null;
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return null;
  }
  if (!object(value) || depth(value) > MAX_DEPTH) return null;
  const members = value as Record<string, unknown>;
  if (typeof members.t !== "string" || !Object.hasOwn(SHAPES, members.t)) return null;
  const shape = SHAPES[members.t as ServerFrame["t"]];
  for (const [name, check] of Object.entries(shape)) {
    if (!check(members[name])) return null;
    // Absent and null are one thing; the types know only absent.
    if (members[name] === null) delete members[name];
  }
  return members as unknown as ServerFrame;
}

function depth(value: unknown): number {
  let deepest = 0;
  const open: [unknown, number][] = [[value, 1]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [node, level] = next;
    deepest = Math.max(deepest, level);
    if (deepest > MAX_DEPTH) break;
    if (typeof node === "object" && node !== null) {
      for (const child of Object.values(node)) open.push([child, level + 1]);
    }
  }
  return deepest;
}
