import { describe, expect, it } from "vitest";
import type { ServerFrame } from "../../shared/protocol";
import { olderThan } from "./machine";
import { pageMemory } from "./memory";
import { command, contact, done, Page, phone, sent, welcome } from "./testing";

describe("connecting", () => {
  it("gets a ticket, opens the socket and says hello with it", () => {
    const page = new Page();
    expect(done(page.input({ type: "start" }), "ticket")).toHaveLength(1);
    expect(done(page.input({ type: "ticket", ticket: "t-9" }), "open")).toHaveLength(1);
    const [hello] = sent(page.input({ type: "socket_open" }), "hello");
    expect(hello).toMatchObject({ ticket: "t-9", page: { id: "p-1", tab: "tab-1", host: "lightning" } });
    expect(hello?.resume).toBeUndefined();
  });

  it("is signed out, and asks no further, when there is no session", () => {
    const page = new Page();
    page.input({ type: "start" });
    page.input({ type: "ticket_failed", why: "signed_out" });
    expect(page.session.link()).toBe("signed_out");
    expect(done(page.pass(60_000), "ticket")).toHaveLength(0);
  });

  it("comes back within 0.2 s at first and 10 s at most, longer each time", () => {
    const page = new Page();
    page.input({ type: "start" });
    const waits: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      page.input({ type: "ticket_failed", why: "unreachable" });
      const before = page.now;
      while (done(page.pass(100), "ticket").length === 0);
      waits.push(page.now - before);
    }
    expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
  });

  it("gives a socket up that says no welcome in ten seconds", () => {
    const page = new Page();
    page.input({ type: "start" });
    page.input({ type: "ticket", ticket: "t" });
    page.input({ type: "socket_open" });
    expect(done(page.pass(10_500), "close")).toHaveLength(1);
  });

  it("stays away after a bye without a time, and says why", () => {
    const page = new Page();
    page.connect();
    page.frame({ t: "bye", code: "socket.agent_mismatch", detail: "the softphone belongs to somebody else" });
    expect(page.session.link()).toBe("stopped");
    expect(page.session.stopped()?.detail).toBe("the softphone belongs to somebody else");
    expect(done(page.pass(60_000), "ticket")).toHaveLength(0);
  });

  it("comes back after a drain, not before it was asked to", () => {
    const page = new Page();
    page.connect();
    page.frame({ t: "bye", code: "socket.draining", retry_after_ms: 3_000, detail: "" });
    expect(done(page.pass(2_900), "ticket")).toHaveLength(0);
    expect(done(page.pass(10_000), "ticket")).toHaveLength(1);
  });

  it("reads an ended session as signed out", () => {
    const page = new Page();
    page.connect();
    page.frame({ t: "bye", code: "socket.session_ended", detail: "" });
    expect(page.session.link()).toBe("signed_out");
  });

  it("ignores frames it does not know and frames of a wrong shape", () => {
    const page = new Page();
    page.connect();
    for (const text of [
      "",
      "null",
      "[]",
      "{}",
      '{"t":"toString"}',
      '{"t":"future","seq":1}',
      '{"t":"command","seq":"1"}',
    ]) {
      expect(page.input({ type: "frame", text })).toEqual([]);
    }
  });
});

