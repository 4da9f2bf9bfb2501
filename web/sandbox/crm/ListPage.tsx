import type { Crm, Row } from "../shared/rest";
import { Badge } from "./Badge";
import { fieldText } from "./fieldText";
import { shownObject } from "./objects";
import type { View } from "./tabs";
import { useLoad } from "./useLoad";

interface Props {
  crm: Crm;
  object: string;
  onOpen(view: View): void;
}

export function ListPage({ crm, object, onOpen }: Props) {
  const shown = shownObject(object);
  const columns = (shown?.fields ?? []).slice(0, 4);
  const rows = useLoad<Row[]>(
    () =>
      crm.query(
        `SELECT Id, ${columns.map(([name]) => name).join(", ")} FROM ${object} ORDER BY ${shown?.title ?? "Id"} LIMIT 200`,
      ),
    object,
  );
  return (
    <section className="card wide">
      <h1>
        <Badge object={object} /> {shown?.plural}
        <button
          type="button"
          className="button right"
          onClick={() => onOpen({ kind: "new", object, defaults: {} })}
        >
          New
        </button>
      </h1>
      {rows.state === "loading" && <p className="empty">Loading…</p>}
      {rows.state === "failed" && <p className="problem">{rows.problem}</p>}
      {rows.state === "done" && (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                {columns.map(([name, label]) => (
                  <th key={name} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.value.map((row) => (
                <tr key={row.Id}>
                  {columns.map(([name], index) => (
                    <td key={name}>
                      {index === 0 ? (
                        <button
                          type="button"
                          className="link"
                          onClick={() => onOpen({ kind: "record", object, id: row.Id })}
                        >
                          {fieldText(row, name) || row.Id}
                        </button>
                      ) : (
                        fieldText(row, name)
                      )}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
