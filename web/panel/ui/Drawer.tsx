import { type KeyboardEvent, useId, useRef, useState } from "react";
import type { PanelTrace } from "../../shared/protocol";
import { strings } from "../strings";
import { Attributes } from "./Attributes";
import { Trace } from "./Trace";

const TABS = ["attributes", "trace"] as const;
type Tab = (typeof TABS)[number];

export interface DrawerProps {
  contact: string | null;
  attributes: { name: string; value: string }[];
  trace: PanelTrace | null;
  tell: (level: "info" | "warning", text: string) => void;
}

/** Closed at start, and it never opens by itself. Escape closes it and gives the focus back. */
export function Drawer(props: DrawerProps) {
  const [open, setOpen] = useState(false);
  const [tab, setTab] = useState<Tab>("attributes");
  const handle = useRef<HTMLButtonElement>(null);
  const tabs = useRef<Partial<Record<Tab, HTMLButtonElement | null>>>({});
  const id = useId();

  const onEscape = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    setOpen(false);
    handle.current?.focus();
  };
  const choose = (next: Tab) => {
    setTab(next);
    tabs.current[next]?.focus();
  };
  const arrows = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length];
    if (next) choose(next);
  };

  const count = props.attributes.length;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape is caught here for everything inside
    <div className={open ? "drawer open" : "drawer"} onKeyDown={onEscape}>
      <button
        ref={handle}
        type="button"
        className="handle"
        aria-expanded={open}
        aria-controls={`${id}-body`}
        onClick={() => setOpen(!open)}
      >
        <svg viewBox="0 0 12 8" width="12" height="8" aria-hidden="true">
          <path d="M1 6.5 6 1.5l5 5" />
        </svg>
        {open ? strings.drawer.close : strings.drawer.open}
        {!open && count > 0 && <span className="count">{count}</span>}
      </button>
      <div id={`${id}-body`} className="drawer-body" hidden={!open}>
        <div role="tablist" className="tabs" onKeyDown={arrows}>
          {TABS.map((name) => (
            <button
              key={name}
              ref={(element) => {
                tabs.current[name] = element;
              }}
              type="button"
              role="tab"
              id={`${id}-${name}`}
              aria-selected={tab === name}
              aria-controls={`${id}-panel`}
              tabIndex={tab === name ? 0 : -1}
              onClick={() => choose(name)}
            >
              {strings.drawer.tabs[name]}
            </button>
          ))}
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
        <div id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${tab}`} className="tab" tabIndex={0}>
          {tab === "attributes" ? (
            <Attributes contact={props.contact} attributes={props.attributes} tell={props.tell} />
          ) : (
            <Trace trace={props.trace} />
          )}
        </div>
      </div>
    </div>
  );
}