describe("events", () => {
  it("are counted from one and sent at once", () => {
    const page = new Page();
    page.connect();
    expect(sent(page.happened("connecting"), "event")[0]).toMatchObject({
      n: 1,
      event: "connecting",
      seen_at: 0,
    });
    expect(sent(page.happened("connected"), "event")[0]).toMatchObject({ n: 2 });
  });

  it("are kept until acknowledged and sent again in order on a new socket", () => {
    const page = new Page();
    page.connect();
    page.happened("connecting");
    page.happened("accepted");
    page.happened("connected");
    page.frame({ t: "ack", n: 1 });
    page.input({ type: "socket_closed" });
    page.pass(300);
    const again = sent(page.reconnect({ resumed: true }), "event");
    expect(again.map(({ n, event }) => [n, event])).toEqual([
      [2, "accepted"],
      [3, "connected"],
    ]);
  });

  it("survive a reload with the same ids and new numbers", () => {
    const memory = pageMemory("tab-1");
    const before = new Page(memory);
    before.connect();
    before.happened("connecting");
    const after = new Page(memory);
    const [event] = sent(after.connect(), "event");
    expect(event).toMatchObject({ n: 1, id: "e-1", event: "connecting" });
  });

  it("are not sent when nobody waits for them, unless they are of the life cycle", () => {
    const page = new Page();
    page.connect({ subscribe: [{ source: "agent", event: "state_change" }] });
    expect(sent(page.happened("refresh"), "event")).toHaveLength(0);
    expect(sent(page.happened("ended"), "event")).toHaveLength(1);
    const agent = (event: string) => page.input({ type: "happened", event: { source: "agent", event } });
    expect(sent(agent("state_change"), "event")).toHaveLength(1);
    expect(sent(agent("routable"), "event")).toHaveLength(0);
  });

  it("are sent as soon as a flow is published that waits for them", () => {
    const page = new Page();
    page.connect();
    expect(sent(page.happened("refresh"), "event")).toHaveLength(0);
    page.frame({ t: "subscribe", subscribe: [{ source: "voice_contact", event: "refresh" }] });
    expect(sent(page.happened("refresh"), "event")).toHaveLength(1);
    page.frame({ t: "subscribe", subscribe: [] });
    expect(sent(page.happened("refresh"), "event")).toHaveLength(0);
  });

  it("that the server has recorded before a reload are not sent again", () => {
    const page = new Page();
    page.happened("connecting", { initial: true });
    const effects = page.connect({ done: [{ contact: "c-1", event: "connecting" }] });
    expect(sent(effects, "event")).toHaveLength(0);
    expect(sent(page.happened("connecting", { initial: true }), "event")).toHaveLength(0);
    expect(sent(page.happened("connected"), "event")).toHaveLength(1);
  });

  it("are at most five hundred, the chatty ones going first", () => {
    const page = new Page();
    page.happened("connecting");
    for (let i = 0; i < 600; i += 1) page.happened("refresh");
    const events = sent(
      page.connect({ subscribe: [{ source: "voice_contact", event: "refresh" }] }),
      "event",
    );
    expect(events).toHaveLength(500);
    expect(events[0]?.event).toBe("connecting");
    expect(page.session.droppedEvents()).toBe(101);
  });

  it("fit a frame however large the attributes are", () => {
    const page = new Page();
    page.connect();
    const attributes = { small: "kept", large: "x".repeat(100_000) };
    const [event] = sent(page.happened("connecting", { attributes }), "event");
    expect(event?.snapshot?.attributes).toEqual({ small: "kept" });
    expect(JSON.stringify(event).length).toBeLessThan(65_536);
  });
});

