import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SignIn, type SignInState } from "./signIn";

interface Reply {
  status: number;
  body: unknown;
}

/** A server with one answer per `METHOD path`; the attempt's id is written `*`. */
function setting(answers: Record<string, Reply | Reply[] | "down"> = {}) {
  const requests: {
    name: string;
    body: Record<string, unknown> | null;
    headers: Record<string, string>;
    keepalive: boolean;
  }[] = [];
  const states: SignInState[] = [];
  const replace = vi.fn();
  const popup = { closed: false, close: vi.fn(), location: { replace } };
  const open = vi.fn<() => typeof popup | null>(() => popup);
  const listeners: ((event: unknown) => void)[] = [];
  const view = {
    open,
    location: { origin: "http://panel.example", href: "http://panel.example/panel/demo" },
    addEventListener: (_name: string, listener: (event: unknown) => void) => listeners.push(listener),
  } as unknown as Window;
  const fetched = async (url: unknown, init?: RequestInit): Promise<Response> => {
    const path = String(url)
      .replace("/v1/workspaces/demo/agent/", "")
      .replace(/[0-9a-f]{32}$/, "*");
    const name = `${init?.method} ${path}`;
    requests.push({
      name,
      body: init?.body ? JSON.parse(String(init.body)) : null,
      headers: init?.headers as Record<string, string>,
      keepalive: init?.keepalive ?? false,
    });
    const planned = answers[name];
    const reply = Array.isArray(planned) ? (planned.length > 1 ? planned.shift() : planned[0]) : planned;
    if (reply === "down") throw new TypeError("network");
    return new Response(JSON.stringify(reply?.body ?? {}), { status: reply?.status ?? 404 });
  };
  const signIn = new SignIn({
    base: "/v1/workspaces/demo/agent",
    changed: (state) => states.push(state),
    view,
    fetch: fetched as typeof fetch,
  });
  const message = (change: Record<string, unknown> = {}) => {
    const attempt = requests.find(({ name }) => name === "POST attempts")?.body?.attempt;
    const event = {
      origin: "http://panel.example",
      source: popup,
      data: { type: "tieline.sign-in", attempt },
      ...change,
    };
    for (const listener of listeners) listener(event);
  };
  const asked = (name: string) => requests.filter((request) => request.name === name).length;
  const keptAlive = () => requests.filter(({ keepalive }) => keepalive).map(({ name }) => name);
  return { signIn, requests, states, popup, open, replace, message, asked, keptAlive };
}

const started = { status: 201, body: { start_url: "http://panel.example/auth/start?attempt=x" } };
const pending = { status: 200, body: { state: "pending" } };
const done = { status: 200, body: { state: "done" } };
const session = {
  status: 200,
  body: { agent: { id: "005", name: "Nora Quist", email: "nora@example.com" } },
};

