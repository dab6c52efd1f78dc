// The frame: who is signed in, which view is shown, and what is asked again and again while it is.

import { session } from "./api.js";
import { announce, h, problem } from "./dom.js";
import { duration } from "./format.js";
import { deadLetters } from "./dead-letters.js";
import { overview } from "./overview.js";
import { payments } from "./payments.js";
import { replays } from "./replays.js";

const EVERY = 2000;
const VIEWS = { "payments": payments, "dead-letters": deadLetters, "replays": replays };

const main = document.getElementById("view");
const framed = document.querySelectorAll("nav, .session, #overview");
let shown = null;

function show() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  const key = name in VIEWS ? name : "payments";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${key}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (shown?.key !== key) {
    main.replaceChildren();
    shown = { key, view: VIEWS[key](main) };
    main.focus({ preventScroll: true });
  }
  shown.view.open?.(rest.join("/"));
  tick();
}

/** Everything that is live, once; what fails leaves what was shown, and says so. */
async function tick() {
  if (!session.exists() || document.hidden) return;
  const freshness = document.getElementById("freshness");
  try {
    await Promise.all([overview.refresh(), shown?.view.refresh?.()]);
    freshness.textContent = `as of ${new Date().toTimeString().slice(0, 8)}`;
  } catch (error) {
    freshness.textContent = error.message;
  }
  const left = (Date.parse(session.endsAt()) - Date.now()) / 1000;
  document.getElementById("session-ends").textContent = session.exists() ? `session ends in ${duration(Math.max(left, 0))}` : "";
}

function signIn() {
  shown = null;
  framed.forEach((part) => { part.hidden = true; });
  const token = h("textarea", { rows: "5", required: true, name: "token", autocomplete: "off", spellcheck: "false" });
  const form = h("form", { onsubmit: submit },
    h("h2", {}, "Sign in"),
    h("p.faint", {}, "With an operator's token (ops:read; ops:replay to change something). It is traded for a session of an hour and not kept."),
    h("label", {}, "Token", token),
    h("div.actions", {}, h("button.primary", {}, "Begin a session")));
  async function submit(event) {
    event.preventDefault();
    form.querySelector(".problem")?.remove();
    try {
      await session.begin(token.value.trim());
      enter();
    } catch (error) {
      form.append(problem(error));
    }
  }
  main.replaceChildren(h("div.panel.sign-in", {}, h("div.body", {}, form)));
  token.focus();
}

function enter() {
  framed.forEach((part) => { part.hidden = false; });
  show();
}

session.onend = signIn;
window.addEventListener("hashchange", () => session.exists() && show());
document.addEventListener("visibilitychange", tick);
document.getElementById("sign-out").addEventListener("click", () => session.end().catch((error) => announce(error.message)));
setInterval(tick, EVERY);
if (session.exists()) enter();
else signIn();
