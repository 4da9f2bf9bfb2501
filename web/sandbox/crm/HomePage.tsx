import type { Crm } from "../shared/rest";
import { Badge } from "./Badge";
import type { View } from "./tabs";
import { useLoad } from "./useLoad";
import { when } from "./when";

interface Props {
  crm: Crm;
  revision: number;
  onOpen(view: View): void;
}

export function HomePage({ crm, revision, onOpen }: Props) {
  const calls = useLoad(
    () =>
      crm.query(
        "SELECT Id, Subject, Status, CreatedDate, Who.Name FROM Task ORDER BY CreatedDate DESC LIMIT 8",
      ),
    `home ${revision}`,
    3_000,
  );
  const people = useLoad(
    () => crm.query("SELECT Id, Name, Title, Account.Name FROM Contact ORDER BY Name LIMIT 8"),
    "people",
  );
  return (
    <div className="columns">
      <section className="card">
        <h2>Latest activities</h2>
        {calls.state === "failed" && <p className="problem">{calls.problem}</p>}
        {calls.state === "loading" && <p className="empty">Loading…</p>}
        {calls.state === "done" && calls.value.length === 0 && (
          <p className="empty">No calls yet. Every call is logged here by itself.</p>
        )}
        <ul className="rows">
          {calls.state === "done" &&
            calls.value.map((task) => (
              <li key={task.Id}>
                <Badge object="Task" />
                <button
                  type="button"
                  className="link"
                  onClick={() => onOpen({ kind: "record", object: "Task", id: task.Id })}
                >
                  {String(task.Subject ?? "Task")}
                </button>
                <small>
                  {String(task.Status ?? "")} · {when(task.CreatedDate)}
                </small>
              </li>
            ))}
        </ul>
      </section>
      <section className="card">
        <h2>Contacts</h2>
        {people.state === "failed" && <p className="problem">{people.problem}</p>}
        <ul className="rows">
          {people.state === "done" &&
            people.value.map((person) => (
              <li key={person.Id}>
                <Badge object="Contact" />
                <button
                  type="button"
                  className="link"
                  onClick={() => onOpen({ kind: "record", object: "Contact", id: person.Id })}
                >
                  {String(person.Name)}
                </button>
                <small>{(person.Account as { Name?: string } | null)?.Name ?? ""}</small>
              </li>
            ))}
        </ul>
      </section>
    </div>
  );
}
