/** The page itself. Built once and then only changed, so that the focus stays where it is. */
import type { Choice } from "./relay";
import { type AgentData, agentOf, type Contact, customerOf, type Phase, phaseOf } from "./snapshot";
import { strings } from "./strings";

export interface Actions {
  choose(login: string): void;
  signOut(): void;
  setState(arn: string, enqueue: boolean): void;
  dial(number: string): void;
  accept(contact: Contact): void;
  reject(contact: Contact): void;
  hold(contact: Contact, on: boolean): void;
  mute(contact: Contact, on: boolean): void;
  hangUp(contact: Contact): void;
  close(contact: Contact): void;
  press(contact: Contact, digits: string): void;
}

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

export class View {
  private readonly notice = el("p", { className: "problem", role: "alert", hidden: true });
  private readonly waiting = el("p", { className: "empty", textContent: strings.connecting });
  private readonly chooser = el("section", { className: "card chooser", hidden: true });
  private readonly phone = el("div", { className: "phone", hidden: true });
  private readonly name = el("h1");
  private readonly state = el("select", { id: "state" });
  private readonly next = el("p", { className: "quiet" });
  private readonly card = el("section", { className: "card contact" });
  private readonly phase = el("h2", { role: "status" });
  private readonly who = el("p", { className: "who" });
  private readonly queue = el("p", { className: "quiet" });
  private readonly clock = el("p", { className: "clock", role: "timer" });
  private readonly empty = el("p", { className: "empty", textContent: strings.noContact });
  private readonly buttons: Record<string, HTMLButtonElement>;
  private readonly keypad = el("details", { className: "keypad" });
  private readonly dialer = el("form", { className: "card dialer" });
  private readonly number = el("input", { id: "number", type: "tel", autocomplete: "off", maxLength: 32 });
  private data: AgentData | null = null;

  constructor(
    root: HTMLElement,
    private readonly actions: Actions,
  ) {
    this.card.setAttribute("aria-label", strings.contact);
    this.buttons = {
      accept: button(strings.accept, "button", () => this.on(actions.accept)),
      reject: button(strings.reject, "button bad", () => this.on(actions.reject)),
      hold: button(strings.hold, "button quiet", () => this.on((contact) => actions.hold(contact, true))),
      resume: button(strings.resume, "button", () => this.on((contact) => actions.hold(contact, false))),
      mute: button(strings.mute, "button quiet", () => this.on((contact) => actions.mute(contact, true))),
      unmute: button(strings.unmute, "button", () => this.on((contact) => actions.mute(contact, false))),
      hangUp: button(strings.hangUp, "button bad", () => this.on(actions.hangUp)),
      close: button(strings.close, "button", () => this.on(actions.close)),
    };
    this.state.addEventListener("change", () => {
      const enqueue = this.data?.snapshot.state.type === "system";
      actions.setState(this.state.value, enqueue);
    });
    this.buildKeypad();
    this.buildDialer();
    const signOut = button(strings.changeAgent, "link", () => actions.signOut());
    const header = el("header", {}, this.name, signOut);
    const state = el("div", { className: "state" }, label(strings.state, "state"), this.state, this.next);
    const buttons = el("div", { className: "buttons" }, ...Object.values(this.buttons));
    this.card.append(this.phase, this.who, this.queue, this.clock, this.empty, buttons, this.keypad);
    this.phone.append(header, state, this.card, this.dialer);
    root.append(this.notice, this.waiting, this.chooser, this.phone);
    setInterval(() => this.tick(), 1000);
  }

  say(problem: string | null): void {
    this.notice.textContent = problem;
    this.notice.hidden = problem === null;
  }

  choose(agents: Choice[]): void {
    const list = agents.map((agent) =>
      button(agent.name, "button quiet", () => this.actions.choose(agent.login)),
    );
    const help = el("p", { className: "quiet", textContent: strings.chooseHelp });
    this.chooser.replaceChildren(el("h1", { textContent: strings.choose }), help, ...list);
    this.show(this.chooser);
  }

  connecting(): void {
    this.show(this.waiting);
  }