describe("commands", () => {
  it("are carried out and answered, and every numbered frame is acknowledged", () => {
    const page = new Page();
    page.connect();
    const effects = page.frame(command());
    expect(done(effects, "perform")[0]).toMatchObject({ command: { cmd: "k-1" }, withinMs: 1_000_000 });
    expect(sent(effects, "ack")).toEqual([{ t: "ack", seq: 1 }]);
    const output = { count: 1, id: "003" };
    const result = sent(page.input({ type: "finished", cmd: "k-1", status: "done", output }), "result");
    expect(result).toEqual([{ t: "result", cmd: "k-1", status: "done", output }]);
  });

  it("that come late are refused, by the server's clock", () => {
    const page = new Page();
    page.connect({ now: 500_000 });
    const effects = page.frame(command({ deadline_ms: 499_999 }));
    expect(done(effects, "perform")).toHaveLength(0);
    expect(sent(effects, "result")[0]).toMatchObject({ status: "expired", error: { code: "late" } });
  });

  it("sent again are answered from memory", () => {
    const page = new Page();
    page.connect();
    page.frame(command());
    expect(done(page.frame(command({ seq: 2 })), "perform")).toHaveLength(0);
    page.input({ type: "finished", cmd: "k-1", status: "done", output: {} });
    const effects = page.frame(command({ seq: 3 }));
    expect(done(effects, "perform")).toHaveLength(0);
    expect(sent(effects, "result")[0]).toMatchObject({ cmd: "k-1", status: "done" });
  });

  it("to be done once are noted as started before they are carried out", () => {
    const page = new Page();
    page.connect();
    page.frame(command({ once: true, place: "phone", op: "dial", args: { number: "+12025550147" } }));
    expect(page.memory.read().once["k-1"]).toEqual({ status: "started" });
  });

  it("begun before a reload have an unknown outcome and are not begun again", () => {
    const memory = pageMemory("tab-1");
    const dial = command({ once: true, place: "phone", op: "dial" });
    const before = new Page(memory);
    before.connect();
    before.frame(dial);
    const after = new Page(memory);
    after.connect();
    const effects = after.frame(dial);
    expect(done(effects, "perform")).toHaveLength(0);
    expect(sent(effects, "result")[0]).toMatchObject({
      status: "failed",
      error: { code: "outcome_unknown" },
    });
  });

  it("finished before a reload are answered with what they came to", () => {
    const memory = pageMemory("tab-1");
    const dial = command({ once: true, place: "phone", op: "dial" });
    const before = new Page(memory);
    before.connect();
    before.frame(dial);
    before.input({ type: "finished", cmd: "k-1", status: "done", output: { contact_id: "c-9" } });
    const after = new Page(memory);
    after.connect();
    expect(sent(after.frame(dial), "result")[0]).toMatchObject({
      status: "done",
      output: { contact_id: "c-9" },
    });
  });

  it("are not confused by a name that every object has", () => {
    const page = new Page();
    page.connect();
    expect(done(page.frame(command({ cmd: "constructor", once: true })), "perform")).toHaveLength(1);
  });

  it("that need a click are refused without one on this page", () => {
    const page = new Page();
    page.connect();
    const dial = { once: true, place: "phone" as const, op: "dial" };
    const refused = page.frame(command({ ...dial, gesture: "elsewhere" }));
    expect(sent(refused, "result")[0]).toMatchObject({ status: "refused", error: { code: "no_gesture" } });
    const [click] = sent(page.click(), "event");
    const allowed = page.frame(command({ ...dial, seq: 2, cmd: "k-2", gesture: click?.id ?? "" }));
    expect(done(allowed, "perform")).toHaveLength(1);
    page.frame({ t: "ack", n: 1 });
    page.pass(31_000);
    const stale = page.frame(command({ ...dial, seq: 3, cmd: "k-3", gesture: click?.id ?? "" }));
    expect(sent(stale, "result")[0]).toMatchObject({ status: "refused" });
  });

  it("taken back are abandoned and not answered", () => {
    const page = new Page();
    page.connect();
    page.frame(command());
    expect(done(page.frame({ t: "cancel", seq: 2, cmd: "k-1", why: "run_ended" }), "abandon")).toHaveLength(
      1,
    );
    expect(sent(page.input({ type: "finished", cmd: "k-1", status: "done" }), "result")).toHaveLength(0);
  });

  it("finished while the socket was lost are answered on the next", () => {
    const page = new Page();
    page.connect();
    page.frame(command());
    page.input({ type: "socket_closed" });
    page.input({ type: "finished", cmd: "k-1", status: "done" });
    page.pass(300);
    expect(sent(page.reconnect({ resumed: true }), "result")).toHaveLength(1);
  });
});

