/**
 * Between the softphone library in the framing page and the sandbox's server, which speaks
 * the library's protocol; this file only carries messages and makes dates of dates.
 */
import { type AgentData, revive } from "./snapshot";

/** What the server wants to hear of the library. The rest (logs, style reports) stays here. */
const CARRIED = new Set([
  "synchronize",
  "api_request",
  "master_request",
  "broadcast",
  "reload_agent_configuration",
  "tab_id",
  "terminate",
]);

/** A CCP that was reloaded alone asks for the settings it has missed after this. */
const ASK_FOR_SETTINGS_AFTER_MS = 1000;
const REFRESH_EVERY_MS = 30_000;

export interface Choice {
  login: string;
  name: string;
}

export interface Listener {
  hello(agent: Choice): void;
  choose(agents: Choice[]): void;
  agent(data: AgentData): void;
  lost(): void;
  signedOut(): void;
}

type FromServer =
  | { t: "hello"; agent: Choice }
  | { t: "choose"; agents: Choice[] }
  | { t: "agent"; forward: boolean; data: AgentData }
  | { t: "down"; event: string; data: unknown }
  | { t: "answer"; n: number; data: unknown; err: string | null };

export class Relay {
  private socket: WebSocket | null = null;
  private login: string | null;
  private configured = false;
  private calls = new Map<number, (err: string | null) => void>();
  private count = 0;
  private wait = 200;

  constructor(
    login: string | null,
    private readonly listener: Listener,
  ) {
    this.login = login;
    window.addEventListener("message", (message) => this.hear(message));
    setInterval(() => this.send({ t: "refresh" }), REFRESH_EVERY_MS);
    setTimeout(() => {
      if (!this.configured) this.tell("request_configure", null);
    }, ASK_FOR_SETTINGS_AFTER_MS);
    this.open();
  }

  /** Goes on as another agent; nobody (an empty login) asks the server who there is. */
  become(login: string): void {
    this.login = login;
    this.open();
  }

  /** One call of the agent API for the page's own buttons; the message of a refusal, or null. */
  call(method: string, params: unknown): Promise<string | null> {
    const n = ++this.count;
    return new Promise((settle) => {
      this.calls.set(n, settle);
      this.send({ t: "call", n, method, params });
    });
  }

  private open(): void {
    const before = this.socket;
    this.socket = null;
    before?.close();
    const address = new URL("/ccp-v2/api/socket", window.location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    if (this.login !== null) address.searchParams.set("agent", this.login);
    if (window.parent === window) address.searchParams.set("window", "true");
    const socket = new WebSocket(address);
    this.socket = socket;
    let chosen = true;
    socket.onmessage = (message) => {
      if (this.socket !== socket) return;
      this.wait = 200;
      const said = JSON.parse(message.data as string, revive) as FromServer;
      if (said.t === "choose") chosen = false;
      this.take(said);
    };
    socket.onclose = () => {
      if (this.socket !== socket || !chosen) return;
      this.listener.lost();
      setTimeout(() => this.socket === socket && this.open(), this.wait);
      this.wait = Math.min(this.wait * 2, 5000);
    };
  }

  private take(said: FromServer): void {
    switch (said.t) {
      case "hello":
        this.listener.hello(said.agent);
        break;
      case "choose":
        this.listener.choose(said.agents);
        break;
      case "agent": {
        const { snapshot } = said.data;
        snapshot.localTimestamp = Date.now();
        snapshot.skew = snapshot.snapshotTimestamp.getTime() - snapshot.localTimestamp;
        if (said.forward) this.tell("agent::update", said.data);
        this.listener.agent(said.data);
        break;
      }
      case "down":
        this.tell(said.event, said.data);
        if (said.event === "terminated") this.listener.signedOut();
        break;
      case "answer":
        this.calls.get(said.n)?.(said.err);
        this.calls.delete(said.n);
    }
  }

  /** From the library. Only from the window that frames us, and only from its origin. */
  private hear(message: MessageEvent): void {
    if (window.parent === window || message.source !== window.parent) return;
    if (PARENT_ORIGIN !== "*" && message.origin !== PARENT_ORIGIN) return;
    const { event, data } = (message.data ?? {}) as { event?: unknown; data?: unknown };
    if (event === "configure") this.configured = true;
    if (typeof event === "string" && CARRIED.has(event)) this.send({ t: "up", event, data });
  }

  private tell(event: string, data: unknown): void {
    if (window.parent !== window) window.parent.postMessage({ event, data }, PARENT_ORIGIN);
  }

  private send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

/** Who frames us. The server's `frame-ancestors` has allowed it; Firefox knows it by the referrer only. */
const PARENT_ORIGIN = parentOrigin();

function parentOrigin(): string {
  const ancestor = window.location.ancestorOrigins?.[0];
  if (ancestor) return ancestor;
  return document.referrer ? new URL(document.referrer).origin : "*";
}
