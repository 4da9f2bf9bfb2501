/**
 * The part of amazon-connect-streams we use, and how it is loaded.
 *
 * The types are narrow on purpose: they say what we rely on, and a test can fulfil them. The library is the release
 * file from npm, byte for byte, loaded as a classic script: it defines the global `connect`, as its own
 * documentation has it, and a load that failed can be tried again, which a failed `import()` cannot.
 */
import address from "amazon-connect-streams/release/connect-streams-min.js?url";
import { attempt } from "./streamsContact";

export interface Connect {
  core: {
    initCCP(container: HTMLElement, params: Record<string, unknown>): void;
    getEventBus(): { subscribe(event: string, handler: (data?: unknown) => void): unknown };
    onInitialized(handler: () => void): unknown;
    onAccessDenied(handler: () => void): unknown;
    onAuthFail(handler: () => void): unknown;
    onIframeRetriesExhausted(handler: () => void): unknown;
    onViewContact(handler: (event: { contactId?: string } | null) => void): unknown;
  };
  EventType: Record<string, string>;
  MasterTopics: Record<string, string>;
  agent(handler: (agent: CcpAgent) => void): unknown;
  contact(handler: (contact: CcpContact) => void): unknown;
  ifMaster(topic: string, yes: () => void, no: () => void, dontBecome?: boolean): void;
  Endpoint: { byPhoneNumber(number: string): CcpEndpoint };
  getLog?(): { setEchoLevel?(level: string): void };
}

export interface CcpAgent {
  onRefresh(f: (agent: CcpAgent) => void): unknown;
  onStateChange(f: (change: { newState: string; oldState: string }) => void): unknown;
  onRoutable(f: () => void): unknown;
  onNotRoutable(f: () => void): unknown;
  onOffline(f: () => void): unknown;
  onError(f: () => void): unknown;
  onAfterCallWork(f: () => void): unknown;
  onSoftphoneError(f: (error: { errorType?: string; getErrorType?: () => string }) => void): unknown;
  getState(): { name: string; type: string; startTimestamp?: Date };
  getConfiguration(): {
    agentARN?: string;
    username?: string;
    name?: string;
    routingProfile?: { queues?: { name: string; queueARN?: string }[] };
  };
  getContacts(): CcpContact[];
  connect(endpoint: CcpEndpoint, params: Record<string, unknown>): void;
}

type ContactHandler = (f: (contact?: CcpContact) => void) => unknown;

export interface CcpContact {
  onRefresh: ContactHandler;
  onIncoming: ContactHandler;
  onPending: ContactHandler;
  onConnecting: ContactHandler;
  onConnected: ContactHandler;
  onAccepted: ContactHandler;
  onMissed: ContactHandler;
  onEnded: ContactHandler;
  onDestroy: ContactHandler;
  getContactId(): string;
  getType(): string;
  getStatus(): { type: string; timestamp?: Date };
  getQueue(): { name?: string } | null | undefined;
  getAttributes(): Record<string, { name: string; value: string } | undefined> | null | undefined;
  getInitialConnection(): CcpConnection | null | undefined;
  getAgentConnection(): CcpConnection | null | undefined;
  getInitiationMethod(): string | undefined;
  isInbound(): boolean;
}

export interface CcpConnection {
  getType(): string;
  getEndpoint(): CcpEndpoint | null | undefined;
}

export interface CcpEndpoint {
  type?: string;
  phoneNumber?: string | null;
}

/** Loads the library once per page; a failure is not remembered. */
export async function loadStreams(page: Document = document, timeoutMs = 20_000): Promise<Connect> {
  const there = (window as { connect?: Connect }).connect;
  if (there) return there;
  lendStorage("localStorage");
  lendStorage("sessionStorage");
  return new Promise((resolve, reject) => {
    const script = page.createElement("script");
    const timer = setTimeout(() => fail("the softphone library did not arrive in time"), timeoutMs);
    const fail = (why: string) => {
      clearTimeout(timer);
      script.remove();
      reject(new Error(why));
    };
    script.src = address;
    script.onload = () => {
      clearTimeout(timer);
      const loaded = (window as { connect?: Connect }).connect;
      if (loaded) resolve(loaded);
      else fail("the softphone library does not define connect");
    };
    script.onerror = () => fail("the softphone library could not be loaded");
    page.head.append(script);
  });
}

/** The library asks both storages without a net. Where the browser refuses them it gets one that forgets. */
function lendStorage(name: "localStorage" | "sessionStorage"): void {
  try {
    void window[name];
  } catch {
    const kept = new Map<string, string>();
    const value = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: unknown) => kept.set(key, String(text)),
      removeItem: (key: string) => kept.delete(key),
    };
    attempt(() => Object.defineProperty(window, name, { value }));
  }
}
