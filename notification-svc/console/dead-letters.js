// What the consumer gave up on: counted by reason, page by page, redriven or discarded one by one or all of a reason.

import { get, post } from "./api.js";
import { announce, askReason, h, problem, table } from "./dom.js";
import { moment, number } from "./format.js";

const PAGE = 100;
const AT_ONCE = 500;
const COLUMNS = [[""], ["Id", true], ["Died"], ["Reason"], ["Event"], ["Tries", true], ["Error"]];

export function deadLetters(main) {
  let reason = "";
  let counts = [];
  let cursors = [null];
  let loads = 0;
  const chosen = new Set();
  const classes = h("select", { "aria-label": "Reason", onchange: () => { reason = classes.value; first(); } });
  const redriveChosen = h("button", { type: "button", onclick: () => treatChosen("redrive") });
  const discardChosen = h("button.danger", { type: "button", onclick: () => treatChosen("discard") });
  const redriveAll = h("button.primary", { type: "button", onclick: redriveEverything });
  const previous = h("button", { type: "button", onclick: () => { cursors.pop(); load(); } }, "Previous");
  const next = h("button", { type: "button", onclick: () => { cursors.push(next.dataset.cursor); load(); } }, "Next");
  const where = h("span.faint.small", {});
  const list = h("div", {});
  const progress = h("div", {});
  main.append(h("section.panel", { "aria-label": "Dead letters" },
    h("div.head", {}, h("h2", {}, "Dead letters"), classes, previous, next, where,
      h("div.end", {}, redriveChosen, discardChosen, redriveAll)),
    progress, list));

  const total = () => counts.filter((one) => reason === "" || one.reason === reason).reduce((sum, one) => sum + one.count, 0);

  function showCounts() {
    const all = counts.reduce((sum, one) => sum + one.count, 0);
    const byReason = Map.groupBy(counts, (one) => one.reason);
    const option = (value, text) => h("option", { value, selected: value === reason }, text);
    if (document.activeElement !== classes) {
      classes.replaceChildren(option("", `all reasons (${number(all)})`),
        ...[...byReason].map(([key, of]) => option(key, `${key.replaceAll("_", " ")} (${number(of.reduce((sum, one) => sum + one.count, 0))})`)));
    }
    redriveAll.textContent = `Redrive all ${number(total())}`;
    redriveAll.disabled = total() === 0;
    for (const [button, word] of [[redriveChosen, "Redrive"], [discardChosen, "Discard"]]) {
      button.textContent = `${word} ${chosen.size} chosen`;
      button.disabled = chosen.size === 0;
    }
  }

  function row(letter) {
    const choose = (event) => {
      if (event.target.checked) chosen.add(letter.id);
      else chosen.delete(letter.id);
      showCounts();
    };
    const name = `Choose dead letter ${letter.id}`;
    return h("tr", {},
      h("td", {}, h("input", { type: "checkbox", "aria-label": name, checked: chosen.has(letter.id), onchange: choose })),
      h("td.number", {}, h("button.id", { type: "button", onclick: () => showOne(letter.id) }, String(letter.id))),
      h("td", {}, moment(letter.died_at)),
      h("td", {}, letter.reason.replaceAll("_", " ")),
      h("td", {}, h("code", {}, letter.event_id ?? "–")),
      h("td.number", {}, letter.attempts ?? "–"),
      h("td.wide", { title: letter.error ?? "" }, letter.error ?? ""));
  }

  async function load() {
    // Who goes on before an answer has come is not shown that answer.
    loads += 1;
    const mine = loads;
    chosen.clear();
    const query = new URLSearchParams({ limit: PAGE });
    if (reason !== "") query.set("reason", reason);
    if (cursors.at(-1) !== null) query.set("cursor", cursors.at(-1));
    try {
      const [page, counted] = await Promise.all([get(`/v1/dead-letters?${query}`), get("/v1/dead-letters/counts")]);
      if (mine !== loads) return;
      counts = counted.data;
      const body = page.data.length > 0 ? table("Dead letters, oldest first", COLUMNS, page.data.map(row))
        : h("div.body", {}, h("p.faint", {}, "There are none."));
      list.replaceChildren(body);
      const before = (cursors.length - 1) * PAGE;
      where.textContent = page.data.length > 0 ? `${number(before + 1)} to ${number(before + page.data.length)} of ${number(total())}` : "";
      next.dataset.cursor = page.next_cursor ?? "";
      next.disabled = page.next_cursor === null;
      previous.disabled = cursors.length === 1;
      showCounts();
    } catch (error) {
      if (mine === loads) list.replaceChildren(h("div.body", {}, problem(error)));
    }
  }

  function first() {
    cursors = [null];
    return load();
  }

  async function showOne(id) {
    try {
      const letter = await get(`/v1/dead-letters/${id}`);
      const bytes = letter.event === null ? atob(letter.body_base64) : JSON.stringify(letter.event, null, 2);
      const dialog = h("dialog", { "aria-label": `Dead letter ${id}`, onclose: () => dialog.remove() },
        h("form", { method: "dialog" },
          h("h2", {}, `Dead letter ${id}`), h("p", {}, letter.error ?? ""),
          letter.history.length > 0 ? h("p.faint.small", {}, letter.history.join(" · ")) : null,
          h("pre.scroll.small", { tabindex: "0" }, bytes), h("div.actions", {}, h("button", {}, "Close"))));
      document.body.append(dialog);
      dialog.showModal();
    } catch (error) {
      announce(error.message);
    }
  }

  async function treatChosen(action) {
    const ids = [...chosen];
    const verb = action === "redrive" ? "Redrive" : "Discard";
    const why = await askReason(`${verb} ${ids.length} dead letters?`, verb);
    if (why === null) return;
    await working(ids.length, async (step) => {
      for (const id of ids) {
        await post(`/v1/dead-letters/${id}/${action}`, { reason: why });
        step(1);
      }
      announce(`${number(ids.length)} dead letters ${action === "redrive" ? "redriven" : "discarded"}.`);
    });
  }

  async function redriveEverything() {
    const planned = total();
    const why = await askReason(`Redrive ${number(planned)} dead letters?`, "Redrive");
    if (why === null) return;
    const order = reason === "" ? { reason: why } : { only: reason, reason: why };
    await working(planned, async (step) => {
      // Those that die again come back behind these, so no more are asked for than there were.
      for (let left = planned; left > 0; left -= AT_ONCE) {
        const { done } = await post("/v1/dead-letters/redrive", order);
        step(done);
        if (done < AT_ONCE) break;
      }
      announce(`${number(planned)} dead letters were handed to the consumer again.`);
    });
  }

  /** Does it with a bar that shows how far it is, and looks again at what is left. */
  async function working(all, work) {
    let done = 0;
    const filled = h("span", {});
    const bar = h("div.bar", { role: "progressbar", "aria-label": "Redrive", "aria-valuemax": all, "aria-valuenow": 0 }, filled);
    const text = h("span.small", {}, `0 of ${number(all)}`);
    progress.replaceChildren(h("div.body", {}, bar, text));
    try {
      await work((more) => {
        done += more;
        filled.style.width = `${(100 * done) / all}%`;
        bar.setAttribute("aria-valuenow", done);
        text.textContent = `${number(done)} of ${number(all)}`;
      });
      progress.replaceChildren();
    } catch (error) {
      progress.replaceChildren(h("div.body", {}, problem(error)));
    }
    await first();
  }

  showCounts();
  first();
  return {
    async refresh() {
      counts = (await get("/v1/dead-letters/counts")).data;
      showCounts();
    },
  };
}
