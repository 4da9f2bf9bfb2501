/** What the server wrote into our page. */
export interface PanelSettings {
  workspace: string;
  phone: { kind: "amazon-connect"; ccp_url: string; region: string };
  crm: { kind: "salesforce"; open_cti: OpenCtiSettings };
  /** Default region of numbers without `+`. */
  region: string;
  build: string;
}

export interface OpenCtiSettings {
  api_version: string;
  /** Hosts ending in one of these, over https, may serve the page script. */
  host_suffixes: string[];
  /** Exact origins allowed besides. */
  origins: string[];
}

/** The settings, or one sentence on what is wrong with them, meant for an administrator. */
export function readSettings(document: Document): PanelSettings | string {
  const text = document.getElementById("tieline-settings")?.textContent;
  if (!text)
    return "this page has no settings: it must be opened through Tieline, at /panel/ and the workspace's name";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "the settings in this page are not JSON";
  }
  const settings = value as Partial<PanelSettings> | null;
  if (typeof settings?.workspace !== "string" || settings.workspace === "")
    return "the settings name no workspace";
  const ccp = settings.phone?.ccp_url;
  if (typeof ccp !== "string" || !/^https?:\/\//.test(ccp)) {
    return "the settings hold no address of the softphone (instance_url of the contact-center connection)";
  }
  // An instance nobody filled in; the address exists and shows another company's sign-in page.
  if (new URL(ccp).hostname.split(".")[0] === "default") {
    return "the softphone's address still names the instance \u201cdefault\u201d";
  }
  const openCti = settings.crm?.open_cti;
  return {
    workspace: settings.workspace,
    phone: { kind: "amazon-connect", ccp_url: ccp, region: settings.phone?.region ?? "us-east-1" },
    crm: {
      kind: "salesforce",
      open_cti: {
        api_version: openCti?.api_version ?? "62.0",
        host_suffixes: openCti?.host_suffixes ?? [],
        origins: openCti?.origins ?? [],
      },
    },
    region: settings.region ?? "US",
    build: settings.build ?? "unknown",
  };
}
