import { useEffect } from "react";
import type { Crm, Row } from "../shared/rest";
import { soqlText } from "../shared/rest";
import { Badge } from "./Badge";
import { fieldText } from "./fieldText";
import { isPhoneField, objectOf, shownObject } from "./objects";
import type { View } from "./tabs";
import { useLoad } from "./useLoad";
import { when } from "./when";

type Dial = (number: string, record: { id: string; object: string; name: string }) => void;

interface Props {
  crm: Crm;
  object: string;
  id: string;
  revision: number;
  /** `null` while no softphone has switched click-to-dial on. */
  onDial: Dial | null;
  onOpen(view: View): void;
  onTitle(title: string): void;
}

export function RecordPage({ crm, object, id, revision, onDial, onOpen, onTitle }: Props) {
  const shown = shownObject(object);
  const record = useLoad<Row | null>(async () => {
    const fields = (shown?.fields ?? [["Name", "Name"]]).map(([name]) => name).join(", ");
    const rows = await crm.query(`SELECT Id, ${fields} FROM ${object} WHERE Id = ${soqlText(id)}`);
    return rows[0] ?? null;
  }, `${id} ${revision}`);

  const name = record.state === "done" && record.value ? fieldText(record.value, shown?.title ?? "Name") : "";
  // biome-ignore lint/correctness/useExhaustiveDependencies: the title follows the name, not the callback.
  useEffect(() => {
    if (name) onTitle(name);
  }, [name]);

  if (record.state === "loading") return <p className="empty">Loading…</p>;
  if (record.state === "failed") return <p className="problem card">{record.problem}</p>;
  if (!record.value)
    return (
      <p className="problem card" role="alert">
        There is no such record, or you may not see it.
      </p>
    );
  const row = record.value;
  return (
    <div className="record" data-record={id} data-object={object}>
      <header className="card headline">
        <Badge object={object} />
        <div>
          <small>{shown?.label ?? object}</small>
          <h1>{name || id}</h1>
        </div>
      </header>
      <div className="columns">
        <section className="card" aria-label="Details">
          <h2>Details</h2>
          <dl className="details">
            {(shown?.fields ?? []).map(([field, label]) => (
              <Field
                key={field}
                label={label}
                text={fieldText(row, field)}
                phone={isPhoneField(field)}
                onDial={onDial && ((number) => onDial(number, { id, object, name }))}
              />
            ))}
          </dl>
        </section>
        {["Contact", "Account", "Lead", "Case"].includes(object) && (
          <div>
            <Activities crm={crm} id={id} object={object} revision={revision} onOpen={onOpen} />
            {(object === "Contact" || object === "Account") && (
              <Cases crm={crm} id={id} object={object} onOpen={onOpen} />
            )}
          </div>
        )}
      </div>
    </div>
  );
}

interface FieldProps {
  label: string;
  text: string;
  phone: boolean;
  onDial: ((number: string) => void) | null;
}

function Field({ label, text, phone, onDial }: FieldProps) {
  return (
    <>
      <dt>{label}</dt>
      <dd>
        {text === "" ? (
          <span className="none">–</span>
        ) : phone ? (
          <button
            type="button"
            className="link phone"
            disabled={!onDial}
            title={onDial ? `Call ${text}` : "The softphone is not ready"}
            onClick={() => onDial?.(text)}
          >
            {text}
          </button>
        ) : (
          text
        )}
      </dd>
    </>
  );
}

interface RelatedProps {
  crm: Crm;
  id: string;
  object: string;
  revision?: number;
  onOpen(view: View): void;
}

/** What happened with this record: tasks, and the interactions they project. */
function Activities({ crm, id, object, revision, onOpen }: RelatedProps) {
  const side = objectOf(id) === "Contact" || object === "Lead" ? "WhoId" : "WhatId";
  const tasks = useLoad<Row[]>(
    () =>
      crm.query(
        `SELECT Id, Subject, Status, CallType, CallDurationInSeconds, CreatedDate FROM Task
         WHERE ${side} = ${soqlText(id)} ORDER BY CreatedDate DESC LIMIT 20`,
      ),
    `${id} ${revision ?? 0}`,
    2_000,
  );
  const lookup = ["Contact", "Lead", "Account", "Case"].includes(object) ? `${object}__c` : null;
  const interactions = useLoad<Row[]>(
    () =>
      lookup
        ? crm.query(
            `SELECT Id, Name, Channel__c, Direction__c, State__c, Queue__c, Started_At__c FROM Interaction__c
             WHERE ${lookup} = ${soqlText(id)} ORDER BY CreatedDate DESC LIMIT 20`,
          )
        : Promise.resolve([]),
    `${id} ${revision ?? 0}`,
    2_000,
  );
  return (
    <section className="card" aria-label="Activity" data-testid="activity">
      <h2>Activity</h2>
      {tasks.state === "failed" && <p className="problem">{tasks.problem}</p>}
      {tasks.state === "done" && tasks.value.length === 0 && <p className="empty">No activity yet.</p>}
      <ul className="rows">
        {tasks.state === "done" &&
          tasks.value.map((task) => (
            <li key={task.Id} data-task={task.Id}>
              <Badge object="Task" />
              <button
                type="button"
                className="link"
                onClick={() => onOpen({ kind: "record", object: "Task", id: task.Id })}
              >
                {String(task.Subject ?? "Task")}
              </button>
              <small>
                {[task.Status, task.CallType, seconds(task.CallDurationInSeconds), when(task.CreatedDate)]
                  .filter(Boolean)
                  .join(" · ")}
              </small>
            </li>
          ))}
        {interactions.state === "done" &&
          interactions.value.map((each) => (
            <li key={each.Id} data-interaction={each.Id}>
              <Badge object="Interaction__c" />
              <button
                type="button"
                className="link"
                onClick={() => onOpen({ kind: "record", object: "Interaction__c", id: each.Id })}
              >
                {String(each.Name ?? "Interaction")}
              </button>
              <small>
                {[each.Channel__c, each.Direction__c, each.State__c, when(each.Started_At__c)]
                  .filter(Boolean)
                  .join(" · ")}
              </small>
            </li>
          ))}
      </ul>
    </section>
  );
}

/** As on a clock: `3:04`. */
const seconds = (value: unknown) =>
  typeof value === "number" ? `${Math.floor(value / 60)}:${String(value % 60).padStart(2, "0")}` : "";

function Cases({ crm, id, object, onOpen }: RelatedProps) {
  const cases = useLoad<Row[]>(
    () =>
      crm.query(
        `SELECT Id, CaseNumber, Subject, Status FROM Case WHERE ${object}Id = ${soqlText(id)} ORDER BY CaseNumber LIMIT 20`,
      ),
    id,
  );
  return (
    <section className="card" aria-label="Cases">
      <h2>Cases</h2>
      {cases.state === "failed" && <p className="problem">{cases.problem}</p>}
      {cases.state === "done" && cases.value.length === 0 && <p className="empty">No cases.</p>}
      <ul className="rows">
        {cases.state === "done" &&
          cases.value.map((each) => (
            <li key={each.Id}>
              <Badge object="Case" />
              <button
                type="button"
                className="link"
                onClick={() => onOpen({ kind: "record", object: "Case", id: each.Id })}
              >
                {String(each.CaseNumber)} {String(each.Subject ?? "")}
              </button>
              <small>{String(each.Status ?? "")}</small>
            </li>
          ))}
      </ul>
    </section>
  );
}
