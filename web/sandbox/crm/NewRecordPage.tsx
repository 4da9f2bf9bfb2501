import { type FormEvent, useState } from "react";
import type { Crm } from "../shared/rest";
import { Badge } from "./Badge";
import { shownObject } from "./objects";

interface Props {
  crm: Crm;
  object: string;
  defaults: Record<string, string>;
  /** With the new record's id, or without when the agent gave up. */
  onDone(id?: string): void;
}

/** The new-record form, as a dialog over the console. */
export function NewRecordPage({ crm, object, defaults, onDone }: Props) {
  const shown = shownObject(object);
  const offered = shown?.form ?? [];
  const [values, setValues] = useState<Record<string, string>>(() => ({ ...defaults }));
  const [problem, setProblem] = useState<string | null>(null);
  const [saving, setSaving] = useState(false);
  const further = Object.keys(defaults).filter((name) => !offered.some(([each]) => each === name));

  const save = (event: FormEvent) => {
    event.preventDefault();
    setSaving(true);
    setProblem(null);
    const fields = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
    crm
      .create(object, fields)
      .then(onDone)
      .catch((error: Error) => setProblem(error.message))
      .finally(() => setSaving(false));
  };

  return (
    <section className="card form" role="dialog" aria-labelledby="new-title" data-testid="new-record">
      <h1 id="new-title">
        <Badge object={object} /> New {shown?.label ?? object}
      </h1>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <form onSubmit={save}>
        {[...offered, ...further.map((name): [string, string] => [name, name])].map(
          ([name, label], index) => (
            <label key={name}>
              <span>{label}</span>
              <input
                name={name}
                required={index === 0}
                value={values[name] ?? ""}
                onChange={(event) => setValues((old) => ({ ...old, [name]: event.target.value }))}
              />
            </label>
          ),
        )}
        <p className="actions">
          <button type="button" className="button quiet" onClick={() => onDone()}>
            Cancel
          </button>
          <button type="submit" className="button" disabled={saving}>
            {saving ? "Saving…" : "Save"}
          </button>
        </p>
      </form>
    </section>
  );
}
