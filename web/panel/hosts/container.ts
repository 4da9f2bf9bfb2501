import type { OpenCtiSettings } from "../settings";

/** What decides whether, and from where, the CRM page's script may be loaded. */
export interface FrameFacts {
  framed: boolean;
  /** `location.ancestorOrigins`, nearest first; empty where the browser has none. */
  ancestorOrigins: readonly string[];
  referrer: string;
}

export function frameFacts(view: Window = window): FrameFacts {
  const list = view.location.ancestorOrigins;
  return {
    framed: view.parent !== view,
    ancestorOrigins: list ? Array.from(list) : [],
    referrer: view.document.referrer,
  };
}

/**
 * The origin of the CRM page that frames us, if it is one we may trust; otherwise `null`.
 *
 * An origin counts when it is configured exactly, or when it is https on the standard port and its host ends in a
 * configured suffix at a dot. Anything else, however similar its name, is not asked for a script.
 */
export function crmOrigin(facts: FrameFacts, settings: OpenCtiSettings): string | null {
  if (!facts.framed) return null;
  const claimed = facts.ancestorOrigins[0] ?? facts.referrer;
  let url: URL;
  try {
    url = new URL(claimed);
  } catch {
    return null;
  }
  if (settings.origins.includes(url.origin)) return url.origin;
  if (url.protocol !== "https:" || url.port !== "") return null;
  const trusted = settings.host_suffixes.some((suffix) => {
    const bare = suffix.replace(/^\.+/, "").toLowerCase();
    // A suffix of one label ("com") would trust half the world, so it trusts nobody.
    return bare.includes(".") && url.hostname.endsWith(`.${bare}`);
  });
  return trusted ? url.origin : null;
}

/** Where the CRM keeps its page script (Open CTI Developer Guide, "Connect to Open CTI"). */
export function scriptAddress(origin: string, apiVersion: string): string {
  const version = apiVersion.replace(/^v/, "");
  if (!/^\d{2,3}\.\d$/.test(version)) throw new RangeError(`not an API version: ${apiVersion}`);
  return `${origin}/support/api/${version}/lightning/opencti_min.js`;
}
