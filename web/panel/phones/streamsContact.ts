import type { Contact, PhoneAgent } from "../../shared/protocol";
import type { CcpAgent, CcpConnection, CcpContact } from "./connect";
import type { PhoneEvent } from "./phone";

/** The source its events have, or `null` for a kind of contact we do not know yet. */
export function sourceOf(contact: CcpContact): Exclude<PhoneEvent["source"], "agent"> | null {
  switch (attempt(() => contact.getType())) {
    case "voice":
      return "voice_contact";
    case "queue_callback":
      return "callback_contact";
    case "chat":
      return "chat_contact";
    case "task":
      return "task_contact";
    default:
      return null;
  }
}

/**
 * The contact in our words.
 *
 * Every getter may throw once the contact has gone ("no longer exists"), so what cannot be read any more is taken
 * from `before`, the snapshot of a moment ago.
 */
export function snapshotOf(contact: CcpContact, initial: boolean, before?: Contact): Contact | null {
  const id = attempt(() => contact.getContactId()) ?? before?.id;
  if (!id) return null;
  const status = attempt(() => contact.getStatus());
  const first = attempt(() => contact.getInitialConnection()) ?? null;
  const agentType = attempt(() => contact.getAgentConnection()?.getType());
  const endpoint = attempt(() => first?.getEndpoint()) ?? null;
  const queue = attempt(() => contact.getQueue()?.name) ?? before?.queue;
  const customer = attempt(() => endpoint?.phoneNumber) ?? before?.customer;
  const initiation = attempt(() => contact.getInitiationMethod()) ?? before?.initiation;
  const attributes = attempt(() => plain(contact.getAttributes())) ?? before?.attributes ?? {};
  return {
    id,
    channel: channelOf(sourceOf(contact)) ?? before?.channel ?? "voice",
    state: status?.type ?? before?.state ?? "ended",
    since: millis(status?.timestamp) ?? before?.since ?? Date.now(),
    ...(initial ? { initial } : {}),
    direction: directionOf(contact, first) ?? before?.direction ?? "inbound",
    ...(initiation ? { initiation } : {}),
    ...(queue ? { queue } : {}),
    ...(customer ? { customer } : {}),
    attributes,
    is_monitor: agentType ? agentType === "monitoring" : (before?.is_monitor ?? false),
  };
}

export function agentOf(agent: CcpAgent): PhoneAgent | undefined {
  const configuration = attempt(() => agent.getConfiguration());
  const login = configuration?.username ?? configuration?.name;
  if (!configuration || !login) return undefined;
  const state = attempt(() => agent.getState());
  const since = millis(state?.startTimestamp);
  return {
    id: configuration.agentARN ?? login,
    login,
    ...(state ? { state: state.name } : {}),
    ...(since === undefined ? {} : { since }),
  };
}

export function millis(date: unknown): number | undefined {
  const time = date instanceof Date ? date.getTime() : Number.NaN;
  return Number.isFinite(time) ? time : undefined;
}

export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function directionOf(contact: CcpContact, first: CcpConnection | null): Contact["direction"] | undefined {
  if (!first) return undefined;
  if (attempt(() => first.getEndpoint()?.type) === "agent") return "internal";
  const inbound = attempt(() => contact.isInbound());
  return inbound === undefined ? undefined : inbound ? "inbound" : "outbound";
}

function channelOf(source: string | null): Contact["channel"] | undefined {
  if (source === "voice_contact" || source === "callback_contact") return "voice";
  if (source === "chat_contact") return "chat";
  if (source === "task_contact") return "task";
  return undefined;
}

/** Attributes come as a map of records, not of text. */
function plain(attributes: ReturnType<CcpContact["getAttributes"]>): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, entry] of Object.entries(attributes ?? {})) {
    if (typeof entry?.value === "string") texts[name] = entry.value;
  }
  return texts;
}
