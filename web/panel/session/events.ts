import {
  type Contact,
  type DoneEvent,
  type EventFrame,
  MAX_FRAME_BYTES,
  MAX_UNACKNOWLEDGED,
  type SubscribedEvent,
} from "../../shared/protocol";

/** An event as phone or host tell it; the queue numbers and names it. */
export type Happening = Omit<EventFrame, "n" | "id" | "seen_at">;

export interface Waiting {
  frame: EventFrame;
  /** When it went out on a socket, by our clock; null while it never did. */
  sentAt: number | null;
}

const CONTACT_SOURCES = new Set(["voice_contact", "callback_contact", "chat_contact", "task_contact"]);
const CONTACT_LIFE = new Set([
  "incoming",
  "pending",
  "connecting",
  "connected",
  "accepted",
  "missed",
  "ended",
  "destroy",
]);

const MOST_DONE = 200;

/** Life-cycle events are always sent, whatever flows wait for. */
export function isLifeCycle(event: Pick<EventFrame, "source" | "event">): boolean {
  return CONTACT_SOURCES.has(event.source) && CONTACT_LIFE.has(event.event);
}

/** A person asked for something: never dropped silently. */
export function isAsked(event: Pick<EventFrame, "source" | "event">): boolean {
  return event.source === "action" || (event.source === "crm_page" && event.event === "click_to_dial");
}

/**
 * The events the server has not acknowledged, oldest first, at most `MAX_UNACKNOWLEDGED`.
 *
 * `n` grows by one per page load; events of an earlier load of this tab are numbered anew and keep their `id`, by
 * which the server knows them.
 */
export class EventQueue {
  private waiting: Waiting[];
  private lastN = 0;
  private subscribed: Set<string> | null = null;
  /** Contact and event of what the server has recorded, oldest first. */
  private done: Set<string>;
  /** Events dropped because there were too many. */
  dropped = 0;

  constructor(earlier: readonly EventFrame[], done: readonly string[] = []) {
    this.done = new Set(done);
    this.waiting = earlier.slice(-MAX_UNACKNOWLEDGED).map((frame) => ({
      frame: { ...frame, n: this.next() },
      sentAt: null,
    }));
  }

  private next(): number {
    this.lastN += 1;
    return this.lastN;
  }

  /** Takes an event in; null when nobody waits for it or the server has it already. */
  add(happening: Happening, id: string, now: number): Waiting | null {
    if (!this.wanted(happening) || this.waitsAlready(happening)) return null;
    const waiting: Waiting = {
      frame: shrink({ n: this.next(), id, seen_at: now, ...happening }),
      sentAt: null,
    };
    this.waiting.push(waiting);
    if (this.waiting.length > MAX_UNACKNOWLEDGED) this.dropOne();
    return waiting;
  }

  private wanted(event: Pick<EventFrame, "source" | "event" | "contact" | "snapshot">): boolean {
    if (isLifeCycle(event)) {
      // After a reload the softphone tells the present state again; the server said it knows.
      return !(event.snapshot?.initial && this.done.has(key(event.contact ?? "", event.event)));
    }
    return isAsked(event) || this.subscribed === null || this.subscribed.has(key(event.source, event.event));
  }

  /** An earlier load has told it and it waits here still, perhaps acted upon by the page alone. */
  private waitsAlready({ contact, event, snapshot }: Happening): boolean {
    if (!snapshot?.initial) return false;
    return this.waiting.some(({ frame }) => frame.contact === contact && frame.event === event);
  }

  private dropOne(): void {
    const chatty = this.waiting.findIndex(({ frame }) => !isLifeCycle(frame) && !isAsked(frame));
    this.waiting.splice(Math.max(chatty, 0), 1);
    this.dropped += 1;
  }

  /** What the welcome said: forget what is done or what nobody waits for, and send the rest again. */
  welcome(subscribe: readonly SubscribedEvent[], done: readonly DoneEvent[], resumed: boolean): void {
    this.subscribe(subscribe);
    if (!resumed) this.done = new Set(done.map((one) => key(one.contact, one.event)));
    this.waiting = this.waiting.filter(({ frame, sentAt }) => sentAt !== null || this.wanted(frame));
  }

  /** Which events to send from now on, besides those that always are. */
  subscribe(subscribe: readonly SubscribedEvent[]): void {
    this.subscribed = new Set(subscribe.map((one) => key(one.source, one.event)));
  }

  acknowledged(n: number): void {
    for (const { frame } of this.waiting) {
      if (frame.n <= n && isLifeCycle(frame)) this.done.add(key(frame.contact ?? "", frame.event));
    }
    this.waiting = this.waiting.filter(({ frame }) => frame.n > n);
    for (const oldest of this.done) {
      if (this.done.size <= MOST_DONE) break;
      this.done.delete(oldest);
    }
  }

  /** For the next load of this tab, which may have to act before the server can tell it. */
  recorded(): string[] {
    return [...this.done];
  }

  all(): readonly Waiting[] {
    return this.waiting;
  }

  frames(): EventFrame[] {
    return this.waiting.map(({ frame }) => frame);
  }

  /** When the oldest event still unanswered on the present socket went out. */
  oldestSent(since: number): number | null {
    const first = this.waiting.find(({ sentAt }) => sentAt !== null && sentAt >= since);
    return first?.sentAt ?? null;
  }
}

const key = (a: string, b: string) => `${a}\u0000${b}`;

const encoder = new TextEncoder();
export const bytes = (value: unknown) => encoder.encode(JSON.stringify(value)).length;

/** Makes an event fit a frame: attributes go longest first, then the payload. The contact itself always stays. */
export function shrink(event: EventFrame): EventFrame {
  const room = MAX_FRAME_BYTES - 256;
  if (bytes(event) <= room) return event;
  let fitted = event;
  if (event.snapshot)
    fitted = { ...event, snapshot: lean(event.snapshot, room - bytes({ ...event, snapshot: null })) };
  if (bytes(fitted) > room && fitted.payload) fitted = { ...fitted, payload: { too_large: true } };
  if (bytes(fitted) > room && fitted.snapshot) fitted = { ...fitted, snapshot: lean(fitted.snapshot, 0) };
  return fitted;
}

/** The contact with as many of its attributes, shortest first, as `room` bytes hold. */
export function lean(contact: Contact, room: number): Contact {
  const bare = { ...contact, attributes: {} };
  let left = room - bytes(bare);
  const attributes: Record<string, string> = {};
  const entries = Object.entries(contact.attributes).sort((a, b) => a[1].length - b[1].length);
  for (const [name, value] of entries) {
    left -= bytes(name) + bytes(value) + 2;
    if (left < 0) break;
    attributes[name] = value;
  }
  return { ...bare, attributes };
}
