/**
 * Signing in from inside a frame (design/agent-sessions.md §1).
 *
 * The frame keeps a verifier; the window that goes through the provider carries only the attempt. A message from
 * that window, or asking once a second, tells that it is done; the frame then redeems attempt and verifier, and the
 * cookie comes with that answer, into the frame's own partition.
 */
import { randomToken } from "./memory";

export interface SignedIn {
  id: string;
  name: string;
}

export type SignInState =
  | { is: "checking" }
  | { is: "signed_out" }
  /** A window is open; `closed` once it looks closed, which providers can make it look. */
  | { is: "waiting"; closed: boolean }
  | { is: "blocked" }
  | { is: "failed"; code: string; detail: string }
  | { is: "unreachable" }
  | { is: "signed_in"; agent: SignedIn };

export interface SignInOptions {
  /** `/v1/workspaces/<ws>/agent` */
  base: string;
  changed(state: SignInState): void;
  view?: Window;
  fetch?: typeof fetch;
}

interface Attempt {
  id: string;
  verifier: string;
  window: Window;
  until: number;
  /** The server was asked to redeem it. */
  redeeming: boolean;
}

/** A dead network swallows a question without an error. */
const ANSWER_WITHIN_MS = 10_000;
const ATTEMPT_LASTS_MS = 10 * 60_000;
const HEADERS = { "x-tieline-panel": "1", "content-type": "application/json" };

export class SignIn {
  private attempt: Attempt | null = null;
  private poll: ReturnType<typeof setTimeout> | undefined;
  private asking: Attempt | null = null;
  state: SignInState = { is: "checking" };

  private readonly view: Window;
  private readonly fetch: typeof fetch;

  constructor(private readonly options: SignInOptions) {
    this.view = options.view ?? window;
    this.fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.view.addEventListener("message", (event) => this.message(event));
  }

  private set(state: SignInState): void {
    this.state = state;
    this.options.changed(state);
  }

  /** Whether the cookie of an earlier sign-in still holds. */
  async check(): Promise<void> {
    this.set({ is: "checking" });
    const answer = await this.request("GET", "session");
    if (answer === null) this.set({ is: "unreachable" });
    else if (answer.status === 200) this.signedIn(answer.body);
    else if (answer.status === 401) this.set({ is: "signed_out" });
    else this.set(problem(answer));
  }

  /** The server said that the session is over. */
  over(): void {
    if (!this.attempt) this.set({ is: "signed_out" });
  }

  /** Call it inside a click: the window must open while the browser still sees the person act. */
  begin(): void {
    const opened = this.view.open("about:blank", "tieline-sign-in", "popup,width=480,height=640");
    if (!opened) {
      this.set({ is: "blocked" });
      return;
    }
    this.stop();
    const attempt: Attempt = {
      id: randomToken(),
      verifier: randomToken() + randomToken(),
      window: opened,
      until: Date.now() + ATTEMPT_LASTS_MS,
      redeeming: false,
    };
    this.attempt = attempt;
    this.set({ is: "waiting", closed: false });
    void this.send(attempt);
  }

  /** False when the server did not end the session: it still holds, whatever a page would show. */
  async signOut(): Promise<boolean> {
    // Who signs out leaves: the request must outlive the page.
    const answer = await this.request("DELETE", "session", undefined, true);
    if (answer === null || (answer.status >= 300 && answer.status !== 401)) return false;
    this.stop();
    this.set({ is: "signed_out" });
    return true;
  }

  private async send(attempt: Attempt): Promise<void> {
    const challenge = await challengeOf(attempt.verifier);
    const answer = await this.request("POST", "attempts", { attempt: attempt.id, challenge });
    if (this.attempt !== attempt) return;
    const start = answer?.status === 201 ? startAddress(answer.body, this.view) : null;
    if (!start) {
      attempt.window.close();
      this.stop();
      this.set(answer === null ? { is: "unreachable" } : problem(answer));
      return;
    }
    attempt.window.location.replace(start);
    this.schedule();
  }

  private schedule(): void {
    clearTimeout(this.poll);
    this.poll = setTimeout(() => void this.ask(), 1_000);
  }

  private message(event: MessageEvent): void {
    const { attempt } = this;
    if (!attempt || event.origin !== this.view.location.origin || event.source !== attempt.window) return;
    const data = event.data as { type?: unknown; attempt?: unknown } | null;
    if (data?.type === "tieline.sign-in" && data.attempt === attempt.id) void this.ask();
  }

