import {
  ACTION_FRESH_MS,
  type Command,
  type CommandStatus,
  DIAL_WAITS_MS,
  type ErrorDetail,
  type ResultFrame,
  type Token,
} from "../../shared/protocol";
import type { Noted } from "./memory";

/** What to do with a command that just came. */
export type Verdict =
  | { act: "perform"; withinMs: number }
  /** Say this at once; nothing is carried out. */
  | { act: "answer"; result: ResultFrame }
  /** It is running already and will be answered. */
  | { act: "wait" };

const KEPT = 200;

/**
 * Which commands run, and what came of those that did.
 *
 * A `once` command is noted as started before it is carried out, and the note outlives a reload. Whoever sends it
 * again gets the result, or `outcome_unknown`, and never a second dial.
 */
export class Ledger {
  private readonly running = new Map<Token, Command>();
  private readonly results = new Map<Token, ResultFrame>();
  private readonly gestures = new Map<Token, number>();
  /** Taken back while running: what comes of them is noted, but not answered. */
  private readonly cancelled = new Map<Token, Command>();

  constructor(
    private readonly once: Record<Token, Noted>,
    private readonly save: () => void,
  ) {}

  /** A click or action on this page, by its event id: it may allow a dial. */
  gesture(id: Token, now: number): void {
    this.gestures.set(id, now);
    for (const [old, at] of this.gestures) {
      if (now - at > ACTION_FRESH_MS + DIAL_WAITS_MS) this.gestures.delete(old);
    }
  }

  /** `serverNow`: our idea of the server's clock, by which deadlines are given. */
  judge(command: Command, now: number, serverNow: number): Verdict {
    const { cmd } = command;
    const known = this.results.get(cmd);
    if (known) return { act: "answer", result: known };
    if (this.running.has(cmd)) return { act: "wait" };
    const noted = Object.hasOwn(this.once, cmd) ? this.once[cmd] : undefined;
    if (noted) return this.settle(command, this.recall(cmd, noted));
    const withinMs = command.deadline_ms - serverNow;
    if (withinMs <= 0)
      return this.settle(command, refusal(cmd, "expired", "late", "it came after its deadline"));
    if (command.gesture !== undefined && !this.fresh(command.gesture, now)) {
      return this.settle(command, refusal(cmd, "refused", "no_gesture", "no click on this page allows it"));
    }
    this.running.set(cmd, command);
    if (command.once) {
      this.once[cmd] = { status: "started" };
      this.save();
    }
    return { act: "perform", withinMs };
  }

  private recall(cmd: Token, noted: Noted): ResultFrame {
    if (noted.status !== "started") return { cmd, ...noted } as ResultFrame;
    return refusal(
      cmd,
      "failed",
      "outcome_unknown",
      "it was begun before this page loaded, and how it ended is unknown",
    );
  }

  private fresh(gesture: Token, now: number): boolean {
    const at = this.gestures.get(gesture);
    // The server may have waited for the softphone between the click and the dial.
    return at !== undefined && now - at <= ACTION_FRESH_MS + DIAL_WAITS_MS;
  }

  private settle(command: Command, result: ResultFrame): Verdict {
    this.keep(command, result);
    return { act: "answer", result };
  }

  /** The result of a command that ran; null when it was taken back or is not known. */
  finish(
    cmd: Token,
    status: CommandStatus,
    output?: Record<string, unknown>,
    error?: ErrorDetail,
  ): ResultFrame | null {
    const command = this.running.get(cmd) ?? this.cancelled.get(cmd);
    if (!command) return null;
    const result: ResultFrame = { cmd, status, ...(output ? { output } : {}), ...(error ? { error } : {}) };
    if (status === "waiting_user") return this.running.has(cmd) ? result : null;
    this.keep(command, result);
    if (this.cancelled.delete(cmd)) return null;
    this.running.delete(cmd);
    return result;
  }

  private keep(command: Command, result: ResultFrame): void {
    this.results.set(command.cmd, result);
    trim(this.results);
    if (!command.once) return;
    const { cmd: _, ...noted } = result;
    this.once[command.cmd] = noted;
    const names = Object.keys(this.once);
    for (const name of names.slice(0, Math.max(0, names.length - KEPT))) delete this.once[name];
    this.save();
  }

  /** Takes a command back. A `once` command that began stays begun. True when it was running. */
  cancel(cmd: Token): boolean {
    const command = this.running.get(cmd);
    if (!command) return false;
    this.running.delete(cmd);
    this.cancelled.set(cmd, command);
    return true;
  }
}

function trim(map: Map<Token, ResultFrame>): void {
  for (const old of map.keys()) {
    if (map.size <= KEPT) return;
    map.delete(old);
  }
}

export function refusal(cmd: Token, status: CommandStatus, code: string, detail: string): ResultFrame {
  return { cmd, status, error: { code, detail } };
}
