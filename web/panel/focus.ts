/**
 * Whether the person works in this CRM page or in another tab or window.
 *
 * A framed page cannot ask whether the page around it has the focus. So the newest sign of life counts: our tab
 * came to the front, our frame was focused or touched, or the CRM page told of a click or a navigation. Panels of the
 * same browser tell each other. It is only a report: the server decides which page acts.
 */
export interface Focus {
  visible(): boolean;
  focused(): boolean;
  /** The CRM page showed that the person is there. */
  sign(): void;
}

export function watchFocus(changed: () => void, view: Window = window): Focus {
  const page = view.document;
  const visible = () => page.visibilityState === "visible";
  let here = visible();

  let channel: BroadcastChannel | null = null;
  try {
    channel = new BroadcastChannel("tieline.focus");
    channel.onmessage = () => {
      if (!here) return;
      here = false;
      changed();
    };
  } catch {
    channel = null;
  }

  const sign = () => {
    channel?.postMessage("here");
    if (here) return;
    here = true;
    changed();
  };
  if (here) channel?.postMessage("here");

  page.addEventListener("visibilitychange", () => {
    if (visible()) sign();
    else {
      here = false;
      changed();
    }
  });
  view.addEventListener("focus", sign);
  page.addEventListener("pointerdown", sign, { capture: true });
  return { visible, focused: () => here && visible(), sign };
}
