/**
 * The page's side of `tieline.v1`, as a state machine without I/O.
 *
 * `handle` takes one input and the time, and says what to do; `wakeAt` says when to come back with `wake`. Sockets,
 * fetches, timers, the softphone and the CRM page are `client.ts`'s business. So a test drives a whole day of lost
 * sockets and late commands without waiting for any of it.
 *
 * The rules are those of `design/agent-sessions.md` §2; each has its place here:
 * counting and resend in `events.ts`, `once` and deadlines in `commands.ts`, reconnecting and the two things a page
 * does alone in this file.
 */
import {
  type ByeCode,
  type Command,
  type CommandStatus,
  DIAL_WAITS_MS,
  type ErrorDetail,
  type Hello,
  MAX_CONTACTS,
  MAX_FRAME_BYTES,
  type PageFrame,
  type PageInfo,
  type Panel,
  type Phone,
  type ResultFrame,
  type ServerFrame,
  type Token,
  type Welcome,
} from "../../shared/protocol";
import { Ledger } from "./commands";
import { decode } from "./decode";
import { bytes, EventQueue, type Happening, isAsked, lean, type Waiting } from "./events";
import type { Memory, Remembered } from "./memory";
import { dialable, searchable } from "./numbers";

export type Input =
  /** Somebody is signed in: connect. */
  | { type: "start" }
  | { type: "sign_out" }
  | { type: "ticket"; ticket: string }
  | { type: "ticket_failed"; why: "signed_out" | "unreachable" }
  | { type: "socket_open" }
  | { type: "socket_closed" }
  | { type: "frame"; text: string }
  | { type: "page"; visible: boolean; focused: boolean; contact?: string }
  | { type: "phone"; phone: Phone }
  | { type: "happened"; event: Happening }
  | {
      type: "finished";
      cmd: Token;
      status: CommandStatus;
      output?: Record<string, unknown>;
      error?: ErrorDetail;
    }
  /** A dial the page made alone has come to an end. */
  | { type: "dialled_alone"; event: Token; ok: boolean; reason?: string }
  | { type: "wake" };

export type Effect =
  | { do: "ticket" }
  | { do: "open" }
  | { do: "close" }
  | { do: "send"; frame: PageFrame }
  | { do: "perform"; command: Command; withinMs: number }
  | { do: "abandon"; cmd: Token }
  | { do: "panel"; panel: Panel }
  | { do: "pop_alone"; number: string; contact?: string }
  | { do: "dial_alone"; number: string; event: Token }
  /** A code of `strings.ts`. */
  | { do: "tell"; code: NoticeCode }
  | { do: "reload" }
  | { do: "changed" };

export type NoticeCode =
  | "dial.waiting"
  | "dial.expired"
  | "dial.needs_country"
  | "dial.failed"
  | "pop.alone"
  | "dial.alone";

export type Link =
  | "off"
  | "connecting"
  | "online"
  | "reconnecting"
  | "unreachable"
  | "signed_out"
  | "stopped";

type Phase =
  | { at: "off" | "signed_out" }
  | { at: "stopped"; code: ByeCode; detail: string }
  | { at: "ticket"; since: number }
  | { at: "opening"; since: number; ticket: string }
  | { at: "hello"; since: number }
  | { at: "open"; since: number }
  | { at: "waiting"; until: number };

/** Waiting for an answer that a dead network never gives. */
function isAsking(phase: Phase): phase is Extract<Phase, { since: number }> {
  return phase.at === "ticket" || phase.at === "opening" || phase.at === "hello";
}

/** A click on a number while the server is away, until it is dialled or too old. */
interface HeldClick {
  event: Token;
  number: string;
  until: number;
  /** Dialling now; further clicks on the same number mean this one. */
  dialling: boolean;
}

const UNREACHABLE_AFTER = 2_000;
/** Clicks on a number that was just dialled mean that dial: people click until they see something happen. */
const SAME_DIAL_MS = 3_000;
const ANSWER_WITHIN = 10_000;
const BACKOFF = { first: 200, most: 10_000 };
/** A call that rang this long ago is not popped any more. */
const POP_FRESH = 20_000;

export interface Identity {
  page: Omit<PageInfo, "tab" | "visible" | "focused">;
  memory: Memory;
  randomId: () => Token;
  /** From 0 to 1. */
  random: () => number;
}

