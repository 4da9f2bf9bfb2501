import { useCallback, useEffect, useState } from "react";
import { control } from "../shared/world";
import { type CallState, mine, type SeenCall, stateOf } from "./calls";

export interface Call {
  state: CallState;
  /** Its number, queue and agent, while there is a call. */
  seen: SeenCall | null;
  problem: string | null;
  start(from: string, queue: string, attributes: Record<string, string>): void;
  hangUp(): void;
  answer(): void;
  speak(text: string): void;
}

/** The customer's side of the calls, from the contact center's control API. */
export function useCall(connect: string): Call {
  const [placed, setPlaced] = useState<string | null>(null);
  const [calls, setCalls] = useState<SeenCall[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  // While the first look at a new call is out, it is in the queue.
  const [starting, setStarting] = useState(false);

  const look = useCallback(
    () =>
      control<SeenCall[]>(connect, "GET", "/calls").then(
        (now) => setCalls(now),
        () => undefined,
      ),
    [connect],
  );
  useEffect(() => {
    void look();
    const timer = setInterval(() => !document.hidden && look(), 500);
    return () => clearInterval(timer);
  }, [look]);

  const act = (work: Promise<unknown>) => {
    setProblem(null);
    work.then(look).catch((error: Error) => setProblem(error.message));
  };
  const seen = mine(calls, placed);
  const onCall = (action: string, body: unknown = {}) => {
    if (seen) act(control(connect, "POST", `/calls/${encodeURIComponent(seen.contactId)}/${action}`, body));
  };

  return {
    seen,
    problem,
    state: starting ? "waiting" : stateOf(seen),
    start(from, queue, attributes) {
      setStarting(true);
      const made = control<{ contactId: string }>(connect, "POST", "/calls", { from, queue, attributes });
      act(
        made
          .then(async ({ contactId }) => {
            setPlaced(contactId);
            await look();
          })
          .finally(() => setStarting(false)),
      );
    },
    hangUp: () => onCall(stateOf(seen) === "incoming" ? "busy" : "hangup"),
    answer: () => onCall("answer"),
    speak: (text) => onCall("speak", { text }),
  };
}
