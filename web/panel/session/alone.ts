import type { Command } from "../../shared/protocol";
import type { SearchAndPopResult } from "../hosts/host";
import type { Outcome } from "./perform";

interface Pop {
  digits: string;
  found: Promise<SearchAndPopResult | null>;
}

const KEPT = 20;
/** As many digits at the end as make two spellings one number. */
const SAME = 7;

/**
 * The callers this page opened by number while the server was away.
 *
 * What was sent before the server fell silent it may still read when it comes back, and then its flow searches for
 * the same caller. That search is answered with what was found, or the agent would see the record jump up again.
 */
export class PoppedAlone {
  private readonly pops = new Map<string, Pop>();

  note(contact: string, number: string, found: Promise<SearchAndPopResult>): void {
    this.pops.set(contact, { digits: digitsOf(number), found: found.catch(() => null) });
    for (const old of this.pops.keys()) {
      if (this.pops.size <= KEPT) return;
      this.pops.delete(old);
    }
  }

  /** The outcome of a command that repeats such a search; null when it must be carried out. */
  async answer(command: Command): Promise<Outcome | null> {
    if (command.op !== "search_and_pop" || command.contact === undefined) return null;
    const pop = this.pops.get(command.contact);
    if (!pop || command.args.deferred === true || !sameNumber(pop.digits, command.args.search)) return null;
    // Once: whoever searches for the caller a second time means it.
    this.pops.delete(command.contact);
    const found = await pop.found;
    return found && { status: "done", output: { ...found } };
  }
}

function sameNumber(digits: string, search: unknown): boolean {
  const other = typeof search === "string" ? digitsOf(search) : "";
  const [long, short] = digits.length >= other.length ? [digits, other] : [other, digits];
  return short.length >= SAME && long.endsWith(short);
}

const digitsOf = (text: string) => text.replace(/\D/g, "");