export class Session {
  private phase: Phase = { at: "off" };
  private session: { id: Token; epoch: number; lastSeq: number } | null = null;
  private welcomed: Welcome | null = null;
  private readonly remembered: Remembered;
  private readonly queue: EventQueue;
  private readonly ledger: Ledger;
  private readonly panels = new Map<string, number>();
  private readonly unsentResults: ResultFrame[] = [];
  private page = { visible: true, focused: false, contact: undefined as string | undefined };
  private phone: Phone = { kind: "none", ready: false, audio_owner: false, contacts: [] };
  /** Server's clock minus ours. */
  private offset = 0;
  private attempts = 0;
  private lostAt: number | null = null;
  private held: HeldClick[] = [];
  private dialled = { number: "", at: Number.NEGATIVE_INFINITY };
  private shown: Link = "off";
  private effects: Effect[] = [];
  /** The last `page` frame of this socket. */
  private toldPage = "";

  constructor(private readonly identity: Identity) {
    this.remembered = identity.memory.read();
    this.queue = new EventQueue(this.remembered.events, this.remembered.recorded);
    this.ledger = new Ledger(this.remembered.once, () => this.save());
  }

  handle(now: number, input: Input): Effect[] {
    this.effects = [];
    this.take(now, input);
    this.alone(now);
    const link = this.linkAt(now);
    if (link !== this.shown) {
      this.shown = link;
      this.effects.push({ do: "changed" });
    }
    return this.effects;
  }

  /** How the connection stands, as of the last input. */
  link(): Link {
    return this.shown;
  }

  private linkAt(now: number): Link {
    switch (this.phase.at) {
      case "off":
      case "signed_out":
      case "stopped":
        return this.phase.at;
      case "open":
        return this.unreachableSince(now) === null ? "online" : "unreachable";
      default:
        if (this.lostAt !== null && now - this.lostAt >= UNREACHABLE_AFTER) return "unreachable";
        return this.welcomed ? "reconnecting" : "connecting";
    }
  }

  /** Why the server sent us away for good, while `link` is `stopped`. */
  stopped(): { code: ByeCode; detail: string } | null {
    return this.phase.at === "stopped" ? this.phase : null;
  }

  agentName(): string | null {
    return this.welcomed?.settings.agent.name ?? null;
  }

  droppedEvents(): number {
    return this.queue.dropped;
  }

  /** When `wake` is due, or null for never. Early and late calls are harmless. */
  wakeAt(): number | null {
    const times: number[] = [];
    const { phase } = this;
    // Never in the past: a pause that came out as nothing is over at the next moment.
    if (phase.at === "waiting") times.push(Math.max(phase.until, this.lastWake + 1));
    if (isAsking(phase)) times.push(phase.since + ANSWER_WITHIN);
    if (phase.at === "open") {
      const sent = this.queue.oldestSent(phase.since);
      if (sent !== null) times.push(sent + UNREACHABLE_AFTER, sent + ANSWER_WITHIN);
    }
    if (this.lostAt !== null) times.push(this.lostAt + UNREACHABLE_AFTER);
    for (const click of this.held) if (!click.dialling) times.push(click.until);
    const last = this.lastWake;
    const future = times.filter((time) => time > last);
    return future.length > 0 ? Math.min(...future) : null;
  }

  private lastWake = Number.NEGATIVE_INFINITY;

  private take(now: number, input: Input): void {
    this.lastWake = Math.max(this.lastWake, now);
    switch (input.type) {
      case "start":
        if (this.phase.at === "off" || this.phase.at === "signed_out" || this.phase.at === "stopped") {
          this.lostAt ??= now;
          this.connect(now);
        }
        return;
      case "sign_out":
        this.leave({ at: "signed_out" });
        return;
      case "ticket":
        if (this.phase.at !== "ticket") return;
        this.phase = { at: "opening", since: now, ticket: input.ticket };
        this.effects.push({ do: "open" });
        return;
      case "ticket_failed":
        if (this.phase.at !== "ticket") return;
        if (input.why === "signed_out") this.leave({ at: "signed_out" });
        else this.retry(now);
        return;
      case "socket_open":
        this.hello(now);
        return;
      case "socket_closed":
        if (this.phase.at === "opening" || this.phase.at === "hello" || this.phase.at === "open")
          this.retry(now);
        return;
      case "frame": {
        const frame = decode(input.text);
        if (frame) this.receive(now, frame);
        return;
      }
      case "page":
        this.page = { visible: input.visible, focused: input.focused, contact: input.contact };
        this.tellPage();
        return;
      case "phone":
        this.phone = input.phone;
        this.tellPage();
        return;
      case "happened":
        this.happened(now, input.event);
        return;
      case "finished": {
        const result = this.ledger.finish(input.cmd, input.status, input.output, input.error);
        if (result) this.answer(result);
        return;
      }
      case "dialled_alone":
        for (const click of this.held)
          if (click.event === input.event && input.ok) this.dialled = { number: click.number, at: now };
        this.held = this.held.filter((click) => click.event !== input.event);
        if (!input.ok) this.effects.push({ do: "tell", code: "dial.failed" });
        return;
      case "wake":
        this.wake(now);
        return;
    }
  }

