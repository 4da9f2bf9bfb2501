// Prints what the panel weighs gzipped, and fails when it is too much.
// The softphone library is the vendor's and is loaded on demand; it is shown, not counted.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const limit = 90_000;
const root = "dist/panel";

let counted = 0;
for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || entry.name.endsWith(".map")) continue;
  const path = join(entry.parentPath, entry.name);
  const size = gzipSync(readFileSync(path), { level: 9 }).length;
  const library = entry.name.startsWith("connect-streams");
  if (!library) counted += size;
  console.log(`${String(size).padStart(8)}  ${path}${library ? "  (softphone library, not counted)" : ""}`);
}
console.log(`${String(counted).padStart(8)}  panel, gzipped; limit ${limit}`);
if (counted > limit) {
  console.error(`the panel is ${counted - limit} bytes too large`);
  process.exit(1);
}
