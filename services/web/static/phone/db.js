// The phone's own memory. Everything that must survive a closed page is here; a write is on disk when it returns.

const NAME = "gengfu-patrol";
const STORES = {
  meta: { keyPath: "key" },
  queue: { keyPath: "seq" },
  taps: { keyPath: "client_id" },
  photos: { keyPath: "id" },
  refused: { keyPath: "client_id" },
};

let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const [name, options] of Object.entries(STORES)) request.result.createObjectStore(name, options);
    };
    request.onsuccess = () => {
      request.result.onclose = () => {
        opening = null;
      };
      request.result.onversionchange = () => {
        request.result.close();
        opening = null;
      };
      resolve(request.result);
    };
    request.onerror = () => {
      opening = null;
      reject(request.error);
    };
  });
  return opening;
}

const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Run `work(stores)` in one transaction; resolves with its result when that is on disk. */
export async function write(names, work) {
  const db = await open();
  const transaction = db.transaction(names, "readwrite", { durability: "strict" });
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("not saved"));
  });
  const stores = Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)]));
  try {
    const result = await work(stores, asked);
    await done;
    return result;
  } catch (error) {
    done.catch(() => {});
    throw error;
  }
}

export async function all(name) {
  return asked((await open()).transaction(name).objectStore(name).getAll());
}

export async function get(name, key) {
  return asked((await open()).transaction(name).objectStore(name).get(key));
}

export const count = async (name) => asked((await open()).transaction(name).objectStore(name).count());
export const put = (name, value) =>
  write([name], (stores) => {
    stores[name].put(value);
  });
export const remove = (name, key) =>
  write([name], (stores) => {
    stores[name].delete(key);
  });

export const recall = async (key, fallback = null) => (await get("meta", key))?.value ?? fallback;
export const keep = (key, value) => put("meta", { key, value });
