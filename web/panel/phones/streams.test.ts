import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { silent } from "../log";
import type { CcpAgent, CcpContact, Connect } from "./connect";
import type { PhoneEvent } from "./phone";
import { streams } from "./streams";

type Handlers = Record<string, ((value?: unknown) => void)[]>;

function call(handlers: Handlers, name: string, value?: unknown): void {
  for (const handler of handlers[name] ?? []) handler(value);
}

/** Collects handlers by the name of the method they were given to. */
function registrar(handlers: Handlers) {
  return (name: string) => (handler: (value?: unknown) => void) => {
    handlers[name] = [...(handlers[name] ?? []), handler];
  };
}

function fakeContact(change: Record<string, unknown> = {}) {
  const handlers: Handlers = {};
  const on = registrar(handlers);
  const data = {
    id: "c-1",
    type: "voice",
    state: "connecting",
    since: new Date(5_000),
    queue: "Sales" as string | undefined,
    number: "+12025550143" as string | null,
    attributes: { language: { name: "language", value: "en" } } as Record<
      string,
      { name: string; value: string }
    >,
    inbound: true,
    gone: false,
    ...change,
  };
  const live = <T>(value: T): T => {
    if (data.gone) throw new Error("Contact no longer exists.");
    return value;
  };
  const contact = {
    getContactId: () => data.id,
    getType: () => data.type,
    getStatus: () => live({ type: data.state, timestamp: data.since }),
    getQueue: () => live(data.queue ? { name: data.queue } : undefined),
    getAttributes: () => live(data.attributes),
    getInitialConnection: () =>
      live({
        getType: () => "inbound",
        getEndpoint: () => ({ type: "phone_number", phoneNumber: data.number }),
      }),
    getAgentConnection: () => live({ getType: () => "agent", getEndpoint: () => null }),
    getInitiationMethod: () => live("inbound"),
    isInbound: () => live(data.inbound),
  } as unknown as CcpContact;
  for (const name of [
    "onRefresh",
    "onIncoming",
    "onPending",
    "onConnecting",
    "onConnected",
    "onAccepted",
    "onMissed",
    "onEnded",
    "onDestroy",
  ]) {
    (contact as unknown as Record<string, unknown>)[name] = on(name);
  }
  return { contact, data, fire: (name: string) => call(handlers, name, contact) };
}

function fakeConnect() {
  const handlers: Handlers = {};
  const on = registrar(handlers);
  const agentHandlers: Handlers = {};
  const onAgent = registrar(agentHandlers);
  const contacts: CcpContact[] = [];
  const dials: { endpoint: unknown; params: Record<string, unknown> }[] = [];
  const agent = {
    getState: () => ({ name: "Available", type: "routable", startTimestamp: new Date(1_000) }),
    getConfiguration: () => ({
      agentARN: "arn:agent",
      username: "nora.quist",
      routingProfile: { queues: [{ name: "Billing", queueARN: "arn:billing" }] },
    }),
    getContacts: () => contacts,
    connect: (endpoint: unknown, params: Record<string, unknown>) => dials.push({ endpoint, params }),
  } as unknown as CcpAgent;
  for (const name of [
    "onRefresh",
    "onStateChange",
    "onRoutable",
    "onNotRoutable",
    "onOffline",
    "onError",
    "onAfterCallWork",
    "onSoftphoneError",
  ]) {
    (agent as unknown as Record<string, unknown>)[name] = onAgent(name);
  }
  const initCCP = vi.fn();
  const connect = {
    core: {
      initCCP,
      getEventBus: () => ({ subscribe: (event: string, handler: () => void) => on(event)(handler) }),
      onInitialized: on("init"),
      onAccessDenied: on("denied"),
      onAuthFail: on("auth_fail"),
      onIframeRetriesExhausted: on("exhausted"),
      onViewContact: on("view"),
    },
    EventType: { ACK_TIMEOUT: "ack_timeout", TERMINATED: "terminated" },
    MasterTopics: { SOFTPHONE: "softphone" },
    agent: on("agent"),
    contact: on("contact"),
    ifMaster: (_topic: string, yes: () => void) => yes(),
    Endpoint: { byPhoneNumber: (phoneNumber: string) => ({ type: "phone_number", phoneNumber }) },
  } as unknown as Connect;
  const fire = (name: string, value?: unknown) => call(handlers, name, value);
  const fireAgent = (name: string, value?: unknown) => call(agentHandlers, name, value);
  /** Settles the last dial. */
  const answer = (how: "success" | "failure", value?: unknown) => {
    const callback = dials.at(-1)?.params[how] as ((value?: unknown) => void) | undefined;
    callback?.(value);
  };
  return { connect, agent, contacts, dials, initCCP, fire, fireAgent, answer };
}

