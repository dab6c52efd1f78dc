// The life of a transaction: a line for each of its events, from accepted to notified.

import { badge, h } from "./dom.js";
import { duration, microseconds, moment } from "./format.js";

/** The steps of a timeline as stations: what to say, how it went, and when. */
function station(step) {
  switch (step.step) {
    case "accepted": return { name: "accepted", at: step.at };
    case "committed": return { name: "committed", at: step.at };
    case "published": return { name: "published", note: `#${step.stream_sequence}`, at: step.at };
    case "notified": return { name: "notified", note: step.user, at: step.at };
    default: return attempted(step);
  }
}

function attempted({ at, attempt, configured }) {
  const to = configured ? "push" : "webhook";
  const note = attempt.response_status ? `answered ${attempt.response_status}` : attempt.error ?? "";
  if (attempt.outcome === "delivered") return { name: `${to} delivered`, note, at: attempt.finished_at ?? at };
  const state = attempt.outcome === "unknown" ? "open" : "bad";
  const name = state === "open" ? `${to} under way` : `${to} ${attempt.outcome.replaceAll("_", " ")}`;
  return { name: attempt.number > 1 ? `${name}, try ${attempt.number}` : name, note, state, at: attempt.finished_at ?? at };
}

function line(stations) {
  return h("ol.line", {}, stations.map((one, place) => {
    const next = stations[place + 1];
    const between = next && h("span.after", { "aria-hidden": "true" },
      h("span", {}, duration(Math.max(microseconds(one.at, next.at), 0) / 1e6)));
    return h(one.state ? `li.${one.state}` : "li", { title: one.at }, between, h("b", {}, one.name), one.note ?? "");
  }));
}

function eventOf(id, steps) {
  const stations = steps.map(station).sort((a, b) => microseconds(b.at, a.at));
  const notified = steps.filter((step) => step.step === "notified").map((step) => step.at).sort().at(-1);
  const took = notified && microseconds(stations[0].at, notified) / 1e6;
  return h("div", {},
    h("div.event", {},
      h("h3", {}, steps[0].type ?? "an event that the journal no longer holds"),
      h("span.faint.small", {}, moment(stations[0].at)),
      notified ? badge("good", `notified after ${duration(took)}`) : badge("warn", "nobody notified yet")),
    line(stations),
    h("code.faint", {}, id));
}

export function life({ transaction, steps, complete }) {
  const events = Map.groupBy(steps, (step) => step.event_id);
  return h("div.life", {},
    h("div", {}, h("code", {}, transaction)),
    [...events].map(([id, of]) => eventOf(id, of)),
    complete ? null : h("p.faint", {}, "There is more than is shown."));
}
