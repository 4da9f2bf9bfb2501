// Builds every application, or those named: `npm run build`, `npm run build -- panel ccp`.
import { copyFileSync, existsSync } from "node:fs";
import { build } from "vite";

const roots = {
  panel: "panel/index.html",
  stage: "sandbox/stage/index.html",
  crm: "sandbox/crm/index.html",
  ccp: "sandbox/ccp/index.html",
  opencti: "sandbox/opencti/main.ts",
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in roots));
if (unknown.length > 0) {
  console.error(`unknown application: ${unknown.join(", ")} (there are ${Object.keys(roots).join(", ")})`);
  process.exit(2);
}

for (const name of named.length > 0 ? named : Object.keys(roots)) {
  if (!existsSync(roots[name])) {
    console.error(`${roots[name]} is missing`);
    process.exit(1);
  }
  await build({ mode: name, logLevel: "warn", configFile: "vite.config.ts" });
  // The library's licence goes where the library goes.
  if (name === "panel")
    copyFileSync(
      "node_modules/amazon-connect-streams/LICENSE.txt",
      "dist/panel/assets/connect-streams-LICENSE.txt",
    );
  console.log(`built ${name}`);
}
