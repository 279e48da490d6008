// What was missed while the connection was away: fetched page by page, into the gap. Fetched itself at the first gap.

import { applyPage } from "./room.js";

const PAGES_MAX = 10;

export async function fill(talk, one) {
  const { room } = talk;
  if (one.lost || one.loading) return;
  one.loading = true;
  talk.redraw();
  try {
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const page = await talk.connection.ask({ type: "history", room: room.id, after: one.after, epoch: room.epoch, limit: 100 });
      applyPage(room, page, false);
      one.after = Math.max(one.after, page.last);
      one.missed = Math.max(0, one.missed - page.entries.length);
      if (!page.more || one.after >= one.upto || page.entries.length === 0) {
        room.gaps = room.gaps.filter((other) => other !== one);
        return;
      }
    }
  } catch (failed) {
    if (failed.code !== "disconnected" && !failed.retryable) one.lost = true;
  } finally {
    one.loading = false;
    talk.redraw();
  }
}
