// Generated from crates/engine/src/protocol by `TIELINE_WRITE=1 cargo test -p tieline-engine --test protocol`.
// Do not edit: a test compares it.

export const SUBPROTOCOL = "tieline.v1";
export const MAX_FRAME_BYTES = 65536;
export const MAX_DEPTH = 32;
export const MAX_CONTACTS = 64;
export const MAX_UNACKNOWLEDGED = 500;
export const HELLO_WITHIN_MS = 5000;
export const TICKET_LASTS_MS = 60000;
export const PING_EVERY_MS = 15000;
export const DEAD_AFTER_MS = 40000;
export const ACTION_FRESH_MS = 10000;
export const DIAL_WAITS_MS = 20000;
export const PERSON_WAITS_MS = 600000;

/**
 * What a page says.
 */
export type PageFrame = { "t": "hello" } & Hello | { "t": "event" } & EventFrame | { "t": "result" } & ResultFrame | { "t": "page" } & PageUpdate | { "t": "ack" } & SeqAck;

/**
 * What the server says.
 */
export type ServerFrame = { "t": "welcome" } & Welcome | { "t": "subscribe" } & Subscribe | { "t": "command" } & Command | { "t": "cancel" } & Cancel | { "t": "panel" } & Panel | { "t": "ack" } & Ack | { "t": "bye" } & Bye;

/**
 * The first frame of a page, within 5 s of the socket.
 */
export type Hello = { 
/**
 * From `POST …/agent/tickets`; good once.
 */
ticket: string, page: PageInfo, phone: Phone, 
/**
 * Present when the same page load lost its socket; a reloaded page starts afresh.
 */
resume?: Resume, };

export type PageInfo = { 
/**
 * Made up at every load.
 */
id: Token, 
/**
 * Made up once a tab and kept in sessionStorage; the page id where storage is refused.
 */
tab: Token, 
/**
 * Which file of `hosts/` runs, for example `lightning`; `standalone` without a CRM page.
 */
host: Token, build: Token, visible: boolean, 
/**
 * Whether the CRM page around the panel has the focus.
 */
focused: boolean, 
/**
 * The commands this page can carry out, as `<place>.<op>`: `crm_page.search_and_pop`, `phone.dial`.
 */
capabilities: Array<Token>, };

export type Phone = { 
/**
 * Which file of `phones/` runs, for example `amazon-connect`; `none` without a softphone.
 */
kind: Token, ready: boolean, 
/**
 * Whether this page's softphone carries the sound.
 */
audio_owner: boolean, 
/**
 * Who the softphone says is signed in there; absent until it is ready.
 */
agent?: PhoneAgent, contacts: Array<Contact>, };

/**
 * What the softphone says about its agent: a claim, compared with the binding.
 */
export type PhoneAgent = { id: string, login: string, state?: string, since?: number, };

/**
 * A contact as the softphone shows it: in `hello.phone.contacts` and as `event.snapshot`.
 */
export type Contact = { id: string, channel: "voice" | "chat" | "task" | "email" | "messaging", 
/**
 * `incoming`, `pending`, `connecting`, `connected`, `missed`, `error`, `ended`.
 */
state: Token, 
/**
 * When it took this state, by the contact center's clock.
 */
since: number, 
/**
 * Whether it was there already when the page loaded.
 */
initial?: boolean, direction: "inbound" | "outbound" | "internal", 
/**
 * The contact center's word for how it began, for example `queue_callback`.
 */
initiation?: string, queue?: string, 
/**
 * The customer's address as the contact center sent it: a number, `anonymous`, an address.
 */
customer?: string, attributes: Record<string, string>, is_monitor: boolean, };

/**
 * Asks to go on where a lost socket left off.
 */
export type Resume = { session: Token, 
/**
 * From the `welcome` that gave the session.
 */
epoch: number, 
/**
 * The last `seq` the page has handled.
 */
last_seq: number, };

/**
 * Something happened in the page.
 */
export type EventFrame = { 
/**
 * Grows by one from 1 per page load.
 */
n: number, 
/**
 * Made up by the page; the same when it is sent again.
 */
id: Token, 
/**
 * `voice_contact`, `agent`, `crm_page`, `action`, …
 */
source: Token, 
/**
 * `connecting`, `state_change`, `click_to_dial`, …; empty for `action`.
 */
event: string, contact?: string, 
/**
 * When the state this event tells of was taken, by the contact center's clock; absent for removals.
 */
state_at?: number, 
/**
 * When the page saw it, by the page's clock.
 */
seen_at: number, payload?: Record<string, unknown>, 
/**
 * The contact as it was: every event with a contact carries one.
 */
snapshot?: Contact, cause?: Cause, 
/**
 * The page acted on it alone while the server could not be reached: recorded, no flow runs.
 */
handled_locally?: boolean, };

/**
 * What made an event happen, as far as the page verified it.
 */
export type Cause = { kind: CauseKind, 
/**
 * The command that made it happen (`command`).
 */
cmd?: Token, };

export type CauseKind = "click" | "action" | "command";

/**
 * How a command went. `waiting_user` is a way station, the others are final.
 */
export type ResultFrame = { cmd: Token, status: CommandStatus, output?: Record<string, unknown>, error?: ErrorDetail, };