  update(data: AgentData): void {
    this.data = data;
    const { snapshot, configuration } = data;
    this.name.textContent = configuration.name;
    if (this.state.options.length !== configuration.agentStates.length) {
      this.state.replaceChildren(
        ...configuration.agentStates.map((each) => new Option(each.name, each.agentStateARN ?? "")),
      );
    }
    const chosen = configuration.agentStates.find(
      (each) => each.name === snapshot.agentAvailabilityState.state,
    );
    this.state.value = chosen?.agentStateARN ?? "";
    this.next.textContent = snapshot.nextState ? strings.next(snapshot.nextState.name) : "";
    this.showContact(this.contact());
    this.show(this.phone);
  }

  private showContact(contact: Contact | undefined): void {
    const phase = contact && phaseOf(contact);
    const live = contact && customerOf(contact);
    this.card.dataset.phase = phase ?? "none";
    this.empty.hidden = contact !== undefined;
    this.phase.textContent = phase ? strings.phases[phase] : "";
    this.who.textContent = live ? addressOf(live.endpoint.phoneNumber) : "";
    this.queue.textContent = phase === "incoming" && contact?.queue ? strings.from(contact.queue.name) : "";
    const shown = buttonsFor(phase, contact ? (agentOf(contact)?.mute ?? false) : false);
    for (const [name, each] of Object.entries(this.buttons)) {
      const hide = !shown.includes(name);
      // A button that goes while it has the focus hands it to the first that stays.
      const moves = hide && document.activeElement === each;
      each.hidden = hide;
      if (moves) this.buttons[shown[0] ?? ""]?.focus();
    }
    this.keypad.hidden = phase !== "talking";
    this.dialer.hidden = contact !== undefined;
    this.tick();
  }

  private tick(): void {
    const contact = this.contact();
    const skew = this.data?.snapshot.skew ?? 0;
    const ms = contact ? Date.now() + skew - contact.state.timestamp.getTime() : 0;
    this.clock.textContent = contact ? duration(Math.max(0, ms)) : "";
  }

  private contact(): Contact | undefined {
    return this.data?.snapshot.contacts[0];
  }

  private on(act: (contact: Contact) => void): void {
    const contact = this.contact();
    if (contact) act(contact);
  }

  private show(one: HTMLElement): void {
    for (const each of [this.waiting, this.chooser, this.phone]) each.hidden = each !== one;
  }

  private buildKeypad(): void {
    const keys = KEYS.map((key) => {
      const each = button(key, "button quiet", () => this.on((contact) => this.actions.press(contact, key)));
      each.setAttribute("aria-label", strings.key(key));
      return each;
    });
    this.keypad.append(
      el("summary", { textContent: strings.keypad }),
      el("div", { className: "keys" }, ...keys),
    );
  }

  private buildDialer(): void {
    const call = el("button", { className: "button", type: "submit", textContent: strings.call });
    this.dialer.setAttribute("aria-label", strings.dial);
    this.dialer.append(label(strings.number, "number"), this.number, call);
    this.dialer.addEventListener("submit", (submitted) => {
      submitted.preventDefault();
      const number = this.number.value.replace(/[\s().-]/g, "");
      if (number) this.actions.dial(number);
    });
  }
}

function buttonsFor(phase: Phase | undefined, muted: boolean): string[] {
  const mute = muted ? "unmute" : "mute";
  switch (phase) {
    case undefined:
      return [];
    case "incoming":
      return ["accept", "reject"];
    case "dialing":
      return ["hangUp"];
    case "talking":
      return ["hold", mute, "hangUp"];
    case "held":
      return ["resume", "hangUp"];
    default:
      return ["close"];
  }
}

function addressOf(number: string | null): string {
  return !number || number === "anonymous" ? strings.anonymous : number;
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: HTMLElement[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function button(text: string, className: string, press: () => void): HTMLButtonElement {
  const made = el("button", { type: "button", className, textContent: text });
  made.addEventListener("click", press);
  return made;
}

function label(text: string, htmlFor: string): HTMLLabelElement {
  return el("label", { textContent: text, htmlFor });
}
