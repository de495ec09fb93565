// What draws planes: the graphics card where there is one, else the processor.

import { openCard } from "../graphics_card.js";
import { Card } from "./card.js";
import { Painter } from "./painter.js";

export function openCompositor() {
  const card = openCard({ alpha: false, preserveDrawingBuffer: true });
  return card ? new Card(card) : new Painter(document.createElement("canvas"));
}