  // — the socket —

  private connect(now: number): void {
    this.phase = { at: "ticket", since: now };
    this.effects.push({ do: "ticket" });
  }

  private hello(now: number): void {
    if (this.phase.at !== "opening") return;
    const { ticket } = this.phase;
    this.phase = { at: "hello", since: now };
    const { memory, page } = this.identity;
    const hello: Hello = {
      ticket,
      page: { ...page, tab: memory.tab, visible: this.page.visible, focused: this.page.focused },
      phone: this.phone,
    };
    if (this.session) {
      const { id, epoch, lastSeq } = this.session;
      hello.resume = { session: id, epoch, last_seq: lastSeq };
    }
    this.effects.push({ do: "send", frame: { t: "hello", ...fitHello(hello) } });
  }

  private retry(now: number): void {
    const most = Math.min(BACKOFF.most, BACKOFF.first * 2 ** this.attempts);
    this.attempts += 1;
    this.lost(now);
    this.phase = { at: "waiting", until: now + this.identity.random() * most };
  }

  private lost(now: number): void {
    this.lostAt ??= now;
  }

  private leave(phase: Phase): void {
    this.phase = phase;
    this.lostAt = null;
    this.attempts = 0;
    this.effects.push({ do: "close" });
  }

  private wake(now: number): void {
    const { phase } = this;
    if (phase.at === "waiting" && now >= phase.until) {
      this.connect(now);
      return;
    }
    const silent =
      (isAsking(phase) && now - phase.since >= ANSWER_WITHIN) ||
      (phase.at === "open" && now - (this.queue.oldestSent(phase.since) ?? now) >= ANSWER_WITHIN);
    if (silent) {
      this.effects.push({ do: "close" });
      this.retry(now);
    }
  }

  private receive(now: number, frame: ServerFrame): void {
    if (frame.t === "bye") {
      this.bye(now, frame);
      return;
    }
    if (frame.t === "welcome") {
      if (this.phase.at === "hello") this.welcome(now, frame, this.phase.since);
      return;
    }
    if (this.phase.at !== "open") return;
    if (frame.t === "ack") {
      this.queue.acknowledged(frame.n);
      this.flush(now);
      this.save();
      return;
    }
    if (frame.t === "subscribe") {
      this.queue.subscribe(frame.subscribe);
      return;
    }
    // A numbered frame. What we have seen in this session is answered from memory or ignored.
    const repeated = this.session !== null && frame.seq <= this.session.lastSeq;
    if (this.session && !repeated) this.session.lastSeq = frame.seq;
    if (frame.t === "command") this.command(now, frame);
    else if (frame.t === "cancel") {
      if (this.ledger.cancel(frame.cmd)) this.effects.push({ do: "abandon", cmd: frame.cmd });
    } else this.panel(frame);
    this.effects.push({ do: "send", frame: { t: "ack", seq: this.session?.lastSeq ?? frame.seq } });
  }

  private bye(now: number, frame: Extract<ServerFrame, { t: "bye" }>): void {
    if (frame.code === "socket.session_ended") {
      this.leave({ at: "signed_out" });
    } else if (frame.retry_after_ms === undefined) {
      this.leave({ at: "stopped", code: frame.code, detail: frame.detail });
    } else {
      this.effects.push({ do: "close" });
      this.lost(now);
      // Spread out, or everybody comes back in the same moment after a deployment.
      const spread = this.identity.random() * Math.min(BACKOFF.most, frame.retry_after_ms + BACKOFF.first);
      this.phase = { at: "waiting", until: now + frame.retry_after_ms + spread };
    }
  }

