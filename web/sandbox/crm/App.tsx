import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { Crm } from "../shared/rest";
import type { World } from "../shared/world";
import { readWorld } from "../shared/world";
import { SoftphoneChannel } from "./cti/channel";
import { HomePage } from "./HomePage";
import { ListPage } from "./ListPage";
import { NewRecordPage } from "./NewRecordPage";
import { shownObject } from "./objects";
import { RecordPage } from "./RecordPage";
import { SearchPage } from "./SearchPage";
import { findRecords } from "./search";
import { TabBar } from "./TabBar";
import { TopBar } from "./TopBar";
import { addressOf, startTabs, tabs, type View, viewAt } from "./tabs";
import { UtilityBar } from "./UtilityBar";

/** Who uses the page: `?user=otto.lund@example.com` for another of the seeded users. */
const userName = () => new URLSearchParams(location.search).get("user") ?? "nora.quist@example.com";

/** Which workspace's panel is framed: `?workspace=other`. */
const workspace = () => new URLSearchParams(location.search).get("workspace") ?? "demo";

interface Ready {
  crm: Crm;
  world: World;
}

export function App() {
  const [ready, setReady] = useState<Ready | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  const start = useCallback(() => {
    setProblem(null);
    Promise.all([Crm.signIn(userName()), readWorld()])
      .then(([crm, world]) => setReady({ crm, world }))
      .catch((error: Error) => setProblem(error.message));
  }, []);
  useEffect(start, [start]);

  if (problem)
    return (
      <main className="blank" role="alert">
        <h1>The CRM does not answer</h1>
        <p>{problem}</p>
        <button type="button" className="button" onClick={start}>
          Try again
        </button>
      </main>
    );
  if (!ready)
    return (
      <main className="blank" aria-busy="true">
        <p>Signing in…</p>
      </main>
    );
  return <ConsoleApp {...ready} />;
}

function ConsoleApp({ crm, world }: Ready) {
  const [state, dispatch] = useReducer(tabs, undefined, () =>
    tabs(startTabs(), { do: "open", view: viewAt(location.pathname, location.search) }),
  );
  const [revision, refresh] = useReducer((count: number) => count + 1, 0);
  const [panel, setPanel] = useState({ visible: true, height: 570, width: 330, label: "Phone" });
  const [clicks, setClicks] = useState(false);
  const frame = useRef<HTMLIFrameElement>(null);
  const channel = useRef<SoftphoneChannel | null>(null);

  const active = state.open.find((tab) => tab.key === state.active);
  const view: View = active?.view ?? { kind: "home" };
  const open = useCallback((next: View) => dispatch({ do: "open", view: next }), []);

  // The channel lives as long as the page; it looks at what is shown through this.
  const now = useRef({ view, name: active?.title ?? "", panel });
  now.current = { view, name: active?.title ?? "", panel };

  const adapter = `${world.parts.tieline}/panel/${encodeURIComponent(workspace())}`;
  useEffect(() => {
    const made = new SoftphoneChannel(
      () => frame.current,
      new URL(adapter).origin,
      {
        view: () => now.current.view,
        viewName: () => now.current.name,
        open,
        refresh,
        search: (text) => findRecords(crm, text),
        create: (object, fields) => crm.create(object, fields),
        update: (object, id, fields) => crm.update(object, id, fields),
        panel: {
          visible: () => now.current.panel.visible,
          setVisible: (visible) => setPanel((old) => ({ ...old, visible })),
          setSize: (size) => setPanel((old) => ({ ...old, ...size })),
          setLabel: (label) => setPanel((old) => ({ ...old, label })),
        },
        settings: () => ({
          "/displayNameLabel": "Display Name",
          "/internalNameLabel": "Internal Name",
          "/reqGeneralInfo/reqAdapterUrl": adapter,
          "/reqGeneralInfo/reqDisplayName": "Tieline",
          "/reqGeneralInfo/reqInternalName": "Tieline",
          "/reqGeneralInfo/reqSoftphoneHeight": String(now.current.panel.height),
          "/reqGeneralInfo/reqSoftphoneWidth": String(now.current.panel.width),
          "/reqGeneralInfo/reqUseApi": "true",
          "/reqGeneralInfo/reqSalesforceCompatibilityMode": "Lightning",
        }),
      },
      setClicks,
    );
    channel.current = made;
    return () => made.close();
  }, [adapter, crm, open]);

  // The address follows the tab, and the softphone is told where the agent is.
  const address = addressOf(view);
  useEffect(() => {
    if (location.pathname + location.search !== address)
      history.replaceState(null, "", address + userSuffix(address));
    const tell = () => {
      const at = now.current;
      channel.current?.navigated(
        at.view.kind === "record"
          ? { url: address, recordId: at.view.id, recordName: at.name, objectType: at.view.object }
          : { url: address },
      );
    };
    tell();
    // As in life, also when the browser's tab comes back to the front.
    const shown = () => document.visibilityState === "visible" && tell();
    window.addEventListener("focus", tell);
    document.addEventListener("visibilitychange", shown);
    return () => {
      window.removeEventListener("focus", tell);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [address]);

  const setTitle = useCallback((key: string, title: string) => dispatch({ do: "title", key, title }), []);

  const dial = useMemo(
    () =>
      clicks
        ? (number: string, record: { id: string; object: string; name: string }) =>
            channel.current?.clickToDial({
              number,
              recordId: record.id,
              recordName: record.name,
              objectType: record.object,
            })
        : null,
    [clicks],
  );

  return (
    <div className="console">
      <TopBar user={crm.user} onSearch={(text) => open({ kind: "search", text })} onOpen={open} />
      <TabBar
        tabs={state}
        onSelect={(key) => dispatch({ do: "select", key })}
        onClose={(key) => dispatch({ do: "close", key })}
      />
      <main className="work" id="work">
        {view.kind === "home" && <HomePage crm={crm} onOpen={open} revision={revision} />}
        {view.kind === "list" && shownObject(view.object) && (
          <ListPage key={view.object} crm={crm} object={view.object} onOpen={open} />
        )}
        {view.kind === "record" && (
          <RecordPage
            key={view.id}
            crm={crm}
            object={view.object}
            id={view.id}
            revision={revision}
            onDial={dial}
            onOpen={open}
            onTitle={(title) => setTitle(state.active, title)}
          />
        )}
        {view.kind === "search" && <SearchPage key={view.text} crm={crm} text={view.text} onOpen={open} />}
        {view.kind === "new" && (
          <NewRecordPage
            key={view.object}
            crm={crm}
            object={view.object}
            defaults={view.defaults}
            onDone={(id) => {
              dispatch({ do: "close", key: state.active });
              if (id) open({ kind: "record", object: view.object, id });
            }}
          />
        )}
      </main>
      <UtilityBar
        ref={frame}
        adapter={adapter}
        panel={panel}
        onToggle={() => setPanel((old) => ({ ...old, visible: !old.visible }))}
      />
    </div>
  );
}

/** Keeps `?user=` and `?workspace=` across navigation, so that a reload is the same page. */
function userSuffix(address: string): string {
  const query = new URLSearchParams(location.search);
  const kept = new URLSearchParams();
  for (const name of ["user", "workspace"]) {
    const value = query.get(name);
    if (value) kept.set(name, value);
  }
  if (kept.size === 0) return "";
  return (address.includes("?") ? "&" : "?") + kept.toString();
}
