// A token as an address (#/t/TOKEN). Fetched only for it. Who made the token is the server's to check; here we only
// look which rooms it opens and until when.

/** {identity, rooms} of a token, or null when it cannot be read. */
export function readToken(token, name) {
  try {
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0))));
    const identity = { token, user: claims.sub, name: claims.name || name || claims.sub, expires_at_ms: claims.exp * 1000 };
    const rooms = Object.keys(claims.rooms ?? {}).filter((room) => room !== "*");
    return { identity, rooms: rooms.length ? rooms : ["welcome"] };
  } catch {
    return null;
  }
}
