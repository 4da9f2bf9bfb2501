/** What happened, from both sides of the world, in one list. */

export interface Happening {
  key: string;
  at: string;
  text: string;
  tone: "call" | "delivery" | "write" | "problem";
}

/** An element of `GET /deliveries` of the contact center; members we do not know are left alone. */
interface Delivery {
  id: number;
  at: string;
  kind: "event" | "record";
  /** For events: `INITIATED`, `CONNECTED_TO_AGENT`, … */
  eventType?: string;
  status: "waiting" | "sending" | "delivered" | "failed" | "kept";
  /** HTTP status of the newest answer. */
  answered: number | null;
}

/** An element of `GET /requests` of the CRM. */
export interface SeenRequest {
  n: number;
  time: string;
  method: string;
  path: string;
  /** Null while there is no answer, and when the connection was closed instead. */
  status: number | null;
  /** Whether it changed a record and the change was kept. */
  committed: boolean;
}

const list = <T>(value: unknown): T[] => (Array.isArray(value) ? (value as T[]) : []);

const DELIVERY: Record<Delivery["status"], string> = {
  waiting: "waits to be sent again",
  sending: "is on its way",
  delivered: "delivered to Tieline",
  failed: "was refused",
  kept: "was kept back",
};

export function deliveries(answer: unknown): Happening[] {
  return list<Delivery>(answer).map((each) => {
    const good = each.status === "delivered" || each.status === "sending";
    const what = each.kind === "record" ? "Contact record" : spaced(each.eventType ?? "contact event");
    const why = !good && each.answered ? ` (${each.answered})` : "";
    return {
      key: `d${each.id}`,
      at: each.at,
      text: `${what} ${DELIVERY[each.status] ?? each.status}${why}`,
      tone: good ? "delivery" : "problem",
    };
  });
}

/** `CONNECTED_TO_AGENT` as words. */
function spaced(name: string): string {
  const words = name.replaceAll("_", " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Only what was written; reads would bury it. A person's own changes in the page are among them. */
export function writes(seen: readonly SeenRequest[]): Happening[] {
  return seen
    .filter(({ method, path }) => method !== "GET" && path.includes("/sobjects"))
    .map((each) => {
      const good = each.status !== null && each.status < 300;
      const object = /\/sobjects\/([A-Za-z_]+)/.exec(each.path)?.[1]?.replace("__c", "") ?? "Records";
      const refused = each.status === null ? "no answer yet" : `the CRM said ${each.status}`;
      return {
        key: `w${each.n}`,
        at: each.time,
        text: good ? `${object} written to the CRM` : `${object}: ${refused}`,
        tone: good ? "write" : "problem",
      };
    });
}

/** Newest first, at most `limit`. */
export function latest(all: Happening[], limit = 12): Happening[] {
  return [...all].sort((a, b) => b.at.localeCompare(a.at)).slice(0, limit);
}
