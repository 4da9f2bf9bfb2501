/**
 * The simulated softphone page: shows one agent's part of the simulated contact center, and
 * lets the genuine softphone library in the framing page do the same.
 */
import "../shared/theme.css";
import "./ccp.css";
import { Relay } from "./relay";
import { agentOf, type Contact, customerOf } from "./snapshot";
import { strings } from "./strings";
import { View } from "./view";

const COOKIE = "tieline-sandbox-agent";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");

const view = new View(root, {
  choose(login) {
    remember(login);
    view.connecting();
    relay.become(login);
  },
  signOut() {
    remember(null);
    relay.become("");
  },
  setState: (arn, enqueueNextState) =>
    ask("putAgentState", { state: { agentStateARN: arn }, enqueueNextState }),
  dial: (number) => ask("createOutboundContact", { endpoint: { type: "phone_number", phoneNumber: number } }),
  accept: (contact) => ask("acceptContact", { contactId: contact.contactId }),
  reject: (contact) => ask("rejectContact", { contactId: contact.contactId }),
  hold: (contact, on) => ask(on ? "holdConnection" : "resumeConnection", of(contact, customerOf(contact))),
  mute: (contact, on) => ask(on ? "muteParticipant" : "unmuteParticipant", of(contact, agentOf(contact))),
  hangUp: (contact) => ask("destroyConnection", of(contact, agentOf(contact))),
  close: (contact) => ask("clearContact", { contactId: contact.contactId }),
  press: (contact, digits) => ask("sendDigits", { ...of(contact, customerOf(contact)), digits }),
});

const named = new URLSearchParams(window.location.search).get("agent");
const relay = new Relay(named ?? remembered(), {
  hello: () => view.say(null),
  choose: (agents) => view.choose(agents),
  agent: (data) => view.update(data),
  lost: () => view.say(strings.lost),
  signedOut() {
    remember(null);
    relay.become("");
  },
});

async function ask(method: string, params: unknown): Promise<void> {
  view.say(await relay.call(method, params));
}

function of(contact: Contact, connection: { connectionId: string } | undefined) {
  return { contactId: contact.contactId, connectionId: connection?.connectionId };
}

/** A cookie, because a frame may have one where it may have no storage; without it the page asks again. */
function remember(login: string | null): void {
  const age = login ? 30 * 86_400 : 0;
  const value = encodeURIComponent(login ?? "");
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store is missing on plain http.
  document.cookie = `${COOKIE}=${value}; Path=/ccp-v2/; Max-Age=${age}; Secure; SameSite=None; Partitioned`;
}

function remembered(): string | null {
  const found = document.cookie.split("; ").find((each) => each.startsWith(`${COOKIE}=`));
  return found ? decodeURIComponent(found.slice(COOKIE.length + 1)) || null : null;
}
