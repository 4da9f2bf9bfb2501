/**
 * Plays the page's side of the golden transcripts that the server's tests play too
 * (`crates/engine/tests/transcripts`, whose README says what the steps mean).
 *
 * What a page does (`page_does`) must lead to exactly the frames that follow. Three things are the page's own affair
 * and not compared: when it acknowledges numbered frames (and so `resume.last_seq`), its clock (`seen_at`), and the
 * wording of an error. A `page_sends` that nothing the page did led to is another page's: a forged, broken or outdated
 * one, which is for the server to bear; `FORGED` lists the files that have some. `UNRULY` lists those whose page does
 * what ours must not.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ErrorDetail, Hello, PageFrame, PageUpdate, ServerFrame } from "../../shared/protocol";
import type { Happening } from "./events";
import { type Effect, Session } from "./machine";
import { type Memory, pageMemory } from "./memory";

const FOLDER = "../crates/engine/tests/transcripts";

type Does =
  | "pongs"
  | {
      opens?: { id: string; tab: string };
      happened?: Happening;
      changes?: PageUpdate;
      finishes?: { status: "done"; output?: Record<string, unknown>; error?: ErrorDetail };
      loses_socket?: true;
    };

interface Step {
  page?: string;
  page_does?: Does;
  page_sends?: PageFrame;
  page_sends_text?: string;
  server_sends?: ServerFrame;
  server_closes?: true;
  clock?: number;
}

interface Transcript {
  title: string;
  now: number;
  steps: Step[];
}

/** One load of the panel. */
class Load {
  readonly session: Session;
  /** Name of its present socket in the transcript. */
  socket = "";
  /** Names the events it makes as the transcript does. */
  nextId = "";
  /** The command it was last given, and what it said of it without being asked. */
  given = "";
  performing = new Set<string>();
  answered = new Map<string, PageFrame>();

  constructor(hello: Hello, memory: Memory) {
    const { tab: _, visible: _v, focused: _f, ...page } = hello.page;
    this.session = new Session({ page, memory, randomId: () => this.nextId, random: () => 0 });
  }
}

class Player {
  private readonly loads = new Map<string, Load>();
  private readonly sockets = new Map<string, Load>();
  private readonly memories = new Map<string, Memory>();
  private now: number;
  forged = 0;

  constructor(private readonly transcript: Transcript) {
    this.now = transcript.now;
  }

  play(): void {
    const { steps } = this.transcript;
    for (let at = 0; at < steps.length; at += 1) {
      const step = steps[at] as Step;
      if (step.page_does) {
        const expected: PageFrame[] = [];
        for (let next = steps[at + 1]; next?.page_sends && next.page === step.page; next = steps[at + 1]) {
          expected.push(next.page_sends);
          at += 1;
          // What one deed leads to is one frame; more are the server's to bear.
          if (steps[at + 1]?.page_sends) break;
        }
        this.does(step.page ?? "", step.page_does, expected, at);
      } else if (step.page_sends || step.page_sends_text) {
        if (step.page_sends?.t !== "ack") this.forged += 1;
      } else if (step.server_sends) {
        this.hears(step.page ?? "", step.server_sends);
      } else if (step.clock !== undefined) {
        this.passes(step.clock);
      }
    }
  }

  private does(page: string, deed: Does, expected: PageFrame[], at: number): void {
    if (deed === "pongs") return;
    const where = `step ${at} of page ${page}`;
    const hello = expected.find((frame) => frame.t === "hello");
    if (deed.opens) {
      // A socket that never says a good hello has no page behind it.
      if (!hello) return;
      expect(this.opens(page, hello), where).toEqual(comparable(hello));
      return;
    }
    const load = this.sockets.get(page);
    if (!load) return;
    if (deed.loses_socket) {
      this.run(load, { type: "socket_closed" });
      return;
    }
    const said = this.frames(load, deed, expected);
    const compared = expected.filter(({ t }) => t !== "ack").map(comparable);
    expect(said.map(comparable), where).toEqual(compared);
  }