async function started(library = fakeConnect()) {
  const happened: PhoneEvent[] = [];
  const trouble: string[] = [];
  const closed = vi.fn();
  const opened = vi.fn(() => ({ close: closed }));
  const phone = streams({
    ccpUrl: "http://ccp.example/ccp-v2/",
    region: "us-east-1",
    log: silent,
    load: () => Promise.resolve(library.connect),
    open: opened,
  });
  phone.start(document.createElement("div"), {
    happened: (event) => happened.push(event),
    changed: () => undefined,
    trouble: (code) => trouble.push(code),
  });
  await vi.advanceTimersByTimeAsync(0);
  const told = () => happened.map(({ source, event }) => `${source}.${event}`);
  return { phone, happened, told, trouble, library, opened, closed };
}

async function ready() {
  const all = await started();
  all.library.fire("init");
  all.library.fire("agent", all.library.agent);
  await vi.advanceTimersByTimeAsync(0);
  return all;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the state of the softphone", () => {
  it("goes from starting over waiting to ready", async () => {
    const { phone, library } = await started();
    expect(phone.facts().state).toBe("starting");
    library.fire("init");
    expect(phone.facts().state).toBe("waiting");
    library.fire("agent", library.agent);
    expect(phone.facts()).toMatchObject({
      state: "ready",
      audioOwner: true,
      agent: { id: "arn:agent", login: "nora.quist", state: "Available", since: 1_000 },
    });
  });

  it.each([
    ["ack_timeout", "needs_sign_in"],
    ["auth_fail", "needs_sign_in"],
    ["denied", "denied"],
    ["terminated", "terminated"],
    ["exhausted", "unreachable"],
  ])("after %s is %s", async (event, state) => {
    const { phone, library } = await started();
    library.fire(event);
    expect(phone.facts().state).toBe(state);
  });

  it("is failed when the library does not load, and nothing throws", async () => {
    const phone = streams({
      ccpUrl: "http://ccp.example/",
      region: "x",
      log: silent,
      load: () => Promise.reject(new Error("offline")),
    });
    phone.start(document.createElement("div"), {
      happened: () => undefined,
      changed: () => undefined,
      trouble: () => undefined,
    });
    await vi.advanceTimersByTimeAsync(0);
    expect(phone.facts().state).toBe("failed");
  });

  it("is ready again when an update follows a sign-out", async () => {
    const { phone, library } = await ready();
    library.fire("terminated");
    expect(phone.facts().state).toBe("terminated");
    library.fireAgent("onRefresh", library.agent);
    expect(phone.facts().state).toBe("ready");
  });

  it("opens no window by itself, one on a click, and closes it once signed in", async () => {
    const { phone, library, opened, closed } = await started();
    expect(library.initCCP.mock.calls[0]?.[1]).toMatchObject({ loginPopup: false });
    library.fire("ack_timeout");
    expect(opened).not.toHaveBeenCalled();
    expect(phone.signIn()).toBe(true);
    library.fire("init");
    expect(closed).toHaveBeenCalled();
  });
});