describe("a network that swallows what is asked", () => {
  it("is asked again after ten seconds when no ticket comes", () => {
    const page = new Page();
    page.input({ type: "start" });
    expect(done(page.pass(9_900), "ticket")).toHaveLength(0);
    expect(done(page.pass(500), "ticket")).toHaveLength(1);
  });

  it("is asked again after ten seconds when the socket never opens", () => {
    const page = new Page();
    page.input({ type: "start" });
    page.input({ type: "ticket", ticket: "t" });
    const effects = page.pass(10_500);
    expect(done(effects, "close")).toHaveLength(1);
    expect(done(effects, "ticket")).toHaveLength(1);
    expect(done(page.reconnect(), "changed").length).toBeGreaterThan(0);
    expect(page.session.link()).toBe("online");
  });
});

describe("the server's clock", () => {
  it("is not taken for late by as much as a busy page reads the welcome late", () => {
    const page = new Page();
    page.input({ type: "start" });
    page.input({ type: "ticket", ticket: "t" });
    page.input({ type: "socket_open" });
    // Written at once by a server whose clock agrees with ours, read four seconds later.
    page.now += 4_000;
    page.frame(welcome({ now: 0 }));
    const [asked] = done(page.frame(command({ deadline_ms: 19_000 })), "perform");
    expect(asked?.withinMs).toBe(17_000);
  });
});

describe("resuming", () => {
  it("names session, epoch and the last frame handled", () => {
    const page = new Page();
    page.connect({ seq: 4 });
    page.frame(command({ seq: 5 }));
    page.input({ type: "socket_closed" });
    page.pass(300);
    page.input({ type: "ticket", ticket: "t" });
    const [hello] = sent(page.input({ type: "socket_open" }), "hello");
    expect(hello?.resume).toEqual({ session: "s-1", epoch: 1, last_seq: 5 });
  });

  it("is not tried by a page that was loaded anew", () => {
    const memory = pageMemory("tab-1");
    new Page(memory).connect();
    const after = new Page(memory);
    after.input({ type: "start" });
    after.input({ type: "ticket", ticket: "t" });
    expect(sent(after.input({ type: "socket_open" }), "hello")[0]?.resume).toBeUndefined();
  });
});

