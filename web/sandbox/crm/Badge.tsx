import { shownObject } from "./objects";

/** Two letters on a colour: which object this is. */
export function Badge({ object }: { object: string }) {
  const shown = shownObject(object);
  return (
    <span className="badge" style={{ "--hue": shown?.hue ?? 0 } as React.CSSProperties} aria-hidden="true">
      {shown?.badge ?? "?"}
    </span>
  );
}
