import type { Crm } from "../shared/rest";
import { Badge } from "./Badge";
import { shownObject } from "./objects";
import { findRecords } from "./search";
import type { View } from "./tabs";
import { useLoad } from "./useLoad";

interface Props {
  crm: Crm;
  text: string;
  onOpen(view: View): void;
}

export function SearchPage({ crm, text, onOpen }: Props) {
  const found = useLoad(() => findRecords(crm, text, 50), text);
  return (
    <section className="card wide" aria-busy={found.state === "loading"}>
      <h1>Results for “{text}”</h1>
      {found.state === "loading" && <p className="empty">Searching…</p>}
      {found.state === "failed" && <p className="problem">{found.problem}</p>}
      {found.state === "done" && found.value.length === 0 && <p className="empty">Nothing was found.</p>}
      {found.state === "done" && (
        <ul className="rows">
          {found.value.map((each) => (
            <li key={each.id}>
              <Badge object={each.object} />
              <button
                type="button"
                className="link"
                onClick={() => onOpen({ kind: "record", object: each.object, id: each.id })}
              >
                {each.name}
              </button>
              <small>
                {shownObject(each.object)?.label} {each.hint && `· ${each.hint}`}
              </small>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
