import { type FormEvent, useState } from "react";
import type { User } from "../shared/rest";
import type { View } from "./tabs";

interface Props {
  user: User;
  onSearch(text: string): void;
  onOpen(view: View): void;
}

const LISTS = ["Contact", "Account", "Lead", "Case"];
const PLURALS: Record<string, string> = {
  Contact: "Contacts",
  Account: "Accounts",
  Lead: "Leads",
  Case: "Cases",
};

export function TopBar({ user, onSearch, onOpen }: Props) {
  const [text, setText] = useState("");
  const search = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== "") onSearch(text.trim());
  };
  const initials = user.name
    .split(" ")
    .map((word) => word[0] ?? "")
    .join("")
    .slice(0, 2);
  return (
    <header className="topbar">
      <span className="brand">
        Service console <small>simulated</small>
      </span>
      <nav aria-label="Objects">
        {LISTS.map((object) => (
          <button
            key={object}
            type="button"
            className="plain"
            onClick={() => onOpen({ kind: "list", object })}
          >
            {PLURALS[object]}
          </button>
        ))}
      </nav>
      <form className="search" onSubmit={search}>
        <label className="hidden" htmlFor="global-search">
          Search everything
        </label>
        <input
          id="global-search"
          type="search"
          placeholder="Search: name, number, case"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </form>
      <span className="avatar" title={`${user.name} (${user.username})`}>
        {initials}
      </span>
    </header>
  );
}
