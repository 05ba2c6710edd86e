// Follows a relay: connects, connects again, and lets what is old go. What is shown is somebody else's business.

const EXPIRY_MS = 90_000; // a source tells something every 30 s; after so long it is not live
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const DOUBTFUL_MS = 60_000; // a computer that slept does not know that its connection has gone

const NOTHING = { active: false, sessions: [] };

/**
 * Follow the relay that served the file at `base`, until the page goes.
 *
 * `tell({ link, board, waitMs })` is called at every change. `link` is "connecting", "open" or "waiting" (for
 * `waitMs`); `board` is what the relay said last, `{ active, sessions }`, or nothing where that is too old.
 * Returns a function that tries again now.
 */
export function follow(base, tell) {
  const url = new URL("ws/live", base);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";

  let socket = null;
  let board = NOTHING;
  let failures = 0;
  let heardAt = 0;
  let expiry = 0;
  let retry = 0;

  function connect() {
    clearTimeout(retry);
    retry = 0;
    letGo();
    tell({ link: "connecting", board });
    const mine = new WebSocket(url);
    socket = mine;
    mine.onmessage = ({ data }) => mine === socket && heard(data);
    mine.onclose = () => mine === socket && wait();
  }

  function letGo() {
    const old = socket;
    socket = null;
    old?.close();
  }

  function heard(data) {
    const said = read(data);
    if (!said) return;
    failures = 0;
    heardAt = Date.now();
    board = said;
    clearTimeout(expiry);
    if (board.active) expiry = setTimeout(expire, EXPIRY_MS);
    tell({ link: "open", board });
  }

  function expire() {
    board = NOTHING;
    if (socket?.readyState === WebSocket.OPEN) connect(); // it may only seem to be open
    else tell({ link: retry ? "waiting" : "connecting", board });
  }

  function wait() {
    socket = null;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
    failures += 1;
    // A crowd that lost the relay at once does not come back at once.
    const waitMs = longest * (0.5 + Math.random() / 2);
    retry = setTimeout(connect, waitMs);
    tell({ link: "waiting", board, waitMs });
  }

  function tryNow() {
    if (retry) connect();
  }

  function comeBack() {
    if (document.visibilityState === "hidden") return;
    const seemsOpen = socket?.readyState === WebSocket.OPEN;
    if (seemsOpen && Date.now() - heardAt > DOUBTFUL_MS) connect();
    else tryNow();
  }

  addEventListener("online", comeBack);
  document.addEventListener("visibilitychange", comeBack);
  connect();
  return tryNow;
}

function read(data) {
  try {
    const { active, sessions } = JSON.parse(data);
    return { active: active === true, sessions: Array.isArray(sessions) ? sessions : [] };
  } catch {
    return null;
  }
}
