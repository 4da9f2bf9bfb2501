import { useCallback, useSyncExternalStore } from "react";
import type { PanelControls } from "../panel";
import { Banner } from "./Banner";
import { Drawer } from "./Drawer";
import { Header } from "./Header";
import { Notices } from "./Notices";
import { PhonePane } from "./PhonePane";

export function App({ controls }: { controls: PanelControls }) {
  const state = useSyncExternalStore(controls.store.subscribe, controls.store.get);
  const copied = useCallback(
    (level: "info" | "warning", text: string) => controls.tell(level, text),
    [controls],
  );
  return (
    <div className="panel">
      <Header state={state} onSignOut={controls.signOut} />
      <Banner state={state} controls={controls} />
      <Notices notices={state.notices} onDismiss={controls.dismiss} />
      <main className="stack">
        <PhonePane phone={state.phone} controls={controls} />
        <Drawer contact={state.contact} attributes={state.attributes} trace={state.trace} tell={copied} />
      </main>
    </div>
  );
}
