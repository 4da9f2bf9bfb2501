import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Stage } from "./Stage";
import "../shared/theme.css";
import "./stage.css";

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <Stage />
    </StrictMode>,
  );