  private welcome(now: number, welcome: Welcome, asked: number): void {
    this.welcomed = welcome;
    // It was written between our question and now. A busy page may read it seconds late.
    this.offset = Math.round(welcome.now - (asked + now) / 2);
    this.attempts = 0;
    this.lostAt = null;
    if (!welcome.resumed) {
      // The server forgot, or never knew: results and numbers of before mean nothing to it.
      this.session = { id: welcome.session, epoch: welcome.epoch, lastSeq: welcome.seq };
      this.unsentResults.length = 0;
      this.panels.clear();
    }
    this.phase = { at: "open", since: now };
    this.toldPage = "";
    this.remembered.fallback = welcome.fallback;
    this.queue.welcome(welcome.subscribe, welcome.done, welcome.resumed);
    this.expireClicks(now);
    this.save();
    for (const waiting of this.queue.all()) this.send(now, waiting);
    for (const result of this.unsentResults.splice(0))
      this.effects.push({ do: "send", frame: { t: "result", ...result } });
    this.tellPage();
    this.effects.push({ do: "changed" });
    this.maybeReload(welcome.min_build);
  }

  private maybeReload(wanted: string | undefined): void {
    if (!wanted || this.phone.contacts.length > 0 || this.remembered.reloadedFor === wanted) return;
    if (!olderThan(this.identity.page.build, wanted)) return;
    this.remembered.reloadedFor = wanted;
    this.save();
    this.effects.push({ do: "reload" });
  }

  // — page to server —

  private tellPage(): void {
    if (this.phase.at !== "open") return;
    const { visible, focused, contact } = this.page;
    const { ready, audio_owner, agent } = this.phone;
    const frame: PageFrame = {
      t: "page",
      visible,
      focused,
      phone_ready: ready,
      audio_owner,
      ...(ready && agent ? { agent } : {}),
      ...(contact === undefined ? {} : { contact }),
    };
    // The softphone tells many changes that are none to the server.
    const text = JSON.stringify(frame);
    if (text === this.toldPage) return;
    this.toldPage = text;
    this.effects.push({ do: "send", frame });
  }

  private happened(now: number, event: Happening): void {
    const waiting = this.queue.add(event, this.identity.randomId(), now);
    if (!waiting) return;
    if (isAsked(event)) this.ledger.gesture(waiting.frame.id, now);
    // While an answer is overdue the socket leads nowhere: what is kept back now the page may act upon itself.
    if (this.phase.at === "open" && this.unreachableSince(now) === null) this.send(now, waiting);
    this.save();
  }

  /** Sends what was kept back, once nothing is overdue any more. */
  private flush(now: number): void {
    if (this.unreachableSince(now) !== null) return;
    this.expireClicks(now);
    for (const waiting of this.queue.all()) if (waiting.sentAt === null) this.send(now, waiting);
  }

  private send(now: number, waiting: Waiting): void {
    waiting.sentAt = now;
    this.effects.push({ do: "send", frame: { t: "event", ...waiting.frame } });
  }

  private answer(result: ResultFrame): void {
    if (this.phase.at === "open") this.effects.push({ do: "send", frame: { t: "result", ...result } });
    else this.unsentResults.push(result);
  }

  // — server to page —

  private command(now: number, command: Command): void {
    const verdict = this.ledger.judge(command, now, now + this.offset);
    if (verdict.act === "answer") this.answer(verdict.result);
    else if (verdict.act === "perform")
      this.effects.push({ do: "perform", command, withinMs: verdict.withinMs });
  }

  private panel(panel: Panel): void {
    const of = panel.contact ?? "";
    if ((this.panels.get(of) ?? Number.NEGATIVE_INFINITY) >= panel.rev) return;
    this.panels.set(of, panel.rev);
    this.effects.push({ do: "panel", panel });
  }

  // — what a page does alone —

  /** Since when the server has been away, once that is longer than two seconds. */
  private unreachableSince(now: number): number | null {
    const since = this.phase.at === "open" ? this.queue.oldestSent(this.phase.since) : this.lostAt;
    return since !== null && now - since >= UNREACHABLE_AFTER ? since : null;
  }

  private alone(now: number): void {
    if (this.phase.at === "signed_out" || this.phase.at === "stopped" || this.phase.at === "off") return;
    if (this.unreachableSince(now) !== null) {
      for (const waiting of this.queue.all()) {
        if (!waiting.frame.handled_locally) this.handleAlone(now, waiting);
      }
    }
    this.dialHeld(now);
  }

