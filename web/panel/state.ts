import type { Notice, PanelDoc, PanelTrace } from "../shared/protocol";
import type { PhoneFacts } from "./phones/phone";
import type { Link } from "./session/machine";
import type { SignInState } from "./session/signIn";

export interface ShownNotice {
  id: string;
  level: "info" | "warning" | "error";
  text: string;
}

/** Everything the panel shows. Replaced as a whole, never changed in place. */
export interface PanelState {
  link: Link;
  /** One sentence from the server, while `link` is `stopped`. */
  stopped: string | null;
  /** What the page may do while the server is away. */
  fallback: boolean;
  signIn: SignInState;
  agentName: string | null;
  phone: PhoneFacts;
  host: "starting" | "ready" | "failed" | "script_blocked";
  /** The contact shown in the drawer. */
  contact: string | null;
  attributes: { name: string; value: string }[];
  trace: PanelTrace | null;
  notices: ShownNotice[];
}

export class Store {
  private listeners = new Set<() => void>();

  constructor(private value: PanelState) {}

  get = (): PanelState => this.value;

  set(change: Partial<PanelState>): void {
    this.value = { ...this.value, ...change };
    for (const listener of this.listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

/** What the drawer shows for the contact, from the server's document or, before that came, from the softphone. */
export function details(
  phone: PhoneFacts,
  docs: ReadonlyMap<string, PanelDoc>,
  lastTrace: PanelTrace | null,
): Pick<PanelState, "contact" | "attributes" | "trace"> {
  const shown = phone.contacts.find(({ id }) => id === phone.selected) ?? phone.contacts.at(-1);
  const doc = docs.get(shown?.id ?? "");
  const attributes = shown
    ? (doc?.attributes ?? Object.entries(shown.attributes).map(([name, value]) => ({ name, value })))
    : [];
  return { contact: shown?.id ?? null, attributes: once(attributes), trace: doc?.trace ?? lastTrace };
}

/** Each attribute is listed once, the later value winning. */
function once(attributes: { name: string; value: string }[]): { name: string; value: string }[] {
  return [...new Map(attributes.map((one) => [one.name, one])).values()];
}

/**
 * What the server tells the agent at the moment: for the contact shown, and besides. It stays until the server takes
 * it back or the agent dismisses it. `words` has our own text for the codes we know.
 */
export function serverNotices(
  contact: string | null,
  docs: ReadonlyMap<string, PanelDoc>,
  words: Readonly<Record<string, string>>,
): ShownNotice[] {
  const told: Notice[] = [
    ...(docs.get("")?.notices ?? []),
    ...(contact ? (docs.get(contact)?.notices ?? []) : []),
  ];
  return told.map(({ level, code, text }) => ({
    id: `${code ?? ""} ${text}`,
    level,
    text: (code && Object.hasOwn(words, code) && words[code]) || text,
  }));
}
