// A dot for one's own site:
//
//   <span data-ccmux-live></span>
//   <script type="module" src="https://live.example.com/embed.js"></script>
//
// Each element with `data-ccmux-live` becomes a dot, and has `data-state` "live", "idle" or "lost" for a style of
// one's own. `data-live`, `data-idle` and `data-lost` are the words for it; `data-text` shows them beside the dot.
// The relay must name the site: ccmux-relay --origins https://your.example.com

import { follow } from "./connection.js";

const WORDS = { live: "Claude is at work", idle: "Claude is not at work", lost: "Not known whether Claude is at work" };
const COLOURS = { live: "#2f9e5b", idle: "#a8a296", lost: "#d08a1e" };
const PULSE = [
  { boxShadow: "0 0 0 0 rgb(47 158 91 / 0.5)" },
  { boxShadow: "0 0 0 0.45em rgb(47 158 91 / 0)", offset: 0.7 },
  { boxShadow: "0 0 0 0 rgb(47 158 91 / 0)" },
];

class Dot {
  constructor(element) {
    this.element = element;
    this.dot = document.createElement("span");
    this.words = document.createElement("span");
    this.dot.setAttribute("aria-hidden", "true");
    Object.assign(this.dot.style, {
      display: "inline-block", width: "0.6em", height: "0.6em", borderRadius: "50%", verticalAlign: "baseline",
    });
    element.setAttribute("role", "status");
    element.replaceChildren(this.dot, this.words);
  }

  show(state) {
    const { element } = this;
    if (element.dataset.state === state) return;
    element.dataset.state = state;
    const words = element.dataset[state] ?? WORDS[state];
    const isShown = element.dataset.text !== undefined;
    this.words.textContent = isShown ? ` ${words}` : "";
    element.title = words;
    element.setAttribute("aria-label", words);
    this.dot.style.backgroundColor = COLOURS[state];
    this.pulse?.cancel();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (state === "live" && !isStill) this.pulse = this.dot.animate(PULSE, { duration: 2_000, iterations: Infinity });
  }
}

function stateOf({ link, board }) {
  if (link === "open") return board.active ? "live" : "idle";
  return "lost";
}

const dots = Array.from(document.querySelectorAll("[data-ccmux-live]"), (element) => new Dot(element));
follow(import.meta.url, (news) => dots.forEach((dot) => dot.show(stateOf(news))));
