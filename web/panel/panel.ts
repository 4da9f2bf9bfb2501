/**
 * Joins host, phone, session and sign-in, and keeps what the panel shows.
 *
 * Call control never waits for anything here: the softphone's frame works whether or not somebody is signed in to
 * Tieline, whether or not the CRM page answers.
 */
import {
  type Command,
  DIAL_WAITS_MS,
  type PanelDoc,
  type PanelTrace,
  type Phone as PhoneReport,
} from "../shared/protocol";
import { watchFocus } from "./focus";
import { chooseHost } from "./hosts/choose";
import { frameFacts } from "./hosts/container";
import { type ClickToDial, HostError } from "./hosts/host";
import { createLog } from "./log";
import type { PhoneEvent } from "./phones/phone";
import { streams } from "./phones/streams";
import { PoppedAlone } from "./session/alone";
import { Client } from "./session/client";
import { type Effect, Session } from "./session/machine";
import { randomToken, tabMemory } from "./session/memory";
import { capabilities, type Outcome, overdue, perform } from "./session/perform";
import { SignIn, type SignInState } from "./session/signIn";
import type { PanelSettings } from "./settings";
import { details, type ShownNotice, Store, serverNotices } from "./state";
import { strings } from "./strings";

export interface PanelControls {
  store: Store;
  mountPhone(container: HTMLElement): void;
  signIn(): void;
  signOut(): void;
  retrySignIn(): void;
  /** False when the browser refused the window. */
  signInToPhone(): boolean;
  dismiss(id: string): void;
  tell(level: ShownNotice["level"], text: string): void;
  reload(): void;
  /** Shown where the agent must check them. */
  readonly phoneAddress: string;
  /** Every origin that embeds the softphone: all of them must be approved. */
  readonly origins: string[];
}

const RINGING = new Set(["incoming", "connecting"]);
const INFO_STAYS_MS = 8_000;
const DIAL_WITHIN_MS = 15_000;
const POP_WITHIN_MS = 8_000;

