import { type FormEvent, useState } from "react";
import { CALLERS } from "./callers";
import { type CallState, isLive } from "./calls";
import type { Call } from "./useCall";

const WORDS: Record<CallState, string> = {
  none: "Not on a call",
  waiting: "In the queue, until an agent is available",
  ringing: "Ringing at the agent…",
  incoming: "The agent is calling",
  talking: "Talking",
  held: "On hold",
  over: "The call is over",
};

const QUEUES = ["Sales", "Billing", "Support"];

const strangerName = "Another number";

const initials = (name: string) =>
  name
    .split(" ")
    .filter((word) => /^[A-Z]/.test(word))
    .map((word) => word.charAt(0))
    .slice(0, 2)
    .join("");

/** The caller's phone. */
export function Phone({ call }: { call: Call }) {
  const [chosen, setChosen] = useState("anna");
  const [typed, setTyped] = useState("");
  const [queue, setQueue] = useState("Sales");
  const [caseNumber, setCaseNumber] = useState("");
  const [words, setWords] = useState("");

  const live = isLive(call.state);
  const caller = CALLERS.find((each) => each.key === chosen);
  const from = chosen === "other" ? typed.trim() : (caller?.from ?? "");

  // An agent may call anybody, so the name goes by the number.
  const number = call.seen?.customer ?? from;
  const name = CALLERS.find((each) => each.from === number)?.name ?? strangerName;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (from === "") return;
    call.start(from, queue, caseNumber === "" ? {} : { caseNumber });
  };
  const say = (event: FormEvent) => {
    event.preventDefault();
    if (words.trim() !== "") call.speak(words.trim());
    setWords("");
  };

  return (
    <section className="handset" aria-label="The caller's phone">
      <header>
        <h2>The caller's phone</h2>
        <p className={`status ${call.state}`} role="status" data-testid="call-state" data-state={call.state}>
          {WORDS[call.state]}
          {live && call.seen?.agent ? ` · ${call.seen.agent}` : ""}
        </p>
      </header>

      {live && (
        <div className="oncall">
          <span className="face" aria-hidden="true">
            {initials(name)}
          </span>
          <p>
            <strong>{name}</strong>
            <small>
              {number}
              {call.seen?.queue ? ` · ${call.seen.queue}` : ""}
            </small>
          </p>
        </div>
      )}

      <form onSubmit={submit}>
        <fieldset disabled={live} hidden={live}>
          <legend>Who calls</legend>
          <div className="callers">
            {CALLERS.map((each) => (
              <label key={each.key} className="caller">
                <input
                  type="radio"
                  name="caller"
                  value={each.key}
                  checked={chosen === each.key}
                  onChange={() => setChosen(each.key)}
                />
                <span>
                  <strong>{each.name}</strong>
                  <small className="number">{each.from}</small>
                  {chosen === each.key && <small className="hint">{each.hint}</small>}
                </span>
              </label>
            ))}
            <label className="caller">
              <input
                type="radio"
                name="caller"
                value="other"
                checked={chosen === "other"}
                onChange={() => setChosen("other")}
              />
              <span>
                <strong>{strangerName}</strong>
                <input
                  type="text"
                  className="number"
                  aria-label="The other number"
                  placeholder="+44 20 7946 0000"
                  value={typed}
                  onFocus={() => setChosen("other")}
                  onChange={(event) => setTyped(event.target.value)}
                />
              </span>
            </label>
          </div>
          <div className="pair">
            <label>
              <span>Queue</span>
              <select value={queue} onChange={(event) => setQueue(event.target.value)}>
                {QUEUES.map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            </label>
            <label>
              <span>Keyed-in case</span>
              <input
                inputMode="numeric"
                placeholder="00001001"
                value={caseNumber}
                onChange={(event) => setCaseNumber(event.target.value)}
              />
            </label>
          </div>
        </fieldset>
        {call.state === "incoming" && (
          <button type="button" className="button big" onClick={call.answer}>
            Answer
          </button>
        )}
        {live ? (
          <button type="button" className="button bad big" onClick={call.hangUp}>
            {call.state === "incoming" ? "Decline" : "Hang up"}
          </button>
        ) : (
          <button type="submit" className="button big" disabled={from === ""}>
            Call
          </button>
        )}
      </form>

      {call.state === "talking" && (
        <form className="say" onSubmit={say}>
          <label>
            <span>Say something</span>
            <input
              value={words}
              placeholder="My delivery has not come"
              onChange={(event) => setWords(event.target.value)}
            />
          </label>
          <button type="submit" className="button quiet">
            Say
          </button>
        </form>
      )}
      {call.problem && (
        <p className="problem" role="alert">
          {call.problem}
        </p>
      )}
    </section>
  );
}
