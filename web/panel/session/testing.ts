/** Builders for the session's tests: an ordinary case, of which a test changes what it is about. */
import type { Command, Contact, PageFrame, Phone, ServerFrame, Welcome } from "../../shared/protocol";
import { type Effect, type Input, Session } from "./machine";
import { type Memory, pageMemory } from "./memory";

export function contact(change: Partial<Contact> = {}): Contact {
  return {
    id: "c-1",
    channel: "voice",
    state: "connecting",
    since: 1_000,
    direction: "inbound",
    customer: "+12025550143",
    attributes: {},
    is_monitor: false,
    ...change,
  };
}

export function phone(change: Partial<Phone> = {}): Phone {
  return { kind: "amazon-connect", ready: true, audio_owner: true, contacts: [], ...change };
}

export function welcome(change: Partial<Welcome> = {}): ServerFrame {
  return {
    t: "welcome",
    session: "s-1",
    epoch: 1,
    seq: 0,
    now: 0,
    resumed: false,
    fallback: { pop_by_number: true, click_to_dial: true, region: "US" },
    subscribe: [],
    done: [],
    settings: { agent: { id: "005", name: "Nora Quist" }, region: "US" },
    ...change,
  };
}

export function command(change: Partial<Command> = {}): ServerFrame {
  return {
    t: "command",
    seq: 1,
    cmd: "k-1",
    run: "r-1",
    step: "search",
    place: "crm_page",
    op: "search_and_pop",
    args: { search: "+12025550143", call_type: "inbound" },
    deadline_ms: 1_000_000,
    once: false,
    ...change,
  };
}

/** A page whose time the test moves, and what it did. */
export class Page {
  now = 0;
  effects: Effect[] = [];
  readonly session: Session;
  private ids = 0;

  constructor(readonly memory: Memory = pageMemory("tab-1")) {
    this.session = new Session({
      page: {
        id: "p-1",
        host: "lightning",
        build: "1.0.0",
        capabilities: ["crm_page.search_and_pop", "phone.dial"],
      },
      memory,
      randomId: () => {
        this.ids += 1;
        return `e-${this.ids}`;
      },
      random: () => 1,
    });
    this.input({ type: "phone", phone: phone() });
  }

  /** What the input led to. */
  input(input: Input): Effect[] {
    const effects = this.session.handle(this.now, input);
    this.effects.push(...effects);
    return effects;
  }

  frame(frame: ServerFrame): Effect[] {
    return this.input({ type: "frame", text: JSON.stringify(frame) });
  }

  /** Lets time pass, waking whenever asked to. */
  pass(ms: number): Effect[] {
    const until = this.now + ms;
    const effects: Effect[] = [];
    for (let at = this.session.wakeAt(); at !== null && at <= until; at = this.session.wakeAt()) {
      this.now = Math.max(at, this.now);
      effects.push(...this.input({ type: "wake" }));
    }
    this.now = until;
    effects.push(...this.input({ type: "wake" }));
    return effects;
  }

  connect(change: Partial<Welcome> = {}): Effect[] {
    this.input({ type: "start" });
    return this.reconnect(change);
  }

  /** From the request for a ticket to the welcome. */
  reconnect(change: Partial<Welcome> = {}): Effect[] {
    this.input({ type: "ticket", ticket: "t-1" });
    this.input({ type: "socket_open" });
    return this.frame(welcome({ now: this.now, ...change }));
  }

  happened(event: string, change: Partial<Contact> = {}): Effect[] {
    const snapshot = contact(change);
    const stateAt = event === "destroy" ? {} : { state_at: snapshot.since };
    return this.input({
      type: "happened",
      event: { source: "voice_contact", event, contact: snapshot.id, snapshot, ...stateAt },
    });
  }

  click(number = "(202) 555-0147"): Effect[] {
    return this.input({
      type: "happened",
      event: { source: "crm_page", event: "click_to_dial", payload: { number }, cause: { kind: "click" } },
    });
  }
}

export function sent<T extends PageFrame["t"]>(effects: Effect[], t: T): Extract<PageFrame, { t: T }>[] {
  return effects.flatMap((effect) =>
    effect.do === "send" && effect.frame.t === t ? [effect.frame as Extract<PageFrame, { t: T }>] : [],
  );
}

export function done<T extends Effect["do"]>(effects: Effect[], what: T): Extract<Effect, { do: T }>[] {
  return effects.filter((effect): effect is Extract<Effect, { do: T }> => effect.do === what);
}