describe("contacts", () => {
  it("are told in our words, with the state's time and a snapshot", async () => {
    const { happened, library } = await ready();
    const call = fakeContact();
    library.fire("contact", call.contact);
    call.fire("onConnecting");
    expect(happened.at(-1)).toEqual({
      source: "voice_contact",
      event: "connecting",
      contact: "c-1",
      stateAt: 5_000,
      snapshot: {
        id: "c-1",
        channel: "voice",
        state: "connecting",
        since: 5_000,
        direction: "inbound",
        initiation: "inbound",
        queue: "Sales",
        customer: "+12025550143",
        attributes: { language: "en" },
        is_monitor: false,
      },
    });
  });

  it("are told once, however often the library shows them", async () => {
    const { told, library } = await ready();
    const call = fakeContact();
    library.contacts.push(call.contact);
    library.fireAgent("onRefresh", library.agent);
    library.fire("contact", call.contact);
    call.fire("onConnecting");
    expect(told().filter((event) => event === "voice_contact.connecting")).toHaveLength(1);
  });

  it("that were there when the page loaded are marked so", async () => {
    const { phone, library } = await started();
    library.contacts.push(fakeContact().contact);
    library.fire("init");
    library.fire("agent", library.agent);
    expect(phone.facts().contacts[0]?.initial).toBe(true);
  });

  it("keep what was known when they have gone, and have no time then", async () => {
    const { phone, happened, library } = await ready();
    const call = fakeContact();
    library.fire("contact", call.contact);
    call.data.gone = true;
    call.fire("onDestroy");
    const last = happened.at(-1);
    expect(last).toMatchObject({ event: "destroy", snapshot: { customer: "+12025550143", queue: "Sales" } });
    expect(last?.stateAt).toBeUndefined();
    expect(phone.facts().contacts).toEqual([]);
  });

  it.each([
    ["queue_callback", "callback_contact"],
    ["chat", "chat_contact"],
    ["task", "task_contact"],
  ])("of type %s are events of %s", async (type, source) => {
    const { happened, library } = await ready();
    const call = fakeContact({ type });
    library.fire("contact", call.contact);
    call.fire("onConnected");
    expect(happened.at(-1)?.source).toBe(source);
  });

  it("of a kind we do not know are left alone", async () => {
    const { phone, library } = await ready();
    library.fire("contact", fakeContact({ type: "hologram" }).contact);
    expect(phone.facts().contacts).toEqual([]);
  });

  it("without queue, number or time still have a snapshot", async () => {
    const { happened, library } = await ready();
    const call = fakeContact({ queue: undefined, number: null, since: undefined, attributes: {} });
    library.fire("contact", call.contact);
    call.fire("onIncoming");
    expect(happened.at(-1)?.snapshot).toMatchObject({ id: "c-1", state: "connecting", attributes: {} });
  });

  it("brought into view become the selected one", async () => {
    const { phone, library } = await ready();
    library.fire("contact", fakeContact().contact);
    library.fire("view", { contactId: "c-1" });
    expect(phone.facts().selected).toBe("c-1");
    library.fire("view", null);
    expect(phone.facts().selected).toBeUndefined();
  });
});

describe("dialling", () => {
  it("goes through the agent, with the queue's address, and finds the new contact", async () => {
    const { phone, library } = await ready();
    const dialled = phone.dial({ number: "+12025550147", queue: "Billing" }, 15_000);
    expect(library.dials[0]).toMatchObject({
      endpoint: { phoneNumber: "+12025550147" },
      params: { queueARN: "arn:billing", timeout: 15_000 },
    });
    library.answer("success");
    library.fire("contact", fakeContact({ id: "c-2", inbound: false }).contact);
    await vi.advanceTimersByTimeAsync(100);
    await expect(dialled).resolves.toEqual({ contactId: "c-2" });
  });

  it("that is refused says the kind and never the number", async () => {
    const { phone, library } = await ready();
    const dialled = phone.dial({ number: "+12025550147" }, 15_000);
    library.answer("failure", '{"type":"BadEndpointException","message":"+12025550147"}');
    await expect(dialled).rejects.toMatchObject({ code: "phone.refused", message: "BadEndpointException" });
  });

  it("that is never answered ends at its deadline", async () => {
    const { phone } = await ready();
    const dialled = expect(phone.dial({ number: "+12025550147" }, 15_000)).rejects.toMatchObject({
      code: "phone.timeout",
    });
    await vi.advanceTimersByTimeAsync(15_000);
    await dialled;
  });

  it.each([["javascript:alert(1)"], ["+1 202"], [""], ["+"]])(
    "does not take %j for a number",
    async (number) => {
      const { phone, library } = await ready();
      await expect(phone.dial({ number }, 15_000)).rejects.toMatchObject({ code: "phone.bad_number" });
      expect(library.dials).toHaveLength(0);
    },
  );

  it("needs a softphone that is ready and a queue that exists", async () => {
    const early = await started();
    await expect(early.phone.dial({ number: "+12025550147" }, 1_000)).rejects.toMatchObject({
      code: "phone.not_ready",
    });
    const { phone } = await ready();
    const dialled = phone.dial({ number: "+12025550147", queue: "Nowhere" }, 1_000);
    await expect(dialled).rejects.toMatchObject({ code: "phone.unknown_queue" });
  });
});

describe("the agent", () => {
  it("is told with state and time", async () => {
    const { happened, library } = await ready();
    library.fireAgent("onStateChange", { oldState: "Available", newState: "Lunch" });
    expect(happened.at(-1)).toEqual({
      source: "agent",
      event: "state_change",
      stateAt: 1_000,
      payload: {
        id: "arn:agent",
        login: "nora.quist",
        state: "Available",
        old_state: "Available",
        new_state: "Lunch",
      },
    });
  });

  it("hears of trouble with the sound", async () => {
    const { trouble, library } = await ready();
    library.fireAgent("onSoftphoneError", { errorType: "microphone_not_shared" });
    expect(trouble).toEqual(["phone.softphone_error"]);
  });
});
