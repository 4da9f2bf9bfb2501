import { useEffect, useRef, useState } from "react";

export type Loaded<T> =
  | { state: "loading" }
  | { state: "done"; value: T }
  | { state: "failed"; problem: string };

/**
 * Loads whenever `key` changes and, quietly, again every `everyMs`: what was shown stays until something newer
 * is there. `key` says what is loaded, as text.
 */
export function useLoad<T>(load: () => Promise<T>, key: string, everyMs = 0): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: "loading" });
  const latest = useRef(load);
  latest.current = load;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for what `load` depends on.
  useEffect(() => {
    let gone = false;
    const run = () =>
      latest.current().then(
        (value) => !gone && setLoaded({ state: "done", value }),
        (error: Error) =>
          !gone &&
          setLoaded((old) => (old.state === "done" ? old : { state: "failed", problem: error.message })),
      );
    run();
    const timer = everyMs > 0 ? setInterval(() => !document.hidden && run(), everyMs) : undefined;
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [key, everyMs]);
  return loaded;
}
