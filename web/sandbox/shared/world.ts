/** The sandbox's control API, from its own pages. */

export interface World {
  seed: number;
  now: string;
  /** Part name to the address browsers use. */
  parts: { tieline: string; salesforce: string; amazon_connect: string };
}

/** A problem document of the sandbox, or a network failure. */
export class ControlError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function control<T>(origin: string, method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = {};
  // Forces a preflight, so that only the sandbox's own pages can change anything.
  if (method !== "GET") headers["X-Tieline-Sandbox"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(`${origin}/sandbox/v1${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new ControlError(0, "the simulated world does not answer");
  });
  const text = await response.text();
  if (!response.ok) throw new ControlError(response.status, problemText(text) ?? `status ${response.status}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}

function problemText(text: string): string | null {
  try {
    const problem = JSON.parse(text) as { detail?: unknown; title?: unknown };
    const words = problem.detail ?? problem.title;
    return typeof words === "string" ? words : null;
  } catch {
    return null;
  }
}

export const readWorld = () => control<World>("", "GET", "/world");