beforeEach(() => {
  // The digest of the challenge is not a timer; everything that is stands still.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets promises settle that wait for nothing but each other. */
async function settle() {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Clicks, and goes on once the attempt was answered: the challenge's digest takes as long as the machine lets it. */
async function begin(all: ReturnType<typeof setting>) {
  all.signIn.begin();
  while (all.asked("POST attempts") === 0) await new Promise((resolve) => setImmediate(resolve));
  await settle();
}

async function seconds(n: number) {
  for (let i = 0; i < n; i += 1) {
    vi.advanceTimersByTime(1_000);
    await settle();
  }
}

describe("an earlier sign-in", () => {
  it.each([
    [session, { is: "signed_in", agent: { id: "005", name: "Nora Quist" } }],
    [{ status: 401, body: {} }, { is: "signed_out" }],
    [{ status: 503, body: {} }, { is: "unreachable" }],
    ["down" as const, { is: "unreachable" }],
  ])("answered with %o is %o", async (reply, state) => {
    const { signIn, states } = setting({ "GET session": reply });
    await signIn.check();
    expect(states.at(-1)).toEqual(state);
  });
});

describe("signing in", () => {
  it("opens the window at once, sends only the attempt through it, and redeems with the verifier", async () => {
    const all = setting({
      "POST attempts": started,
      "GET attempts/*": [pending, done],
      "POST session": session,
    });
    const begun = begin(all);
    expect(all.open).toHaveBeenCalledTimes(1);
    await begun;
    expect(all.replace).toHaveBeenCalledWith("http://panel.example/auth/start?attempt=x");
    await seconds(2);
    expect(all.states.at(-1)).toMatchObject({ is: "signed_in" });

    const [attempt, redeemed] = ["POST attempts", "POST session"].map(
      (name) => all.requests.find((request) => request.name === name)?.body,
    );
    expect(Object.keys(attempt ?? {})).toEqual(["attempt", "challenge"]);
    expect(redeemed?.attempt).toBe(attempt?.attempt);
    const digest = await crypto.subtle.digest(
      "SHA-256",
      new TextEncoder().encode(String(redeemed?.verifier)),
    );
    expect(Buffer.from(digest).toString("base64url")).toBe(attempt?.challenge);
    expect(all.requests.every(({ headers }) => headers["x-tieline-panel"] === "1")).toBe(true);
    expect(all.popup.close).toHaveBeenCalled();
  });

  it("does not wait for the next second when the window says it is done", async () => {
    const all = setting({ "POST attempts": started, "GET attempts/*": done, "POST session": session });
    await begin(all);
    all.message();
    await settle();
    expect(all.states.at(-1)).toMatchObject({ is: "signed_in" });
  });

  it.each([
    ["another origin", { origin: "http://evil.example" }],
    ["another window", { source: {} }],
    ["another attempt", { data: { type: "tieline.sign-in", attempt: "forged" } }],
    ["another kind", { data: { type: "hello" } }],
    ["nothing", { data: null }],
  ])("does not listen to a message from %s", async (_what, change) => {
    const all = setting({ "POST attempts": started, "GET attempts/*": done, "POST session": session });
    await begin(all);
    all.message(change);
    await settle();
    expect(all.asked("GET attempts/*")).toBe(0);
  });

  it("says that the browser blocked the window, and asks the server for nothing", () => {
    const all = setting();
    all.open.mockReturnValue(null);
    all.signIn.begin();
    expect(all.states.at(-1)).toEqual({ is: "blocked" });
    expect(all.requests).toEqual([]);
  });

  it("goes on asking when the window looks closed, for a provider can make it look so", async () => {
    const all = setting({
      "POST attempts": started,
      "GET attempts/*": [pending, pending, done],
      "POST session": session,
    });
    await begin(all);
    all.popup.closed = true;
    await seconds(1);
    expect(all.states.at(-1)).toEqual({ is: "waiting", closed: true });
    await seconds(2);
    expect(all.states.at(-1)).toMatchObject({ is: "signed_in" });
  });

  it("tells what the provider or the server refused", async () => {
    const problem = {
      code: "sign_in.not_bound",
      detail: "no agent of the contact center belongs to this user",
    };
    const all = setting({
      "POST attempts": started,
      "GET attempts/*": { status: 200, body: { state: "failed", problem } },
    });
    await begin(all);
    await seconds(1);
    expect(all.states.at(-1)).toEqual({ is: "failed", ...problem });
  });

  it("goes nowhere but to a web address", async () => {
    const all = setting({ "POST attempts": { status: 201, body: { start_url: "javascript:alert(1)" } } });
    await begin(all);
    expect(all.replace).not.toHaveBeenCalled();
    expect(all.states.at(-1)).toMatchObject({ is: "failed" });
  });

  it("is not undone by a second question while it is redeemed, for the server forgets the attempt with that", async () => {
    const all = setting({
      "POST attempts": started,
      "GET attempts/*": [done, { status: 404, body: {} }],
      "POST session": session,
    });
    await begin(all);
    let redeem: (answer: Response) => void = () => undefined;
    const plain = (all.signIn as unknown as { fetch: typeof fetch }).fetch;
    (all.signIn as unknown as { fetch: typeof fetch }).fetch = (url, init) =>
      String(url).endsWith("/session")
        ? new Promise((resolve) => {
            redeem = resolve;
          })
        : plain(url, init);
    await seconds(1);
    all.message();
    await seconds(2);
    redeem(new Response(JSON.stringify(session.body), { status: 200 }));
    await settle();
    expect(all.states.at(-1)).toMatchObject({ is: "signed_in" });
    expect(all.states.filter(({ is }) => is === "failed")).toEqual([]);
    expect(all.asked("GET attempts/*")).toBe(1);
  });

  it("finds the session when the answer to redeeming was lost on its way", async () => {
    const all = setting({
      "POST attempts": started,
      "GET attempts/*": [done, { status: 404, body: {} }],
      "POST session": "down",
      "GET session": session,
    });
    await begin(all);
    await seconds(3);
    expect(all.states.at(-1)).toMatchObject({ is: "signed_in" });
  });

  it("tries to redeem again when the network failed at that moment", async () => {
    const all = setting({ "POST attempts": started, "GET attempts/*": done });
    const answers = [
      () => Promise.reject(new TypeError("network")),
      () => Promise.resolve(new Response(JSON.stringify(session.body), { status: 200 })),
    ];
    const plain = (all.signIn as unknown as { fetch: typeof fetch }).fetch;
    (all.signIn as unknown as { fetch: typeof fetch }).fetch = (url, init) =>
      String(url).endsWith("/session")
        ? (answers.shift() ?? answers[0] ?? (() => plain(url, init)))()
        : plain(url, init);
    await begin(all);
    await seconds(3);
    expect(all.states.at(-1)).toMatchObject({ is: "signed_in" });
  });
});

describe("a ticket", () => {
  it.each([
    [{ status: 201, body: { ticket: "t-1" } }, { ticket: "t-1" }],
    [{ status: 401, body: {} }, { refused: "signed_out" }],
    [{ status: 500, body: {} }, { refused: "unreachable" }],
    ["down" as const, { refused: "unreachable" }],
  ])("answered with %o is %o", async (reply, expected) => {
    const { signIn } = setting({ "POST tickets": reply });
    expect(await signIn.ticket()).toEqual(expected);
  });
});

describe("signing out", () => {
  it.each([
    ["ended", { status: 200, body: {} }],
    ["over already", { status: 401, body: {} }],
  ])("is done once the server has the session %s", async (_, reply) => {
    const { signIn, states, keptAlive } = setting({ "DELETE session": reply });
    expect(await signIn.signOut()).toBe(true);
    expect(states).toEqual([{ is: "signed_out" }]);
    expect(keptAlive()).toEqual(["DELETE session"]);
  });

  it.each(["down" as const, { status: 503, body: {} }, { status: 500, body: {} }])(
    "is not claimed while the session holds",
    async (reply) => {
      const { signIn, states } = setting({ "DELETE session": reply });
      expect(await signIn.signOut()).toBe(false);
      expect(states).toEqual([]);
    },
  );
});
