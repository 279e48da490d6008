// Keeps the shell of the page for a phone without a network. Network first: whoever updates the server updates the
// page. Never touches /api or the socket, and keeps nothing that anybody wrote.

const SHELL = "diqiucun-shell-1";

// The page itself lists its modules; what it fetches later is named here.
const LATER = [
  "/web/view/panels.js", "/web/view/sheet.js", "/web/view/style.js", "/web/view/deeper.js", "/web/view/depth.js", "/web/view/preview.js", "/web/view/mentions.js", "/web/view/door.js",
  "/web/naming/naming.js", "/web/naming/state.js", "/web/naming/words.js", "/web/naming/ceremony.js", "/web/naming/card.js", "/web/naming/naming.css",
  "/web/stage/bar.js", "/web/stage/clock.js", "/web/stage/counted.js", "/web/stage/form.js", "/web/stage/held.js", "/web/stage/host-words.js", "/web/stage/host.js", "/web/stage/member.js",
  "/web/stage/numbers.js", "/web/stage/order.js", "/web/stage/part.js", "/web/stage/poll.js", "/web/stage/queue.js", "/web/stage/records.js", "/web/stage/sheets.js", "/web/stage/show.js",
  "/web/stage/silence.js", "/web/stage/stage.js", "/web/stage/state.js", "/web/stage/texts.js", "/web/stage/words.js", "/web/stage/stage.css", "/web/stage/host.css",
  "/web/depth.js", "/web/fill.js", "/web/finding.js", "/web/mentions.css", "/web/token.js", "/web/words-later.js", "/web/sheets.css", "/web/depth.css", "/web/lanterns.svg",
];

async function keepShell() {
  const cache = await caches.open(SHELL);
  const page = await fetch("/");
  const words = await page.clone().text();
  await cache.put("/", page);
  const named = [...words.matchAll(/(?:href|src)="(\/web\/[^"]+)"/g)].map((found) => found[1]);
  await cache.addAll([...new Set([...named, ...LATER])]);
}

self.addEventListener("install", (event) => {
  event.waitUntil(keepShell().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const isShell = url.origin === location.origin && (url.pathname === "/" || url.pathname.startsWith("/web/"));
  if (event.request.method !== "GET" || !isShell) return;
  event.respondWith((async () => {
    const cache = await caches.open(SHELL);
    try {
      const answer = await fetch(event.request);
      if (answer.ok) await cache.put(event.request, answer.clone());
      return answer;
    } catch (failed) {
      const kept = await cache.match(event.request, { ignoreSearch: true });
      if (kept) return kept;
      throw failed;
    }
  })());
});
