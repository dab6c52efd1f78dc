// The tiles: what waits, for how long, and whether that is a lot.

import { get } from "./api.js";
import { badge, h } from "./dom.js";
import { duration, number } from "./format.js";

const SLOW_SECONDS = 5;
const STUCK_SECONDS = 60;

const judged = (seconds) =>
  seconds >= STUCK_SECONDS ? badge("bad", "stuck") : seconds >= SLOW_SECONDS ? badge("warn", "slow") : badge("good", "flowing");

function tile(name, state, value, note) {
  return h("div.tile", {}, h("div.name", {}, name, state), h("div.value", {}, value), h("div.note", {}, note));
}

function waiting(name, backlog) {
  if (!backlog) return tile(name, badge("bad", "unknown"), "–", "the ledger does not answer");
  const age = (backlog.oldest_age_milliseconds ?? 0) / 1000;
  return tile(name, judged(age), number(backlog.events), `oldest waits ${duration(age)}`);
}

export const overview = {
  async refresh() {
    const { outbox, consumers, dead_letters } = await get("/v1/console/overview");
    const [live, redrive] = consumers;
    const parked = live.parked + redrive.parked;
    const state = live.paused ? badge("warn", "paused") : judged(live.lag_seconds);
    document.getElementById("overview").replaceChildren(
      waiting("Outbox to the stream", outbox?.relay),
      waiting("Outbox to webhooks", outbox?.dispatch),
      tile("Lag of notifications", state, number(live.lag_messages), `${duration(live.lag_seconds)} behind, ${number(live.redelivered)} redelivered`),
      tile("Parked for a retry", parked > 0 ? badge("warn", "retrying") : badge("good", "none"), number(parked), `redrive lag ${number(redrive.lag_messages)}`),
      tile("Dead letters", dead_letters > 0 ? badge("bad", "look") : badge("good", "none"), number(dead_letters), "given up on, kept 90 days"),
    );
  },
};
