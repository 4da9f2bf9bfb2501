/**
 * The panel's log: a ring of lines for support, echoed to the console.
 *
 * Lines hold ids, codes and counts, never numbers, names or attribute values.
 */
export interface Log {
  info(line: string): void;
  warn(line: string): void;
  lines(): readonly string[];
}

const KEPT = 300;

export function createLog(echo: Pick<Console, "info" | "warn"> = console): Log {
  const kept: string[] = [];
  const add = (level: "info" | "warn", line: string) => {
    kept.push(`${new Date().toISOString()} ${level} ${line}`);
    if (kept.length > KEPT) kept.shift();
    echo[level](`[tieline] ${line}`);
  };
  return { info: (line) => add("info", line), warn: (line) => add("warn", line), lines: () => kept };
}

export const silent: Log = { info: () => undefined, warn: () => undefined, lines: () => [] };
