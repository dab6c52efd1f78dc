// Elements out of values. Text is only ever text: nothing here, or anywhere in the console, reads markup from data.

/** An element: `h("td.number", {title: "…"}, child, …)`. Functions are listeners, `false` and `null` leave things out. */
export function h(selector, attributes = {}, ...children) {
  const [name, ...classes] = selector.split(".");
  const element = document.createElement(name);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "indeterminate") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A table with a caption for screen readers. Columns are `[title, isNumber]`; rows are elements. */
export function table(caption, columns, rows) {
  const heads = columns.map(([title, isNumber]) => h(isNumber ? "th.number" : "th", { scope: "col" }, title));
  return h("div.scroll", {}, h("table", { "aria-label": caption }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)));
}

export function badge(kind, text) {
  return h(kind ? `span.badge.${kind}` : "span.badge", {}, text);
}

/** Says something that has happened, also to who does not see the page. */
export function announce(text) {
  const place = document.getElementById("announcement");
  place.textContent = text;
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => place.replaceChildren(), 6000);
}

/** Asks why, as the audit wants it; gives the reason, or null. */
export function askReason(question, action) {
  const reason = h("input", { name: "reason", required: true, maxlength: "500", autocomplete: "off" });
  const dialog = h("dialog", { "aria-label": question },
    h("form", { method: "dialog" },
      h("h2", {}, question),
      h("label", {}, "Reason, for the audit", reason),
      h("div.actions", {},
        h("button.primary", { value: "yes" }, action),
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"))));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue === "yes" ? reason.value.trim() : null);
  }));
}

export function problem(error) {
  return h("p.problem", { role: "alert" }, error.message);
}
