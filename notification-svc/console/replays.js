// Replays: planned, looked at, executed for as many events as the plan has found, and followed to their end.

import { get, post } from "./api.js";
import { announce, badge, h, problem, table } from "./dom.js";
import { moment, number } from "./format.js";

const COLUMNS = [["Requested"], ["Replay"], ["Status"], ["Events", true], ["Known", true], ["Missing", true], ["Progress"], ["By"], ["Reason"], [""]];
const STATES = { planning: "", planned: "warn", running: "warn", done: "good", cancelled: "", failed: "bad" };

const field = (name, label, attributes = {}) => h("label", {}, label, h("input", { name, autocomplete: "off", ...attributes }));

/** What the form selects; a moment is entered in the browser's time zone. */
function selection(form) {
  const entered = Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, value.trim()]).filter(([, value]) => value !== ""));
  const asked = { ...entered };
  for (const key of ["since", "until"]) if (key in asked) asked[key] = new Date(asked[key]).toISOString();
  for (const key of ["from_sequence", "to_sequence", "events_per_second"]) if (key in asked) asked[key] = Number(asked[key]);
  return asked;
}

function described(replay) {
  const parts = Object.entries(replay.selection).map(([key, value]) => `${key.replaceAll("_", " ")} ${value}`);
  return parts.length > 0 ? parts.join(", ") : "everything";
}

export function replays(main) {
  const list = h("div", {});
  const form = h("form", { onsubmit: plan },
    h("div.row", {},
      field("since", "Since", { type: "datetime-local", step: "1" }), field("until", "Until", { type: "datetime-local", step: "1" }),
      field("from_sequence", "From sequence", { type: "number", min: "1" }), field("to_sequence", "To sequence", { type: "number", min: "1" }),
      field("account", "Account", { placeholder: "acc_…" }), field("user", "User"),
      field("events_per_second", "Events a second", { type: "number", min: "1", placeholder: "as fast as possible" })),
    field("reason", "Reason, for the audit", { required: true, maxlength: "500" }),
    h("div.actions", {}, h("button.primary", {}, "Plan"), h("span.faint.small", {}, "A plan counts and changes nothing.")));
  main.append(
    h("section.panel", { "aria-label": "Plan a replay" }, h("div.head", {}, h("h2", {}, "Plan a replay")), h("div.body", {}, form)),
    h("section.panel", { "aria-label": "Replays" }, h("div.head", {}, h("h2", {}, "Replays")), list));
  let last = "";

  async function plan(event) {
    event.preventDefault();
    form.querySelector(".problem")?.remove();
    try {
      await post("/v1/replays", selection(form));
      form.reset();
      announce("The replay is being planned.");
      await refresh();
    } catch (error) {
      form.append(problem(error));
    }
  }

  async function act(replay, action, body) {
    try {
      await post(`/v1/replays/${replay.id}/${action}`, body);
      announce(action === "execute" ? "The replay runs." : "The replay is cancelled.");
      await refresh();
    } catch (error) {
      announce(error.message);
    }
  }

  function progress({ plan, progress, status }) {
    if (!plan || status === "planned") return h("td", {}, "–");
    const part = plan.events === 0 ? 100 : (100 * progress.events) / plan.events;
    const filled = h("span", {});
    filled.style.width = `${part}%`;
    const restored = progress.restored + progress.created;
    return h("td", {},
      h("div.bar", { role: "progressbar", "aria-label": "Progress", "aria-valuenow": Math.round(part), "aria-valuemax": "100" }, filled),
      h("span.small.faint", {}, `${number(progress.events)} done, ${number(restored)} restored`));
  }

  function actions(replay) {
    const execute = replay.status === "planned" && h("button.primary", { type: "button", onclick: () => act(replay, "execute", { expect: replay.plan.events }) },
      `Execute ${number(replay.plan.events)}`);
    const cancel = ["planning", "planned", "running"].includes(replay.status) &&
      h("button", { type: "button", onclick: () => act(replay, "cancel") }, "Cancel");
    return h("td", {}, execute, " ", cancel);
  }

  function row(replay) {
    const planned = (value) => h("td.number", {}, replay.plan ? number(value(replay.plan)) : "…");
    return h("tr", { "data-id": replay.id },
      h("td", {}, moment(replay.requested_at)), h("td", { title: replay.id }, described(replay)),
      h("td", {}, badge(STATES[replay.status], replay.status)),
      planned((plan) => plan.events), planned((plan) => plan.known_events), planned((plan) => plan.missing_notifications),
      progress(replay), h("td", {}, replay.operator), h("td.wide", { title: replay.reason }, replay.reason), actions(replay));
  }

  async function refresh() {
    const { data } = await get("/v1/replays?limit=50");
    const now = JSON.stringify(data);
    if (now === last) return;
    last = now;
    const body = data.length > 0 ? table("Replays, newest first", COLUMNS, data.map(row)) : h("div.body", {}, h("p.faint", {}, "There were none."));
    list.replaceChildren(body);
  }

  return { refresh };
}
