// The page: one card a session, kept in place while it changes. Text of others goes in as text, never as markup.

import { follow } from "./connection.js";
import { Typewriter } from "./typewriter.js";
import { active, count, dollars, whole } from "./words.js";

const REMEMBERED = 200; // prompts of sessions that went: they may come back
const MOST_TOOLS = 5;

const STATES = { busy: "working", idle: "idle", waiting: "waits for an answer" };

const byId = (id) => document.getElementById(id);
const cards = new Map();
const prompts = new Map(); // by session; what was shown is not typed again
let hasShown = false;

class Card {
  constructor(id) {
    this.id = id;
    this.element = byId("card").content.cloneNode(true).querySelector(".card");
    this.typewriter = new Typewriter(this.part("typed"));
  }

  part(name) {
    return this.element.querySelector(`.${name}`);
  }

  show(session) {
    this.say("project", session.project || "a project");
    this.say("model", String(session.model || "").replace(/-\d{8}$/, ""));
    this.say("state", STATES[session.state] ?? session.state ?? "");
    this.element.dataset.state = session.state ?? "";
    this.number("tokens", session.total_tokens, count);
    this.number("tools", session.tool_calls, count);
    this.number("prompts", session.user_prompts, count);
    this.number("active", session.active_time_seconds, active);
    this.number("context", session.context_tokens, count);
    this.number("cost", session.cost_usd, dollars);
    this.tools(session.tool_counts ?? {});
    this.prompt(String(session.last_prompt ?? ""), session.sensitive === true);
  }

  say(name, text) {
    const part = this.part(name);
    if (part.textContent !== text) part.textContent = text;
    part.hidden = !text;
  }

  number(name, value, format) {
    const part = this.part(name);
    part.parentElement.hidden = typeof value !== "number";
    if (typeof value !== "number") return;
    this.say(name, format(value));
    part.title = whole(value);
  }

  tools(counts) {
    const most = Object.entries(counts).sort(([, a], [, b]) => b - a).slice(0, MOST_TOOLS);
    const list = this.part("tool-counts");
    list.hidden = most.length === 0;
    const words = most.map(([name, used]) => `${toolName(name)} ${count(used)}`);
    if ([...list.children].map((item) => item.textContent).join("\n") === words.join("\n")) return;
    list.replaceChildren(...words.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  }

  prompt(text, isRedacted) {
    const box = this.part("prompt");
    box.hidden = !text;
    box.classList.toggle("redacted", isRedacted);
    this.say("label", isRedacted ? "Latest prompt (redacted)" : "Latest prompt");
    if (this.typewriter.text === text) return;
    const isNews = hasShown && prompts.get(this.id) !== text;
    this.typewriter.write(text, { slowly: isNews });
    // Noise is nothing to be read out.
    this.part("whole").textContent = isRedacted ? "" : text;
    remember(this.id, text);
  }
}

// "mcp__claude_ai_Linear__list_issues" is "Linear: list issues" to people.
function toolName(name) {
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return server ? `${server.replace(/^claude_ai_/, "")}: ${tool.replaceAll("_", " ")}` : name;
}

function remember(id, text) {
  prompts.delete(id);
  prompts.set(id, text);
  if (prompts.size > REMEMBERED) prompts.delete(prompts.keys().next().value);
}

function showSessions(sessions) {
  const list = byId("sessions");
  const seen = new Set();
  let place = list.firstElementChild;
  for (const session of sessions) {
    const id = String(session.session_id);
    if (seen.has(id)) continue;
    seen.add(id);
    if (!cards.has(id)) cards.set(id, new Card(id));
    const card = cards.get(id);
    if (card.element === place) place = place.nextElementSibling;
    else list.insertBefore(card.element, place);
    card.show(session);
  }
  for (const [id, card] of cards) {
    if (seen.has(id)) continue;
    card.typewriter.stop();
    card.element.remove();
    cards.delete(id);
  }
}

function sum(sessions) {
  if (!sessions.length) return "";
  const of = (key) => sessions.reduce((all, session) => all + (session[key] || 0), 0);
  const many = sessions.length === 1 ? "1 session" : `${sessions.length} sessions`;
  const words = [many, `${count(of("total_tokens"))} tokens`, `${count(of("tool_calls"))} tool calls`];
  return words.map((part) => part.replaceAll(" ", "\u00a0")).join(" · "); // lines break between the parts
}

function headline(link, isLive) {
  if (link === "open") return isLive ? "Claude is at work" : "Nobody is at work";
  return link === "waiting" || hasShown ? "Out of touch" : "Connecting";
}

function setText(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function show({ link, board }) {
  const isLive = link === "open" && board.active;
  const isLost = link !== "open" && (hasShown || link === "waiting");
  document.body.dataset.state = isLive ? "live" : isLost ? "lost" : link === "open" ? "idle" : "connecting";
  document.title = isLive ? `● ${sum(board.sessions) || "Live"}` : "Live";
  byId("icon").href = isLive ? "live.svg" : "idle.svg";
  setText("headline", headline(link, isLive));
  setText("sum", isLost && board.active ? `When last seen: ${sum(board.sessions)}` : sum(board.sessions));
  byId("link").hidden = !isLost;
  // Said once while it tries and tries: a screen reader should not have to hear of each.
  setText("link-says", isLost ? "The connection is lost. Trying to get it back." : "");
  byId("retry").disabled = link !== "waiting";
  showSessions(board.sessions);
  byId("quiet").hidden = board.active || link !== "open";
  hasShown ||= link === "open";
}

const tryNow = follow(document.baseURI, show);
byId("retry").addEventListener("click", tryNow);