export function startPanel(settings: PanelSettings): PanelControls {
  const log = createLog();
  const agentPath = `/v1/workspaces/${encodeURIComponent(settings.workspace)}/agent`;
  const memory = tabMemory(settings.workspace, randomToken);
  if (!memory.lasting) log.warn("the browser refused storage: what happens here is forgotten on reload");
  const host = chooseHost(frameFacts(), settings, log);
  const phone = streams({ ccpUrl: settings.phone.ccp_url, region: settings.phone.region, log });

  const poppedAlone = new PoppedAlone();
  const docs = new Map<string, PanelDoc>();
  let lastTrace: PanelTrace | null = null;
  let phoneMounted = false;
  let noticeId = 0;
  const readyWaiters = new Set<() => void>();
  const takenBack = new Map<string, () => void>();

  const store = new Store({
    link: "off",
    stopped: null,
    fallback: false,
    signIn: { is: "checking" },
    agentName: null,
    phone: phone.facts(),
    host: host.kind === "standalone" ? "ready" : "starting",
    contact: null,
    attributes: [],
    trace: null,
    notices: [],
  });

  // — notices —

  /** Ours go by themselves or by a click; the server's stay while its documents hold them. */
  let own: ShownNotice[] = [];
  const dismissed = new Set<string>();

  function showNotices(): void {
    const told = serverNotices(store.get().contact, docs, strings.notices.codes);
    const ids = new Set(told.map(({ id }) => id));
    // Withdrawn and told again later, it is shown again.
    for (const id of dismissed) if (!ids.has(id)) dismissed.delete(id);
    store.set({ notices: [...told.filter(({ id }) => !dismissed.has(id)), ...own] });
  }

  function tell(level: ShownNotice["level"], text: string): void {
    noticeId += 1;
    const id = `own-${noticeId}`;
    own = [...own.filter((notice) => notice.text !== text).slice(-3), { id, level, text }];
    showNotices();
    if (level === "info") setTimeout(() => dismiss(id), INFO_STAYS_MS);
  }

  function dismiss(id: string): void {
    if (!id.startsWith("own-")) dismissed.add(id);
    own = own.filter((notice) => notice.id !== id);
    showNotices();
  }

  // — session —

  const session = new Session({
    page: { id: randomToken(), host: host.kind, build: settings.build, capabilities: capabilities(host) },
    memory,
    randomId: randomToken,
    random: Math.random,
  });
  const signIn = new SignIn({ base: agentPath, changed: signInChanged });
  const client = new Client({
    session,
    log,
    transport: {
      ticket: () => signIn.ticket(),
      socketUrl: `${location.origin.replace(/^http/, "ws")}${agentPath}`,
    },
    act,
  });

  function signInChanged(state: SignInState): void {
    store.set({ signIn: state });
    if (state.is === "signed_in") client.input({ type: "start" });
    else if (state.is === "unreachable")
      setTimeout(() => retryWhenUnreachable(), 5_000 * (0.5 + Math.random()));
  }

  function retryWhenUnreachable(): void {
    if (store.get().signIn.is === "unreachable") void signIn.check();
  }

  function act(effect: Effect): void {
    switch (effect.do) {
      case "perform":
        void carryOut(effect.command, effect.withinMs);
        return;
      case "abandon":
        takenBack.get(effect.cmd)?.();
        return;
      case "panel":
        showDoc(effect.panel.contact ?? "", effect.panel.doc);
        return;
      case "pop_alone": {
        const found = host.searchAndPop({ search: effect.number, callType: "inbound" }, POP_WITHIN_MS);
        found.catch(() => log.warn("the caller could not be opened by number"));
        if (effect.contact !== undefined) poppedAlone.note(effect.contact, effect.number, found);
        return;
      }
      case "dial_alone":
        void host.show().catch(() => undefined);
        phone.dial({ number: effect.number }, DIAL_WITHIN_MS).then(
          () => client.input({ type: "dialled_alone", event: effect.event, ok: true }),
          () => client.input({ type: "dialled_alone", event: effect.event, ok: false }),
        );
        return;
      case "tell":
        tell(
          effect.code.endsWith("expired") ? "warning" : "info",
          strings.notices.codes[effect.code] ?? effect.code,
        );
        return;
      case "reload":
        location.reload();
        return;
      case "changed":
        linkChanged();
        return;
      default:
        return;
    }
  }

  async function carryOut(command: Command, withinMs: number): Promise<void> {
    // The server waits no longer than it said; nor shall the agent, to be told of a dial.
    const gone = new Promise<Outcome>((resolve) => {
      takenBack.set(command.cmd, () => resolve(overdue(command)));
    });
    const work = async () => (await poppedAlone.answer(command)) ?? perform(command, withinMs, places);
    const outcome = await Promise.race([work(), gone]);
    takenBack.delete(command.cmd);
    client.input({ type: "finished", cmd: command.cmd, ...outcome });
    if (command.op === "dial") tellDial(outcome);
  }

  function linkChanged(): void {
    const link = session.link();
    store.set({
      link,
      stopped: session.stopped()?.detail ?? null,
      agentName: session.agentName() ?? store.get().agentName,
      fallback: memory.read().fallback?.pop_by_number ?? false,
    });
    if (link === "signed_out") signIn.over();
  }

  const places = {
    host,
    phone,
    notice: tell,
    phoneReady: (ms: number) =>
      new Promise<boolean>((resolve) => {
        if (phone.facts().state === "ready") {
          resolve(true);
          return;
        }
        tell("info", strings.notices.codes["dial.waiting"] ?? "");
        const ready = () => settle(true);
        const timer = setTimeout(() => settle(false), Math.min(ms, DIAL_WAITS_MS));
        const settle = (answer: boolean) => {
          clearTimeout(timer);
          readyWaiters.delete(ready);
          resolve(answer);
        };
        readyWaiters.add(ready);
      }),
  };

  function tellDial(outcome: Outcome): void {
    if (outcome.status === "done" || outcome.status === "waiting_user") return;
    const why = strings.notices.reasons[outcome.error?.code ?? ""] ?? outcome.error?.detail ?? "";
    tell("error", strings.notices.dialFailed(why));
  }

  async function signOut(): Promise<void> {
    const slow = setTimeout(() => tell("info", strings.notices.signingOut), 1_000);
    const over = await signIn.signOut();
    clearTimeout(slow);
    if (over) client.input({ type: "sign_out" });
    else tell("error", strings.notices.signOutFailed);
  }

  // — what the drawer shows —

  function showDoc(contact: string, doc: PanelDoc): void {
    docs.set(contact, doc);
    if (doc.trace) lastTrace = doc.trace;
    store.set(details(phone.facts(), docs, lastTrace));
    showNotices();
  }

  // — the softphone —

  function phoneReport(): PhoneReport {
    const { state, audioOwner, agent, contacts } = phone.facts();
    const ready = state === "ready";
    return {
      kind: phone.kind,
      ready,
      audio_owner: audioOwner,
      ...(ready && agent ? { agent } : {}),
      contacts,
    };
  }

  function phoneChanged(): void {
    const facts = phone.facts();
    const live = new Set(facts.contacts.map(({ id }) => id));
    for (const contact of docs.keys()) if (contact !== "" && !live.has(contact)) docs.delete(contact);
    const before = store.get().contact;
    const shown = details(facts, docs, lastTrace);
    store.set({ phone: facts, ...shown });
    client.input({ type: "phone", phone: phoneReport() });
    showNotices();
    if (shown.contact !== before) pageChanged();
    if (facts.state === "ready") for (const ready of [...readyWaiters]) ready();
  }

  function phoneHappened(event: PhoneEvent): void {
    if (event.snapshot && RINGING.has(event.event)) void host.show().catch(() => undefined);
    client.input({
      type: "happened",
      event: {
        source: event.source,
        event: event.event,
        ...(event.contact ? { contact: event.contact } : {}),
        ...(event.stateAt === undefined ? {} : { state_at: event.stateAt }),
        ...(event.payload ? { payload: event.payload } : {}),
        ...(event.snapshot ? { snapshot: event.snapshot } : {}),
      },
    });
  }

  // — the CRM page —

  const focus = watchFocus(pageChanged);

  function pageChanged(): void {
    const contact = store.get().contact;
    client.input({
      type: "page",
      visible: focus.visible(),
      focused: focus.focused(),
      ...(contact ? { contact } : {}),
    });
  }

  function clicked(click: ClickToDial): void {
    focus.sign();
    void host.show().catch(() => undefined);
    if (store.get().signIn.is !== "signed_in") {
      tell("warning", strings.notices.signInToDial);
      return;
    }
    client.input({
      type: "happened",
      event: { source: "crm_page", event: "click_to_dial", payload: { ...click }, cause: { kind: "click" } },
    });
  }

  function navigated(page: Record<string, unknown>): void {
    focus.sign();
    client.input({ type: "happened", event: { source: "crm_page", event: "navigation", payload: page } });
  }

  async function startHost(): Promise<void> {
    for (let pause = 1_000; ; pause = Math.min(pause * 2, 30_000)) {
      try {
        await host.start({ clickToDial: clicked, navigation: navigated });
        store.set({ host: "ready" });
        return;
      } catch (error) {
        const code = error instanceof HostError ? error.code : "crm_page.failed";
        log.warn(`the CRM page did not answer: ${code}`);
        store.set({ host: code === "crm_page.script_blocked" ? "script_blocked" : "failed" });
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  pageChanged();
  void startHost();
  void signIn.check();

  return {
    store,
    mountPhone(container) {
      if (phoneMounted) return;
      phoneMounted = true;
      phone.start(container, {
        happened: phoneHappened,
        changed: phoneChanged,
        trouble: (_code, detail) => tell("warning", strings.notices.softphone(detail)),
      });
    },
    signIn: () => signIn.begin(),
    signOut: () => void signOut(),
    retrySignIn: () => void signIn.check(),
    signInToPhone: () => phone.signIn(),
    dismiss,
    tell,
    reload: () => location.reload(),
    phoneAddress: settings.phone.ccp_url,
    origins: [location.origin, ...frameFacts().ancestorOrigins],
  };
}