  private async ask(): Promise<void> {
    const { attempt } = this;
    if (!attempt || this.asking === attempt) return;
    // Until it is redeemed too: the server forgets an attempt with that, and would say to a second question that
    // there was none.
    this.asking = attempt;
    await this.follow(attempt);
    if (this.asking === attempt) this.asking = null;
  }

  private async follow(attempt: Attempt): Promise<void> {
    const answer = await this.request("GET", `attempts/${encodeURIComponent(attempt.id)}`);
    if (this.attempt !== attempt) return;
    const body = answer?.body as { state?: unknown; problem?: unknown } | null | undefined;
    if (body?.state === "done") {
      await this.redeem(attempt);
    } else if (answer?.status === 404 && attempt.redeeming) {
      // Redeemed, and the answer was lost on its way: then the cookie tells.
      attempt.window.close();
      this.stop();
      await this.check();
    } else if (
      body?.state === "failed" ||
      (answer !== null && answer.status === 404) ||
      Date.now() > attempt.until
    ) {
      attempt.window.close();
      this.stop();
      this.set({ is: "failed", ...explain(body?.problem) });
    } else {
      const closed = attempt.window.closed;
      if (this.state.is === "waiting" && this.state.closed !== closed) this.set({ is: "waiting", closed });
      this.schedule();
    }
  }

  private async redeem(attempt: Attempt): Promise<void> {
    attempt.redeeming = true;
    const answer = await this.request("POST", "session", { attempt: attempt.id, verifier: attempt.verifier });
    if (this.attempt !== attempt) return;
    if (answer === null) {
      // The attempt stays good on the server; the next question redeems it.
      this.schedule();
      return;
    }
    attempt.window.close();
    this.stop();
    if (answer.status === 200 || answer.status === 201) this.signedIn(answer.body);
    else this.set(problem(answer));
  }

  private signedIn(body: unknown): void {
    const agent = (body as { agent?: { id?: unknown; name?: unknown } } | null)?.agent;
    if (typeof agent?.id === "string") {
      this.set({
        is: "signed_in",
        agent: { id: agent.id, name: typeof agent.name === "string" ? agent.name : agent.id },
      });
    } else {
      this.set({ is: "failed", code: "sign_in.malformed", detail: "the server's answer names no agent" });
    }
  }

  private stop(): void {
    clearTimeout(this.poll);
    this.attempt = null;
  }

  /** Null when the server cannot be reached. */
  private async request(
    method: string,
    path: string,
    body?: unknown,
    keepalive = false,
  ): Promise<Answer | null> {
    try {
      const response = await this.fetch(`${this.options.base}/${path}`, {
        method,
        headers: HEADERS,
        credentials: "same-origin",
        cache: "no-store",
        keepalive,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (response.status >= 502 && response.status <= 504) return null;
      return { status: response.status, body: await response.json().catch(() => null) };
    } catch {
      return null;
    }
  }

  /** For the agent socket. */
  async ticket(): Promise<{ ticket: string } | { refused: "signed_out" | "unreachable" }> {
    const answer = await this.request("POST", "tickets", {});
    if (answer?.status === 401) return { refused: "signed_out" };
    const ticket = (answer?.body as { ticket?: unknown } | null | undefined)?.ticket;
    return answer && answer.status < 300 && typeof ticket === "string"
      ? { ticket }
      : { refused: "unreachable" };
  }
}

interface Answer {
  status: number;
  body: unknown;
}

async function challengeOf(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Where the window goes: our server's own start page, which may know itself by another name than ours. */
function startAddress(body: unknown, view: Window): string | null {
  const start = (body as { start_url?: unknown } | null)?.start_url;
  if (typeof start !== "string") return null;
  try {
    const url = new URL(start, view.location.href);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

function problem(answer: Answer): SignInState {
  return { is: "failed", ...explain(answer.body) };
}

function explain(body: unknown): { code: string; detail: string } {
  const known = body as { code?: unknown; detail?: unknown; title?: unknown } | string | null | undefined;
  if (typeof known === "string") return { code: "sign_in.failed", detail: known };
  const detail = known?.detail ?? known?.title;
  return {
    code: typeof known?.code === "string" ? known.code : "sign_in.failed",
    detail: typeof detail === "string" ? detail : "",
  };
}
