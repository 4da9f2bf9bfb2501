import { createRoot } from "react-dom/client";
import { startPanel } from "./panel";
import { readSettings } from "./settings";
import { strings } from "./strings";
import { App } from "./ui/App";
import { Card } from "./ui/Banner";
import "./ui/panel.css";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");

const settings = readSettings(document);
createRoot(root).render(
  typeof settings === "string" ? (
    <Card tone="error" title={strings.settings.title} body={strings.settings.what}>
      <p className="code">{settings}</p>
    </Card>
  ) : (
    <App controls={startPanel(settings)} />
  ),
);
