/** Listens to the softphone in the utility bar, and to it alone. */

import type { FromFrame, Method, ToFrame } from "../../shared/opencti";
import { METHODS } from "../../shared/opencti";
import { takeFault } from "./faults";
import { type Console, failed, perform } from "./methods";

/** What tests look at: every call the softphone made. */
export interface RecordedCall {
  method: string;
  args: Record<string, unknown>;
}

declare global {
  interface Window {
    __opencti_calls?: RecordedCall[];
  }
}

export class SoftphoneChannel {
  private clicks = false;

  /** `frame` gives the softphone's frame, `origin` the only origin it may have. */
  constructor(
    private readonly frame: () => HTMLIFrameElement | null,
    private readonly origin: string,
    private readonly page: Omit<Console, "setClickToDial">,
    private readonly onClicks: (enabled: boolean) => void,
  ) {
    window.__opencti_calls = [];
    this.hear = this.hear.bind(this);
    window.addEventListener("message", this.hear);
  }

  close(): void {
    window.removeEventListener("message", this.hear);
  }

  clickToDial(payload: Record<string, unknown>): void {
    if (this.clicks) this.post({ tieline_opencti: 1, event: "clickToDial", payload });
  }

  navigated(payload: Record<string, unknown>): void {
    this.post({ tieline_opencti: 1, event: "navigation", payload });
  }

  private post(message: ToFrame): void {
    this.frame()?.contentWindow?.postMessage(message, this.origin);
  }

  private async hear(event: MessageEvent<FromFrame | null>): Promise<void> {
    const window_ = this.frame()?.contentWindow;
    if (!window_ || event.source !== window_ || event.origin !== this.origin) return;
    const message = event.data;
    if (message?.tieline_opencti !== 1 || typeof message.id !== "number") return;
    window.__opencti_calls?.push({ method: message.method, args: message.args });
    if (!(METHODS as readonly string[]).includes(message.method)) return;
    const fault = await takeFault(message.method);
    if (fault?.silent) return;
    const response = fault
      ? failed(fault.code, "the sandbox was asked to fail")
      : await perform(
          {
            ...this.page,
            setClickToDial: (enabled) => {
              this.clicks = enabled;
              this.onClicks(enabled);
            },
          },
          message.method as Method,
          message.args ?? {},
        );
    this.post({ tieline_opencti: 1, id: message.id, response });
  }
}
