// Payments as they come, and the life of the one that is chosen.

import { get } from "./api.js";
import { badge, h, problem, table } from "./dom.js";
import { moment, money, shortId } from "./format.js";
import { life } from "./timeline.js";

const COLUMNS = [["Time"], ["Transaction"], ["Status"], ["Amount", true], ["Currency"], ["From"], ["To"], ["Description"]];
const STATES = { posted: "good", pending: "warn", voided: "", expired: "", partially_refunded: "warn", refunded: "" };

export function payments(main) {
  const list = h("div", {});
  const detail = h("div.body", {}, h("p.faint", {}, "Choose a payment, or enter an id, to see its life."));
  const wanted = h("input", { name: "transaction", placeholder: "txn_…", "aria-label": "Transaction", autocomplete: "off", pattern: "txn_[0-9a-z]{26}" });
  const search = h("form.end", { onsubmit: find }, wanted, h("button", {}, "Show"));
  const panel = h("section.panel", { "aria-label": "Life of a transaction" }, h("div.head", {}, h("h2", {}, "Timeline"), search), detail);
  main.append(h("div.split", {},
    h("section.panel", { "aria-label": "Payments" }, h("div.head", {}, h("h2", {}, "Payments"), h("span.faint.small", {}, "the newest 50, live")), list),
    panel));
  let chosen = "";
  let last = "";

  function find(event) {
    event.preventDefault();
    location.hash = `payments/${wanted.value.trim()}`;
  }

  function row(one) {
    const cell = (text) => h("td", {}, text);
    return h("tr", { "aria-selected": one.id === chosen ? "true" : "false" },
      cell(moment(one.created_at)),
      h("td", {}, h("a.id", { href: `#payments/${one.id}`, title: one.id }, shortId(one.id))),
      h("td", {}, badge(STATES[one.status], one.status.replaceAll("_", " "))),
      h("td.number", {}, money(one.amount, one.currency)),
      cell(one.currency),
      h("td", {}, h("code", { title: one.source }, shortId(one.source))),
      h("td", {}, h("code", { title: one.destination }, shortId(one.destination))),
      h("td.wide", {}, one.description ?? ""));
  }

  async function showList() {
    const { data } = await get("/v1/console/transactions");
    const now = JSON.stringify([data, chosen]);
    if (now === last) return;
    last = now;
    // The row in focus stays in focus, wherever it has moved to.
    const focused = list.contains(document.activeElement) ? document.activeElement.hash : null;
    list.replaceChildren(table("Payments, newest first", COLUMNS, data.map(row)));
    if (focused) list.querySelector(`a[href="${focused}"]`)?.focus({ preventScroll: true });
  }

  async function showDetail() {
    if (chosen === "") return;
    const id = chosen;
    try {
      const told = await get(`/v1/console/transactions/${encodeURIComponent(id)}/timeline`);
      if (id === chosen) detail.replaceChildren(life(told));
    } catch (error) {
      if (id === chosen) detail.replaceChildren(problem(error));
    }
  }

  return {
    open(id) {
      chosen = id;
      if (id !== "") wanted.value = id;
    },
    refresh: () => Promise.all([showList(), showDetail()]),
  };
}
