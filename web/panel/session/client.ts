/**
 * Carries out what the state machine says: sockets, fetches, timers, and the two places a page can act in.
 *
 * Nothing is decided here. What a command does is `perform.ts`'s business.
 */
import { SUBPROTOCOL } from "../../shared/protocol";
import type { Log } from "../log";
import type { Effect, Input, Session } from "./machine";

export interface Transport {
  /** A ticket, or why there is none. */
  ticket(): Promise<{ ticket: string } | { refused: "signed_out" | "unreachable" }>;
  /** Address of the agent socket. */
  socketUrl: string;
  /** `new WebSocket`, replaced in tests. */
  socket?: (url: string, protocol: string) => WebSocket;
}

export interface ClientOptions {
  session: Session;
  transport: Transport;
  log: Log;
  /** Every effect that is not the transport's. */
  act(effect: Effect): void;
  now?: () => number;
}

/** A clock that stands still where the machine's is put back: pauses must not grow by that. */
function steady(clock: () => number): () => number {
  let last = Number.NEGATIVE_INFINITY;
  let added = 0;
  return () => {
    const at = clock() + added;
    if (at < last) added += last - at;
    last = Math.max(last, at);
    return last;
  };
}

export class Client {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly now: () => number;

  constructor(private readonly options: ClientOptions) {
    this.now = options.now ?? steady(Date.now);
  }

  input(input: Input): void {
    const { session } = this.options;
    for (const effect of session.handle(this.now(), input)) this.carryOut(effect);
    clearTimeout(this.timer);
    const at = session.wakeAt();
    if (at !== null)
      this.timer = setTimeout(() => this.input({ type: "wake" }), Math.max(0, at - this.now()) + 1);
  }

  private carryOut(effect: Effect): void {
    switch (effect.do) {
      case "ticket":
        void this.fetchTicket();
        return;
      case "open":
        this.open();
        return;
      case "close":
        this.drop();
        return;
      case "send":
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(effect.frame));
        return;
      default:
        this.options.act(effect);
    }
  }

  private async fetchTicket(): Promise<void> {
    const answer = await this.options.transport.ticket().catch(() => ({ refused: "unreachable" as const }));
    if ("ticket" in answer) this.input({ type: "ticket", ticket: answer.ticket });
    else this.input({ type: "ticket_failed", why: answer.refused });
  }

  private open(): void {
    this.drop();
    const { transport, log } = this.options;
    const make = transport.socket ?? ((url: string, protocol: string) => new WebSocket(url, protocol));
    let socket: WebSocket;
    try {
      socket = make(transport.socketUrl, SUBPROTOCOL);
    } catch {
      log.warn("the agent socket could not be opened");
      // Not from inside `handle`, which is still listing its effects.
      queueMicrotask(() => this.input({ type: "socket_closed" }));
      return;
    }
    this.socket = socket;
    const mine = () => this.socket === socket;
    socket.onopen = () => {
      if (mine()) this.input({ type: "socket_open" });
    };
    socket.onmessage = (message) => {
      if (mine() && typeof message.data === "string") this.input({ type: "frame", text: message.data });
    };
    socket.onclose = () => {
      if (!mine()) return;
      this.socket = null;
      this.input({ type: "socket_closed" });
    };
  }

  private drop(): void {
    const { socket } = this;
    this.socket = null;
    socket?.close(1000);
  }
}
