// What the page remembers on this device. Works without localStorage (private windows, blocked cookies): then it
// remembers until the page is closed, and nothing else changes.

const PREFIX = "diqiucun.";

export class Store {
  #storage;
  #memory = new Map();

  constructor(storage = reachable()) {
    this.#storage = storage;
  }

  get(key, otherwise = null) {
    const name = PREFIX + key;
    try {
      const text = this.#storage ? this.#storage.getItem(name) : this.#memory.get(name);
      return text === null || text === undefined ? otherwise : JSON.parse(text);
    } catch {
      return otherwise;
    }
  }

  set(key, value) {
    const name = PREFIX + key;
    const text = JSON.stringify(value);
    try {
      if (this.#storage) this.#storage.setItem(name, text);
      else this.#memory.set(name, text);
    } catch {
      // Full: the page goes on with what it has in memory.
    }
  }

  remove(key) {
    try {
      this.#storage?.removeItem(PREFIX + key);
    } catch {
      // Nothing was kept there, then.
    }
    this.#memory.delete(PREFIX + key);
  }
}

function reachable() {
  try {
    const storage = globalThis.localStorage;
    storage.setItem(`${PREFIX}probe`, "1");
    storage.removeItem(`${PREFIX}probe`);
    return storage;
  } catch {
    return null;
  }
}
