// Requests to the service that has served this page. The session is the browser's cookie; what changes something also
// shows its CSRF token, which lives as long as the tab.

const CSRF = "console.csrf";
const ENDS = "console.ends";

export class ApiError extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

async function send(method, path, body, headers = {}) {
  const request = { method, headers: { Accept: "application/json", ...headers }, cache: "no-store" };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new ApiError(0, "no_answer", "The service does not answer.");
  }
  const text = await response.text();
  if (response.ok) return text === "" ? null : JSON.parse(text);
  let told = {};
  try {
    told = JSON.parse(text);
  } catch { /* Somebody between has answered. */ }
  const fields = (told.errors ?? []).map((field) => `${field.pointer.slice(1)}: ${field.detail}`);
  const detail = [told.detail ?? `The service answers ${response.status}.`, ...fields].join(" ");
  if (response.status === 401 && session.exists()) session.forget();
  throw new ApiError(response.status, told.code ?? "unknown", detail);
}

export const get = (path) => send("GET", path);
export const post = (path, body) => send("POST", path, body, { "X-CSRF-Token": sessionStorage.getItem(CSRF) ?? "" });

export const session = {
  exists: () => sessionStorage.getItem(CSRF) !== null,
  endsAt: () => sessionStorage.getItem(ENDS),
  /** What is to happen once there is none any more. */
  onend: () => {},

  /** Trades a token for a session. The token is not kept. */
  async begin(token) {
    const begun = await send("POST", "/v1/sessions", { console: true }, { Authorization: `Bearer ${token}` });
    sessionStorage.setItem(CSRF, begun.csrf_token);
    sessionStorage.setItem(ENDS, begun.ends_at);
  },

  async end() {
    const { data } = await get("/v1/sessions");
    const current = data.find((one) => one.current);
    if (current) await send("DELETE", `/v1/sessions/${current.id}`, undefined, { "X-CSRF-Token": sessionStorage.getItem(CSRF) });
    session.forget();
  },

  forget() {
    sessionStorage.clear();
    session.onend();
  },
};
