// What this browser keeps, in IndexedDB: tickets with their keys, and the clock's difference. No names, no addresses.

const NAME = "ticketme",
  VERSION = 1,
  TICKETS = "tickets",
  SETTINGS = "settings";
let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(TICKETS, { keyPath: "id" });
      request.result.createObjectStore(SETTINGS);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

// Resolves when it is durable, with what `act` asked for.
async function within(store, mode, act) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode, { durability: "strict" });
    const request = act(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

export const ticketId = (event, ticket, ownerSeq) => `${event}/${ticket}/${ownerSeq}`;
export const allTickets = () => within(TICKETS, "readonly", (store) => store.getAll());
export const getTicket = (id) => within(TICKETS, "readonly", (store) => store.get(id));
export const putTicket = (ticket) => within(TICKETS, "readwrite", (store) => store.put(ticket));
// Some fields of a ticket that is still there; what others changed meanwhile stays.
export const changeTicket = (id, changes) =>
  within(TICKETS, "readwrite", (store) => {
    const asked = store.get(id);
    asked.onsuccess = () => asked.result && store.put({ ...asked.result, ...changes });
    return asked;
  });
export const dropTicket = (id) => within(TICKETS, "readwrite", (store) => store.delete(id));
export const getSetting = (name) => within(SETTINGS, "readonly", (store) => store.get(name));
export const putSetting = (name, value) => within(SETTINGS, "readwrite", (store) => store.put(value, name));

// Ask the browser not to clear the keys when it runs out of room.
export const keepForGood = () => navigator.storage?.persist?.().catch(() => false);