  private handleAlone(now: number, waiting: Waiting): void {
    const { frame } = waiting;
    const fallback = this.remembered.fallback;
    if (frame.event === "connecting" && fallback?.pop_by_number && now - frame.seen_at <= POP_FRESH) {
      const { snapshot } = frame;
      const number = searchable(snapshot?.customer);
      if (!number || snapshot?.direction !== "inbound" || snapshot.is_monitor || snapshot.channel !== "voice")
        return;
      frame.handled_locally = true;
      this.effects.push({ do: "pop_alone", number, contact: snapshot.id }, { do: "tell", code: "pop.alone" });
      this.save();
    } else if (frame.source === "crm_page" && frame.event === "click_to_dial" && fallback?.click_to_dial) {
      this.holdClick(now, waiting, fallback.region);
    }
  }

  private holdClick(now: number, waiting: Waiting, region: string): void {
    const { frame } = waiting;
    // The server may have it and be dialling this moment. Nobody wants two calls.
    if (waiting.sentAt !== null) return;
    frame.handled_locally = true;
    const number = dialable(String(frame.payload?.number ?? ""), region);
    if (!number) {
      this.effects.push({ do: "tell", code: "dial.needs_country" });
    } else if (now - frame.seen_at > DIAL_WAITS_MS) {
      this.effects.push({ do: "tell", code: "dial.expired" });
    } else if (
      !this.held.some((click) => click.number === number) &&
      !(this.dialled.number === number && frame.seen_at - this.dialled.at < SAME_DIAL_MS)
    ) {
      this.held.push({ event: frame.id, number, until: frame.seen_at + DIAL_WAITS_MS, dialling: false });
      if (!this.phone.ready) this.effects.push({ do: "tell", code: "dial.waiting" });
    }
    this.save();
  }

  private dialHeld(now: number): void {
    for (const click of this.held) {
      if (click.dialling) continue;
      if (now >= click.until) {
        this.effects.push({ do: "tell", code: "dial.expired" });
      } else if (this.phone.ready && !this.held.some((other) => other.dialling)) {
        click.dialling = true;
        this.effects.push(
          { do: "dial_alone", number: click.number, event: click.event },
          { do: "tell", code: "dial.alone" },
        );
      }
    }
    this.held = this.held.filter((click) => click.dialling || now < click.until);
  }

  /** Clicks nobody could act upon in time are told to the server, but no flow dials them now. */
  private expireClicks(now: number): void {
    for (const { frame, sentAt } of this.queue.all()) {
      const stale = now - frame.seen_at > DIAL_WAITS_MS;
      if (!isAsked(frame) || sentAt !== null || frame.handled_locally || !stale) continue;
      frame.handled_locally = true;
      this.effects.push({ do: "tell", code: "dial.expired" });
    }
  }

  private save(): void {
    this.remembered.events = this.queue.frames();
    this.remembered.recorded = this.queue.recorded();
    this.identity.memory.write(this.remembered);
  }
}

/** A hello larger than a frame leaves attributes out; events bring them with each contact. */
function fitHello(hello: Hello): Hello {
  const contacts = hello.phone.contacts.slice(-MAX_CONTACTS);
  const whole = { ...hello, phone: { ...hello.phone, contacts } };
  const room = MAX_FRAME_BYTES - 256;
  if (bytes(whole) <= room) return whole;
  const bare = { ...whole, phone: { ...whole.phone, contacts: contacts.map((contact) => lean(contact, 0)) } };
  const each = Math.max(0, Math.floor((room - bytes(bare)) / Math.max(1, contacts.length)));
  const fitted = contacts.map((contact) => lean(contact, bytes({ ...contact, attributes: {} }) + each));
  return { ...whole, phone: { ...whole.phone, contacts: fitted } };
}

/** Compares dotted numbers; anything else is never older, for a wrong guess would reload a working page. */
export function olderThan(build: string, wanted: string): boolean {
  const numbers = (text: string) => /^v?(\d+(?:\.\d+)*)/.exec(text)?.[1]?.split(".").map(Number);
  const [ours, theirs] = [numbers(build), numbers(wanted)];
  if (!ours || !theirs) return false;
  for (let i = 0; i < Math.max(ours.length, theirs.length); i += 1) {
    const difference = (ours[i] ?? 0) - (theirs[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
