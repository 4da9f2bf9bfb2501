import { forwardRef } from "react";

interface Props {
  adapter: string;
  panel: { visible: boolean; height: number; width: number; label: string };
  onToggle(): void;
}

/** The bar at the foot of the console; its one item is the softphone. The frame stays when it is minimised. */
export const UtilityBar = forwardRef<HTMLIFrameElement, Props>(function UtilityBar(
  { adapter, panel, onToggle },
  frame,
) {
  return (
    <footer className="utility">
      <div className="dock" data-open={panel.visible} style={{ height: panel.height, width: panel.width }}>
        <header>
          <strong>{panel.label}</strong>
          <button type="button" className="plain" aria-label="Minimise the softphone" onClick={onToggle}>
            –
          </button>
        </header>
        <iframe
          ref={frame}
          src={adapter}
          title="Softphone"
          allow="microphone; autoplay; clipboard-write; storage-access"
          data-testid="softphone"
        />
      </div>
      <button type="button" className="item" aria-expanded={panel.visible} onClick={onToggle}>
        <span aria-hidden="true">☎</span> {panel.label}
      </button>
    </footer>
  );
});