describe("the page while the server is away", () => {
  const lose = (page: Page) => {
    page.input({ type: "socket_closed" });
    return page.pass(2_500);
  };

  it("pops by number once, and reports it afterwards", () => {
    const page = new Page();
    page.connect();
    lose(page);
    expect(page.session.link()).toBe("unreachable");
    expect(done(page.happened("connecting"), "pop_alone")).toEqual([
      { do: "pop_alone", number: "+12025550143", contact: "c-1" },
    ]);
    expect(done(page.pass(1_000), "pop_alone")).toHaveLength(0);
    expect(sent(page.reconnect(), "event")[0]).toMatchObject({ event: "connecting", handled_locally: true });
  });

  it("waits two seconds first, for a socket mostly comes back", () => {
    const page = new Page();
    page.connect();
    page.input({ type: "socket_closed" });
    expect(done(page.happened("connecting"), "pop_alone")).toHaveLength(0);
    expect(done(page.pass(1_900), "pop_alone")).toHaveLength(0);
    expect(done(page.pass(200), "pop_alone")).toHaveLength(1);
  });

  it("pops also when a socket looks open and nothing answers", () => {
    const page = new Page();
    page.connect();
    page.happened("connecting");
    expect(done(page.pass(2_100), "pop_alone")).toHaveLength(1);
  });

  it.each([
    ["a withheld number", { customer: "anonymous" }],
    ["an outbound call", { direction: "outbound" as const }],
    ["a call that is monitored", { is_monitor: true }],
    ["a chat", { channel: "chat" as const }],
    ["text that would be a query", { customer: "'; DROP" }],
  ])("does not pop for %s", (_what, change) => {
    const page = new Page();
    page.connect();
    lose(page);
    expect(done(page.happened("connecting", change), "pop_alone")).toHaveLength(0);
  });

  it("does nothing that the welcome did not allow", () => {
    const page = new Page();
    page.connect({ fallback: { pop_by_number: false, click_to_dial: false, region: "US" } });
    lose(page);
    expect(done([...page.happened("connecting"), ...page.click()], "pop_alone")).toHaveLength(0);
    expect(done(page.effects, "dial_alone")).toHaveLength(0);
  });

  it("dials a click once, however often it is clicked", () => {
    const page = new Page();
    page.connect();
    lose(page);
    const effects = [...page.click(), ...page.click(), ...page.click()];
    expect(done(effects, "dial_alone")).toEqual([{ do: "dial_alone", number: "+12025550147", event: "e-1" }]);
    const reported = sent(page.reconnect(), "event");
    expect(reported.map((event) => event.handled_locally)).toEqual([true, true, true]);
  });

  it("takes a click right after the dial for the same dial, and a later one for another", () => {
    const page = new Page();
    page.connect();
    lose(page);
    const [dial] = done(page.click(), "dial_alone");
    page.input({ type: "dialled_alone", event: dial?.event ?? "", ok: true });
    page.pass(500);
    expect(done(page.click(), "dial_alone")).toHaveLength(0);
    page.pass(5_000);
    expect(done(page.click(), "dial_alone")).toHaveLength(1);
  });

  it("never dials a click that the server may have got", () => {
    const page = new Page();
    page.connect();
    page.click();
    lose(page);
    expect(done(page.effects, "dial_alone")).toHaveLength(0);
  });

  it("dials a click itself while an answer is overdue, and tells it when the server answers again", () => {
    const page = new Page();
    page.connect();
    page.happened("connecting");
    page.pass(2_100);
    const clicked = page.click();
    expect(done(clicked, "dial_alone")).toHaveLength(1);
    expect(sent(clicked, "event")).toHaveLength(0);
    const answered = page.input({ type: "frame", text: JSON.stringify({ t: "ack", n: 1 }) });
    expect(sent(answered, "event")).toMatchObject([{ event: "click_to_dial", handled_locally: true }]);
  });

  it("keeps a click until the softphone is ready", () => {
    const page = new Page();
    page.input({ type: "phone", phone: phone({ ready: false }) });
    page.connect();
    lose(page);
    const clicked = page.click();
    expect(done(clicked, "dial_alone")).toHaveLength(0);
    expect(done(clicked, "tell")).toEqual([{ do: "tell", code: "dial.waiting" }]);
    page.pass(5_000);
    expect(done(page.input({ type: "phone", phone: phone() }), "dial_alone")).toHaveLength(1);
  });

  it("lets a click expire after twenty seconds and says so", () => {
    const page = new Page();
    page.input({ type: "phone", phone: phone({ ready: false }) });
    page.connect();
    lose(page);
    page.click();
    expect(done(page.pass(20_100), "tell")).toContainEqual({ do: "tell", code: "dial.expired" });
    expect(done(page.input({ type: "phone", phone: phone() }), "dial_alone")).toHaveLength(0);
  });

  it("does not guess the country of a number", () => {
    const page = new Page();
    page.connect({ fallback: { pop_by_number: true, click_to_dial: true, region: "IT" } });
    lose(page);
    const effects = page.click("06 5550 0123");
    expect(done(effects, "dial_alone")).toHaveLength(0);
    expect(done(effects, "tell")).toEqual([{ do: "tell", code: "dial.needs_country" }]);
  });

  it("remembers over a reload what it may do alone", () => {
    const memory = pageMemory("tab-1");
    new Page(memory).connect();
    const after = new Page(memory);
    after.input({ type: "start" });
    after.input({ type: "ticket_failed", why: "unreachable" });
    after.now = 2_500;
    expect(done(after.happened("connecting"), "pop_alone")).toHaveLength(1);
  });

  it("does not pop after a reload what the server has, or what this tab popped before", () => {
    const memory = pageMemory("tab-1");
    const before = new Page(memory);
    before.connect();
    before.happened("connecting");
    before.frame({ t: "ack", n: 1 });
    const slow = new Page(memory);
    slow.input({ type: "start" });
    slow.now = 2_500;
    expect(done(slow.happened("connecting", { initial: true }), "pop_alone")).toHaveLength(0);

    expect(done(slow.happened("connecting", { id: "c-2" }), "pop_alone")).toHaveLength(1);
    const again = new Page(memory);
    again.input({ type: "start" });
    again.now = 5_000;
    expect(done(again.happened("connecting", { id: "c-2", initial: true }), "pop_alone")).toHaveLength(0);
    expect(done(again.happened("connecting", { id: "c-3" }), "pop_alone")).toHaveLength(1);
  });

  it("reports a stale click without letting a flow dial it", () => {
    const page = new Page();
    page.connect({ fallback: { pop_by_number: false, click_to_dial: false, region: "US" } });
    lose(page);
    page.click();
    page.pass(25_000);
    expect(sent(page.reconnect(), "event")[0]).toMatchObject({
      event: "click_to_dial",
      handled_locally: true,
    });
  });
});

