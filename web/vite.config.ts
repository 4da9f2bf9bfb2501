import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import type { UserConfig } from "vite";
import { defineConfig } from "vitest/config";

/**
 * One project, several small applications. Each is built alone (`vite build --mode <name>`), because each is
 * served from its own address and by its own program:
 *
 * | mode  | built to             | served at     | by                      |
 * |-------|----------------------|---------------|-------------------------|
 * | panel | dist/panel           | /panel/       | Tieline                 |
 * | stage | dist/sandbox/stage   | /stage/       | simulated Salesforce    |
 * | crm   | dist/sandbox/crm     | /lightning/   | simulated Salesforce    |
 * | ccp   | dist/sandbox/ccp     | /ccp-v2/      | simulated Amazon Connect |
 *
 * and `opencti`, one classic script without assets: dist/sandbox/opencti_min.js.
 * To add an application: a directory with an `index.html`, and a line in `apps`.
 */
export const apps: Record<string, { root: string; out: string; base: string }> = {
  panel: { root: "panel", out: "dist/panel", base: "/panel/" },
  stage: { root: "sandbox/stage", out: "dist/sandbox/stage", base: "/stage/" },
  crm: { root: "sandbox/crm", out: "dist/sandbox/crm", base: "/lightning/" },
  ccp: { root: "sandbox/ccp", out: "dist/sandbox/ccp", base: "/ccp-v2/" },
};

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

function application(name: string): UserConfig {
  const app = apps[name];
  if (!app) throw new Error(`unknown application ${name}`);
  return {
    root: here(app.root),
    base: app.base,
    // The pages are not looked at with React's tools, so the code that greets them is left out.
    define: { __REACT_DEVTOOLS_GLOBAL_HOOK__: "undefined" },
    build: {
      outDir: here(app.out),
      emptyOutDir: true,
      // No data: addresses: the pages' content security policy allows images from their own origin only.
      assetsInlineLimit: 0,
      reportCompressedSize: false,
      modulePreload: { polyfill: false },
      // The softphone library is a finished release of 700 KB, loaded on demand.
      chunkSizeWarningLimit: 400,
    },
  };
}

/** The script the panel loads from the CRM, as in life: one classic script that defines `sforce.opencti`. */
function openCtiScript(): UserConfig {
  return {
    root: here("sandbox/opencti"),
    build: {
      outDir: here("dist/sandbox"),
      emptyOutDir: false,
      reportCompressedSize: false,
      lib: {
        entry: here("sandbox/opencti/main.ts"),
        formats: ["iife"],
        name: "__opencti",
        fileName: () => "opencti_min.js",
      },
    },
  };
}

export default defineConfig(({ mode }) => ({
  plugins: [react()],
  ...(mode in apps ? application(mode) : mode === "opencti" ? openCtiScript() : {}),
  test: {
    environment: "happy-dom",
    include: ["{panel,sandbox,shared}/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    // No test here waits for real time; a busy machine may all the same be slow.
    testTimeout: 60_000,
  },
}));
