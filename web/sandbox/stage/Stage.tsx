import { useEffect, useState } from "react";
import type { World } from "../shared/world";
import { control, readWorld } from "../shared/world";
import { deliveries, type Happening, latest, type SeenRequest, writes } from "./happenings";
import { Phone } from "./Phone";
import { useCall } from "./useCall";

/** One page with the whole world: the caller's phone beside the agent's CRM. */
export function Stage() {
  const [world, setWorld] = useState<World | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    readWorld().then(setWorld, (error: Error) => setProblem(error.message));
  }, []);
  if (problem)
    return (
      <main className="lonely" role="alert">
        <h1>The simulated world does not answer</h1>
        <p>{problem}</p>
        <p>
          Start it with <code>make demo</code> and load this page again.
        </p>
      </main>
    );
  if (!world) return <main className="lonely" aria-busy="true" />;
  return <Play world={world} />;
}

function Play({ world }: { world: World }) {
  const call = useCall(world.parts.amazon_connect);
  const happened = useHappenings(world.parts.amazon_connect);
  return (
    <div className="stage">
      <aside>
        <header className="title">
          <h1>Tieline</h1>
          <p>You are the customer on the left and the agent on the right.</p>
        </header>
        <Phone call={call} />
        <section className="happened" aria-label="What happened">
          <h2>What happened</h2>
          {happened.length === 0 ? (
            <p className="empty">Nothing yet: press Call.</p>
          ) : (
            <ol aria-live="polite">
              {happened.map((each) => (
                <li key={each.key} className={each.tone}>
                  <time dateTime={each.at}>{clock(each.at)}</time> {each.text}
                </li>
              ))}
            </ol>
          )}
        </section>
      </aside>
      <iframe
        src={`/lightning/page/home${location.search}`}
        title="The agent's CRM"
        allow="microphone; autoplay; clipboard-write; storage-access"
        data-testid="crm"
      />
    </div>
  );
}

const clock = (at: string) => {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString("en-GB");
};

/** Polled: the stage watches two servers that do not know it. */
function useHappenings(connect: string): Happening[] {
  const [happened, setHappened] = useState<Happening[]>([]);
  useEffect(() => {
    let gone = false;
    let last = 0;
    let written: Happening[] = [];
    const look = async () => {
      const [sent, seen] = await Promise.all([
        control<unknown>(connect, "GET", "/deliveries").catch(() => []),
        control<SeenRequest[]>("", "GET", `/requests?since=${last}`).catch(() => []),
      ]);
      if (gone) return;
      // What has no answer yet is asked for again; the list is long, so the rest is not.
      const open = seen.find(({ status }) => status === null);
      last = open ? open.n - 1 : (seen.at(-1)?.n ?? last);
      const fresh = writes(seen);
      const keys = new Set(fresh.map(({ key }) => key));
      written = latest([...written.filter(({ key }) => !keys.has(key)), ...fresh]);
      setHappened(latest([...deliveries(sent), ...written]));
    };
    void look();
    const timer = setInterval(() => !document.hidden && look(), 1_500);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [connect]);
  return happened;
}
