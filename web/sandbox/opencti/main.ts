/**
 * `sforce.opencti` for a softphone framed by the sandbox's CRM page: Open CTI's Lightning methods.
 *
 * A classic script, loaded by the softphone from the CRM's own origin as in life. It knows nothing of the CRM;
 * each call travels to the embedding page, which does the work, checks the ranges and answers. Only the window
 * above this one, and only from the origin this script came from, is listened to.
 */
import { CALL_TYPES, type FromFrame, METHODS, POP_TYPES, type ToFrame } from "../shared/opencti";

type Callback = (response: unknown) => void;

const source = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : "";
const page = new URL(source || location.href).origin;

const waiting = new Map<number, Callback>();
const listeners: Record<"clickToDial" | "navigation", Callback[]> = { clickToDial: [], navigation: [] };
let last = 0;

function send(method: string, request: Record<string, unknown>): void {
  const { callback, listener, ...args } = request;
  const id = ++last;
  if (typeof callback === "function") waiting.set(id, callback as Callback);
  if (typeof listener === "function") {
    if (method === "onClickToDial") listeners.clickToDial.push(listener as Callback);
    if (method === "onNavigationChange") listeners.navigation.push(listener as Callback);
  }
  const message: FromFrame = { tieline_opencti: 1, id, method, args };
  window.parent.postMessage(message, page);
}

window.addEventListener("message", (event: MessageEvent<ToFrame | null>) => {
  if (event.source !== window.parent || event.origin !== page || event.data?.tieline_opencti !== 1) return;
  const message = event.data;
  if ("event" in message) {
    for (const listener of listeners[message.event] ?? []) listener(message.payload);
    return;
  }
  const callback = waiting.get(message.id);
  waiting.delete(message.id);
  callback?.(message.response);
});

const opencti: Record<string, unknown> = {
  CALL_TYPE: Object.fromEntries(CALL_TYPES.map((type) => [type.toUpperCase(), type])),
  SCREENPOP_TYPE: Object.fromEntries(POP_TYPES.map((type) => [type, type])),
};
for (const method of METHODS) {
  opencti[method] = (request?: Record<string, unknown>) => send(method, request ?? {});
}

const scope = window as unknown as { sforce?: { opencti?: unknown } };
scope.sforce = { ...scope.sforce, opencti };