  private frames(load: Load, deed: Exclude<Does, "pongs">, expected: PageFrame[]): PageFrame[] {
    if (deed.happened) {
      const event = expected.find((frame) => frame.t === "event");
      load.nextId = event?.id ?? "unexpected";
      return this.run(load, { type: "happened", event: deed.happened });
    }
    if (deed.changes) {
      const { visible, focused, contact, phone_ready, audio_owner, agent } = deed.changes;
      const phone = {
        kind: "amazon-connect",
        ready: phone_ready,
        audio_owner,
        contacts: [],
        ...(agent ? { agent } : {}),
      };
      const said = [
        ...this.run(load, { type: "phone", phone }),
        ...this.run(load, { type: "page", visible, focused, ...(contact === undefined ? {} : { contact }) }),
      ];
      // Softphone and page change one after the other; what counts is how they are then.
      return said.slice(-1);
    }
    if (deed.finishes) {
      const itself = load.answered.get(load.given);
      load.answered.delete(load.given);
      return itself ? [itself] : this.run(load, { type: "finished", cmd: load.given, ...deed.finishes });
    }
    return [];
  }

  /** From losing the last socket, if there was one, to the hello on the next. */
  private opens(page: string, hello: Hello & { t: "hello" }): unknown {
    const { id, tab, visible, focused } = hello.page;
    const memory = this.memories.get(tab) ?? pageMemory(tab);
    this.memories.set(tab, memory);
    const load = this.loads.get(id) ?? new Load(hello, memory);
    const again = this.loads.has(id);
    this.loads.set(id, load);
    this.sockets.set(page, load);
    load.socket = page;
    this.run(load, { type: "page", visible, focused });
    this.run(load, { type: "phone", phone: hello.phone });
    if (again) {
      this.run(load, { type: "socket_closed" });
      this.run(load, { type: "wake" });
    } else {
      this.run(load, { type: "start" });
    }
    this.run(load, { type: "ticket", ticket: hello.ticket });
    return comparable(this.run(load, { type: "socket_open" })[0]);
  }

  private hears(page: string, frame: ServerFrame): void {
    const load = this.sockets.get(page);
    // What comes on a socket that was replaced is not heard any more.
    if (load?.socket !== page) return;
    if (frame.t === "command") load.given = frame.cmd;
    for (const said of this.run(load, { type: "frame", text: JSON.stringify(frame) })) {
      if (said.t === "result") load.answered.set(said.cmd, said);
    }
  }

  private passes(ms: number): void {
    this.now += ms;
    for (const load of this.loads.values()) this.run(load, { type: "wake" });
  }

  private run(load: Load, input: Parameters<Session["handle"]>[1]): PageFrame[] {
    const effects: Effect[] = load.session.handle(this.now, input);
    return effects.flatMap((effect) =>
      effect.do === "send" && effect.frame.t !== "ack" ? [effect.frame] : [],
    );
  }
}

/** A frame without what is the page's own affair. */
function comparable(frame: PageFrame | undefined | unknown): unknown {
  const copy = structuredClone(frame) as PageFrame | undefined;
  if (copy?.t === "hello" && copy.resume) copy.resume.last_seq = 0;
  if (copy?.t === "result" && copy.error) copy.error.detail = "";
  if (copy?.t === "event") copy.seen_at = 0;
  return copy;
}

const FORGED = ["counting.json", "frames-that-do-not-fit.json", "hello-twice.json"];

const UNRULY: Record<string, string> = {
  "deadline-search.json": "it answers a command that was taken back; ours is silent",
  "unsubscribed.json": "it sends what nobody subscribed to; ours does not",
  "resume-other-epoch.json": "it names an epoch it was never given; ours repeats the one of its welcome",
};

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

describe("the page's side of the transcripts", () => {
  it("has something to play", () => {
    expect(files.length).toBeGreaterThan(30);
  });

  it.each(files)("%s", (name) => {
    const player = new Player(JSON.parse(readFileSync(`${FOLDER}/${name}`, "utf8")) as Transcript);
    if (name in UNRULY) {
      expect(() => player.play(), UNRULY[name]).toThrow(/step \d+ of page/);
      return;
    }
    player.play();
    expect(player.forged > 0, "whether it has frames of a forged or broken page").toBe(FORGED.includes(name));
  });
});
