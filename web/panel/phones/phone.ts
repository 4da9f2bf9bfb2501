/**
 * What the panel asks of a softphone, and what a softphone tells.
 *
 * One file per softphone implements this. A phone translates its vendor's words into our events and never talks to
 * our server or to the CRM page. It never throws into the panel: trouble becomes a state with something to do.
 */
import type { Contact, PhoneAgent } from "../../shared/protocol";

export interface Phone {
  /** As in `hello.phone.kind`. */
  readonly kind: string;
  /** Puts the softphone into `container` and begins to report. Called once. */
  start(container: HTMLElement, events: PhoneEvents): void;
  facts(): PhoneFacts;
  /** Opens the softphone's own sign-in; call it inside a click. False when the browser refused the window. */
  signIn(): boolean;
  dial(request: DialRequest, deadlineMs: number): Promise<DialResult>;
}

export interface DialRequest {
  number: string;
  /** Name or address of the outbound queue; the routing profile's own where absent. */
  queue?: string;
}

export interface DialResult {
  /** The new contact, where the softphone showed it in time. */
  contactId?: string;
}

export type PhoneState =
  /** The library or the page is still loading. */
  | "starting"
  /** The softphone is there, the agent is not known yet. */
  | "waiting"
  /** The softphone does not answer: mostly because nobody is signed in to it. */
  | "needs_sign_in"
  /** The softphone refuses this page or this person. */
  | "denied"
  /** The softphone was signed out. */
  | "terminated"
  /** The softphone did not answer for a minute; only a reload tries again. */
  | "unreachable"
  /** The softphone's library could not be loaded. */
  | "failed"
  | "ready";

export interface PhoneFacts {
  state: PhoneState;
  audioOwner: boolean;
  agent?: PhoneAgent;
  /** Contacts as last seen, oldest state change first. */
  contacts: Contact[];
  /** The contact the agent looks at. */
  selected?: string;
}

/** One thing that happened, in our words. */
export interface PhoneEvent {
  source: "voice_contact" | "callback_contact" | "chat_contact" | "task_contact" | "agent";
  event: string;
  contact?: string;
  /** Milliseconds, the softphone's clock; absent for removals and refreshes. */
  stateAt?: number;
  snapshot?: Contact;
  payload?: Record<string, unknown>;
}

export interface PhoneEvents {
  happened(event: PhoneEvent): void;
  /** `facts()` differs from before. */
  changed(): void;
  /** Something the agent should know; a code of `strings.ts`. */
  trouble(code: string, detail: string): void;
}

export class PhoneError extends Error {
  constructor(
    readonly code:
      | "phone.not_ready"
      | "phone.refused"
      | "phone.unknown_queue"
      | "phone.bad_number"
      | "phone.timeout",
    detail: string,
  ) {
    super(detail);
    this.name = "PhoneError";
  }
}
