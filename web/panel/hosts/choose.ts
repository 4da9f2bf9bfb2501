import type { Log } from "../log";
import type { PanelSettings } from "../settings";
import { crmOrigin, type FrameFacts, scriptAddress } from "./container";
import type { Host } from "./host";
import { openCtiLightning } from "./openCtiLightning";
import { standalone } from "./standalone";

/** The host for the page around us. A frame we do not know gets no script and no CRM commands. */
export function chooseHost(facts: FrameFacts, settings: PanelSettings, log: Log): Host {
  const origin = crmOrigin(facts, settings.crm.open_cti);
  if (!origin) {
    if (facts.framed) log.warn("framed by a page that is not configured as a CRM: standing alone");
    return standalone();
  }
  return openCtiLightning({ script: scriptAddress(origin, settings.crm.open_cti.api_version), log });
}