describe("page reports", () => {
  it("tell of focus, softphone and the contact looked at", () => {
    const page = new Page();
    page.connect();
    const effects = page.input({ type: "page", visible: true, focused: true, contact: "c-1" });
    expect(sent(effects, "page")).toEqual([
      { t: "page", visible: true, focused: true, phone_ready: true, audio_owner: true, contact: "c-1" },
    ]);
  });

  it("are not repeated while nothing changes", () => {
    const page = new Page();
    page.connect();
    const input = { type: "page", visible: true, focused: true } as const;
    expect(sent(page.input(input), "page")).toHaveLength(1);
    expect(
      sent([...page.input(input), ...page.input({ type: "phone", phone: phone() })], "page"),
    ).toHaveLength(0);
  });

  it("bring the softphone's agent once it is known", () => {
    const page = new Page();
    page.connect();
    const agent = { id: "arn", login: "nora.quist", state: "Available" };
    expect(sent(page.input({ type: "phone", phone: phone({ agent }) }), "page")[0]).toMatchObject({ agent });
  });

  it("carry the contacts in hello, with fewer attributes where a frame would burst", () => {
    const page = new Page();
    const attributes = { a: "x".repeat(3_000) };
    const contacts = Array.from({ length: 40 }, (_, i) => contact({ id: `c-${i}`, attributes }));
    page.input({ type: "phone", phone: phone({ contacts }) });
    page.input({ type: "start" });
    page.input({ type: "ticket", ticket: "t" });
    const [hello] = sent(page.input({ type: "socket_open" }), "hello");
    expect(hello?.phone.contacts).toHaveLength(40);
    expect(JSON.stringify(hello).length).toBeLessThan(65_536);
  });
});

describe("the drawer's documents", () => {
  const panel = (rev: number, seq: number): ServerFrame => ({
    t: "panel",
    seq,
    contact: "c-1",
    rev,
    doc: { attributes: [], trace: null, notices: [] },
  });

  it("replace older ones and never newer ones", () => {
    const page = new Page();
    page.connect();
    expect(done(page.frame(panel(2, 1)), "panel")).toHaveLength(1);
    expect(done(page.frame(panel(1, 2)), "panel")).toHaveLength(0);
    expect(done(page.frame(panel(3, 3)), "panel")).toHaveLength(1);
  });
});

describe("a newer build", () => {
  it("reloads an older page once, and only without a contact", () => {
    const page = new Page();
    page.input({ type: "phone", phone: phone({ contacts: [contact()] }) });
    expect(done(page.connect({ min_build: "1.2.0" }), "reload")).toHaveLength(0);
    const idle = new Page();
    expect(done(idle.connect({ min_build: "1.2.0" }), "reload")).toHaveLength(1);
    const again = new Page(idle.memory);
    expect(done(again.connect({ min_build: "1.2.0" }), "reload")).toHaveLength(0);
  });

  it("is compared by its numbers", () => {
    expect(olderThan("0.9.0", "0.10.0")).toBe(true);
    expect(olderThan("1.0", "1.0.0")).toBe(false);
    expect(olderThan("dev", "1.0.0")).toBe(false);
  });
});
