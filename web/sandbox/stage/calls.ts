/** What the caller's phone shows of the contact center's calls. */

/** An element of `GET /calls`; members we do not show are left alone. */
export interface SeenCall {
  contactId: string;
  direction: "inbound" | "outbound";
  /** `queued`, `ringing`, `dialing`, `connected`, `on_hold`, `after_contact_work`, `failed`, `over`. */
  state: string;
  started: string;
  customer: string;
  queue: string | null;
  agent: string | null;
  disconnectReason: string | null;
}

export type CallState =
  | "none"
  /** In the queue. */
  | "waiting"
  | "ringing"
  /** The agent calls this phone. */
  | "incoming"
  | "talking"
  | "held"
  | "over";

export function stateOf(call: SeenCall | null): CallState {
  switch (call?.state) {
    case undefined:
      return "none";
    case "queued":
      return "waiting";
    case "ringing":
      return "ringing";
    case "dialing":
      return "incoming";
    case "connected":
      return "talking";
    case "on_hold":
      return "held";
    default:
      return "over";
  }
}

export const isLive = (state: CallState) => state !== "none" && state !== "over";

/**
 * The call of this phone: the newest live one among those placed here and those agents make; else the last one
 * placed here, to say that it is over. Calls that tests or other stages place are not this phone's.
 */
export function mine(calls: readonly SeenCall[], placed: string | null): SeenCall | null {
  const ours = calls.filter((call) => call.contactId === placed || call.direction === "outbound");
  const newest = (some: SeenCall[]) => some.sort((a, b) => a.started.localeCompare(b.started)).at(-1) ?? null;
  return (
    newest(ours.filter((call) => isLive(stateOf(call)))) ??
    newest(ours.filter((call) => call.contactId === placed))
  );
}
