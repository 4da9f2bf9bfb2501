/**
 * Amazon Connect's softphone, by amazon-connect-streams.
 *
 * The library puts the vendor's own page into a frame and tells what happens there; call control never passes
 * through us. We subscribe before the first update, because new contacts are not told again to late listeners, and
 * enumerate once the agent is known. Whatever the library throws stays here.
 *
 * Streams `Documentation.md` of release 2.28.2, read 2026-11-20.
 */
import type { Contact } from "../../shared/protocol";
import type { Log } from "../log";
import { type CcpAgent, type CcpContact, type Connect, loadStreams } from "./connect";
import {
  type DialRequest,
  type DialResult,
  type Phone,
  PhoneError,
  type PhoneEvents,
  type PhoneFacts,
} from "./phone";
import { agentOf, attempt, snapshotOf, sourceOf } from "./streamsContact";

export interface StreamsOptions {
  ccpUrl: string;
  region: string;
  log: Log;
  load?: () => Promise<Connect>;
  /** `window.open`, replaced in tests. */
  open?: (url: string, name: string, features: string) => { close(): void } | null;
}

const LOAD_TIMEOUT_MS = 5_000;
/** How long after a successful dial its contact may take to show. */
const CONTACT_SHOWS_MS = 1_000;

export function streams(options: StreamsOptions): Phone {
  const { log } = options;
  const load = options.load ?? loadStreams;
  const open = options.open ?? ((url, name, features) => window.open(url, name, features));

  let events: PhoneEvents | null = null;
  let connect: Connect | null = null;
  let agent: CcpAgent | null = null;
  let signInWindow: { close(): void } | null = null;
  let facts: PhoneFacts = { state: "starting", audioOwner: false, contacts: [] };
  /** True during the update that introduced the agent: its contacts were there before us. */
  let introducing = false;
  const contacts = new Map<string, Contact>();
  const known = new Set<string>();

  function set(change: Partial<PhoneFacts>): void {
    const next = { ...facts, ...change, contacts: [...contacts.values()].sort((a, b) => a.since - b.since) };
    if (JSON.stringify(next) === JSON.stringify(facts)) return;
    facts = next;
    events?.changed();
  }

  function run(container: HTMLElement, library: Connect): void {
    connect = library;
    attempt(() => library.getLog?.().setEchoLevel?.("ERROR"));
    library.core.initCCP(container, {
      ccpUrl: options.ccpUrl,
      region: options.region,
      // The window opens on the agent's click, in `signIn`, or the browser would block it.
      loginPopup: false,
      ccpLoadTimeout: LOAD_TIMEOUT_MS,
      softphone: { allowFramedSoftphone: true },
      pageOptions: { enableAudioDeviceSettings: true, enablePhoneTypeSettings: true },
      iframeTitle: "Softphone",
      // The frame must not fall back to asking for storage: it would be navigated away from the softphone.
      storageAccess: { canRequest: false },
    });
    // The library makes its event bus inside initCCP, and nothing arrives before this function has ended.
    const bus = library.core.getEventBus();
    library.core.onInitialized(() => {
      closeSignIn();
      if (facts.state !== "ready") set({ state: "waiting" });
      askAudio();
    });
    bus.subscribe(library.EventType.ACK_TIMEOUT ?? "ack_timeout", () => {
      // It means that the frame took long to load. Who was heard of since is there all the same.
      if (facts.state !== "ready") needsSignIn();
    });
    bus.subscribe(library.EventType.TERMINATED ?? "terminated", () => gone("terminated"));
    library.core.onAuthFail(() => needsSignIn());
    library.core.onAccessDenied(() => gone("denied"));
    library.core.onIframeRetriesExhausted(() => {
      if (facts.state !== "ready") set({ state: "unreachable" });
    });
    library.core.onViewContact((event) => {
      const id = event?.contactId;
      set({ selected: id || undefined });
      const snapshot = id ? contacts.get(id) : undefined;
      if (snapshot?.channel === "chat") {
        events?.happened({ source: "chat_contact", event: "view_contact", contact: snapshot.id, snapshot });
      }
    });
    library.contact((contact) => follow(contact, introducing));
    library.agent((found) => introduce(found));
  }

  function needsSignIn(): void {
    if (facts.state === "denied") return;
    agent = null;
    set({ state: "needs_sign_in" });
  }

  function gone(state: "terminated" | "denied"): void {
    agent = null;
    set({ state });
  }

  function introduce(found: CcpAgent): void {
    introducing = true;
    setTimeout(() => {
      introducing = false;
    }, 0);
    arrived(found);
    tellAgent("init");
    found.onRefresh((refreshed) => {
      arrived(refreshed ?? found);
      for (const contact of attempt(() => found.getContacts()) ?? []) follow(contact, false);
      tellAgent("refresh");
    });
    found.onStateChange((change) => {
      set({ agent: agentOf(found) });
      tellAgent("state_change", { old_state: change.oldState, new_state: change.newState });
    });
    found.onRoutable(() => tellAgent("routable"));
    found.onNotRoutable(() => tellAgent("not_routable"));
    found.onOffline(() => tellAgent("offline"));
    found.onError(() => tellAgent("error"));
    found.onAfterCallWork(() => tellAgent("after_contact_work"));
    found.onSoftphoneError((error) => {
      const kind = error?.errorType ?? attempt(() => error?.getErrorType?.()) ?? "other";
      events?.trouble("phone.softphone_error", String(kind));
    });
    for (const contact of attempt(() => found.getContacts()) ?? []) follow(contact, true);
  }

  function closeSignIn(): void {
    signInWindow?.close();
    signInWindow = null;
  }

  function arrived(found: CcpAgent): void {
    agent = found;
    // The library says only once that it is initialised; whoever was signed out comes back without it.
    if (facts.state !== "ready") closeSignIn();
    // An update is the proof that somebody is signed in, also after the softphone had been signed out.
    set({ state: "ready", agent: agentOf(found) });
  }

  function tellAgent(event: string, payload?: Record<string, unknown>): void {
    const who = agent ? agentOf(agent) : undefined;
    const at = event === "refresh" || event === "init" ? undefined : who?.since;
    events?.happened({
      source: "agent",
      event,
      ...(at === undefined ? {} : { stateAt: at }),
      payload: { ...(who ? { id: who.id, login: who.login, state: who.state ?? null } : {}), ...payload },
    });
  }

  function follow(contact: CcpContact, initial: boolean): void {
    const source = sourceOf(contact);
    const id = attempt(() => contact.getContactId());
    if (!source || !id || known.has(id)) return;
    known.add(id);

    const look = (seen: CcpContact | undefined): Contact | null => {
      const snapshot = snapshotOf(seen ?? contact, initial, contacts.get(id));
      if (snapshot) contacts.set(id, snapshot);
      return snapshot;
    };
    const tell = (event: string, seen: CcpContact | undefined) => {
      const snapshot = look(seen);
      if (!snapshot) return;
      if (event === "destroy") {
        contacts.delete(id);
        known.delete(id);
      }
      set(event === "destroy" && facts.selected === id ? { selected: undefined } : {});
      const timed = event !== "destroy" && event !== "refresh";
      events?.happened({
        source,
        event,
        contact: id,
        ...(timed ? { stateAt: snapshot.since } : {}),
        snapshot,
      });
    };
    const on = (register: (f: (c?: CcpContact) => void) => unknown, event: string) =>
      attempt(() => register.call(contact, (seen) => tell(event, seen)));

    look(contact);
    set({});
    on(contact.onIncoming, "incoming");
    on(contact.onPending, "pending");
    on(contact.onConnecting, "connecting");
    on(contact.onConnected, "connected");
    on(contact.onAccepted, "accepted");
    on(contact.onMissed, "missed");
    on(contact.onEnded, "ended");
    on(contact.onRefresh, "refresh");
    on(contact.onDestroy, "destroy");
    askAudio();
  }

  /** Whether our softphone carries the sound. An unanswered question leaves what we knew. */
  function askAudio(): void {
    const library = connect;
    if (!library) return;
    const topic = library.MasterTopics?.SOFTPHONE ?? "softphone";
    attempt(() =>
      library.ifMaster(
        topic,
        () => set({ audioOwner: true }),
        () => set({ audioOwner: false }),
        true,
      ),
    );
  }

  function queueAddress(found: CcpAgent, queue: string | undefined): string | undefined {
    if (!queue) return undefined;
    const queues = attempt(() => found.getConfiguration().routingProfile?.queues) ?? [];
    const match = queues.find((one) => one.queueARN === queue || one.name === queue);
    if (!match?.queueARN)
      throw new PhoneError("phone.unknown_queue", "the agent's routing profile has no such queue");
    return match.queueARN;
  }

  async function dial(request: DialRequest, deadlineMs: number): Promise<DialResult> {
    if (!connect || !agent || facts.state !== "ready") {
      throw new PhoneError("phone.not_ready", "the softphone is not ready");
    }
    if (!/^\+?[0-9][0-9*#]{1,30}$/.test(request.number)) {
      throw new PhoneError("phone.bad_number", "not a number the softphone can dial");
    }
    const before = new Set(contacts.keys());
    const endpoint = connect.Endpoint.byPhoneNumber(request.number);
    const queueARN = queueAddress(agent, request.queue);
    await new Promise<void>((resolve, reject) => {
      // The library's own limit needs its timers; ours holds even when it never calls back.
      const timer = setTimeout(
        () => reject(new PhoneError("phone.timeout", "the softphone did not answer the dial in time")),
        deadlineMs,
      );
      try {
        agent?.connect(endpoint, {
          ...(queueARN ? { queueARN } : {}),
          timeout: deadlineMs,
          success: () => {
            clearTimeout(timer);
            resolve();
          },
          failure: (error: unknown) => {
            clearTimeout(timer);
            reject(new PhoneError("phone.refused", reasonOf(error)));
          },
        });
      } catch (error) {
        clearTimeout(timer);
        reject(new PhoneError("phone.refused", reasonOf(error)));
      }
    });
    const contactId = await newOutbound(before);
    return contactId ? { contactId } : {};
  }

  /** The dial's answer names no contact; it shows in an update just before or after. */
  async function newOutbound(before: ReadonlySet<string>): Promise<string | undefined> {
    for (let waited = 0; ; waited += 50) {
      for (const contact of contacts.values()) {
        if (!before.has(contact.id) && contact.channel === "voice" && contact.direction === "outbound")
          return contact.id;
      }
      if (waited >= CONTACT_SHOWS_MS) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  return {
    kind: "amazon-connect",
    start(container, given) {
      events = given;
      load()
        .then((library) => run(container, library))
        .catch((error: unknown) => {
          log.warn(`softphone could not start: ${error instanceof Error ? error.message : "unknown"}`);
          set({ state: "failed" });
        });
    },
    facts: () => facts,
    signIn() {
      signInWindow = open(options.ccpUrl, "tieline-softphone-sign-in", "popup,width=433,height=578");
      return signInWindow !== null;
    },
    dial,
  };
}

/** Failures arrive as JSON text, as a bare string, or as an error. Only the kind is kept, never the number. */
function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.name;
  if (typeof error !== "string") return "the softphone refused";
  try {
    const parsed = JSON.parse(error) as { type?: unknown; message?: unknown };
    return typeof parsed.type === "string" ? parsed.type : "the softphone refused";
  } catch {
    return /^[A-Za-z][A-Za-z ]{0,60}$/.test(error) ? error : "the softphone refused";
  }
}