export type CommandStatus = "done" | "failed" | "refused" | "expired" | "waiting_user";

export type ErrorDetail = { 
/**
 * `outcome_unknown`: started without a result, and nobody may start it again.
 */
code: string, detail: string, };

/**
 * Something about the page changed.
 */
export type PageUpdate = { visible: boolean, focused: boolean, phone_ready: boolean, audio_owner: boolean, 
/**
 * As in `hello.phone`, once the softphone has become ready.
 */
agent?: PhoneAgent, 
/**
 * The contact the agent looks at; absent for none.
 */
contact?: string, };

/**
 * The page has handled every frame up to `seq`.
 */
export type SeqAck = { seq: number, };

/**
 * The answer to a good `hello`.
 */
export type Welcome = { session: Token, 
/**
 * Changes when the server forgot the session: what was sent before is void.
 */
epoch: number, 
/**
 * The last `seq` given out; the next numbered frame has `seq + 1`. When the page resumed, the frames
 * after its `last_seq` follow instead.
 */
seq: number, 
/**
 * The server's time, for `deadline_ms`.
 */
now: number, 
/**
 * True when the page goes on with its old session.
 */
resumed: boolean, fallback: Fallback, 
/**
 * Events, besides the life cycle, that a published flow waits for.
 */
subscribe: Array<SubscribedEvent>, 
/**
 * Life-cycle events already recorded for the contacts of `hello`: not to be sent again.
 */
done: Array<DoneEvent>, settings: Settings, 
/**
 * Pages of an older build should reload when no contact is there.
 */
min_build?: string, };

/**
 * The flows in force changed, and with them what pages shall send; takes the place of `welcome.subscribe`.
 */
export type Subscribe = { subscribe: Array<SubscribedEvent>, };

/**
 * What the page may do alone while the server cannot be reached.
 */
export type Fallback = { pop_by_number: boolean, click_to_dial: boolean, 
/**
 * Default region of numbers without `+`.
 */
region: string, };

export type SubscribedEvent = { source: string, event: string, };

export type DoneEvent = { contact: string, event: string, };

export type Settings = { agent: SettingsAgent, region: string, };

export type SettingsAgent = { id: string, name: string, };

/**
 * Asks a page to do something.
 */
export type Command = { seq: number, cmd: Token, run: Token, step: string, contact?: string, place: "crm_page" | "phone" | "panel", op: string, args: Record<string, unknown>, 
/**
 * The server's time (see `welcome.now`) after which the page answers `expired` instead of acting.
 */
deadline_ms: number, 
/**
 * The page notes "started" before it acts and never does it a second time.
 */
once: boolean, 
/**
 * `event.id` of the click or action on this page that allows a dial; absent when it was made on another page of
 * the agent, or when the flow has a right of its own.
 */
gesture?: Token, };

/**
 * Takes a command back; nothing is answered to it.
 */
export type Cancel = { seq: number, cmd: Token, why: CancelReason, };

export type CancelReason = "late" | "run_ended" | "moved";

/**
 * What the drawer shows; replaces what it showed for the same contact when `rev` is higher.
 */
export type Panel = { seq: number, 
/**
 * Absent: what is shown while no contact is selected.
 */
contact?: string, rev: number, doc: PanelDoc, };

export type PanelDoc = { attributes: Array<PanelAttribute>, trace: PanelTrace | null, notices: Array<Notice>, };

export type PanelAttribute = { name: string, value: string, };

/**
 * What the last flow did for this contact.
 */
export type PanelTrace = { flow: string, 
/**
 * `<source>.<event>`.
 */
event: string, 
/**
 * `running`, `completed`, `failed`, `timed_out`, `interrupted`.
 */
ended: string, ms: number, steps: Array<PanelStep>, };

export type PanelStep = { step: string, use: string, title?: string, branch?: string, ms: number, inputs: Record<string, unknown>, outputs: Record<string, unknown>, error?: string, };

export type Notice = { level: NoticeLevel, 
/**
 * Stable name of what is told, so that the page can put it in its own words: `dial.waiting`, `dial.expired`.
 */
code?: string, text: string, };

export type NoticeLevel = "info" | "warning" | "error";

/**
 * The server has recorded every event up to `n` of this page load.
 */
export type Ack = { n: number, };

/**
 * The server closes the socket, and says why and whether coming back helps.
 */
export type Bye = { code: ByeCode, 
/**
 * When to try again; absent: not before a person did something (signed in, reloaded, asked an administrator).
 */
retry_after_ms?: number, 
/**
 * One sentence for the person in front of the page.
 */
detail: string, };

/**
 * Why a socket was closed; every one has a page in `docs/errors/`.
 */
export type ByeCode = "socket.no_hello" | "socket.bad_ticket" | "socket.session_ended" | "socket.agent_mismatch" | "socket.not_text" | "socket.too_large" | "socket.too_deep" | "socket.not_json" | "socket.malformed" | "socket.unexpected" | "socket.too_many_pages" | "socket.too_slow" | "socket.replaced" | "socket.silent" | "socket.draining" | "socket.unavailable";

/**
 * A name one side makes up for the other to repeat: 1 to 128 bytes, no control characters.
 */
export type Token = string;

